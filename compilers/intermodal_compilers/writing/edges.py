"""Ordering edges as statements: `start >> [first, second] >> end`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from intermodal_compilers.pysource import WIDTH, Chain, Expr, Name, inline, list_of

Side = tuple[str, ...]


def statements(waits: Iterable[tuple[str, Sequence[str]]], room: int) -> Iterator[Expr]:
    """The statements that say who waits for whom, in few lines.

    Args:
        waits: A variable, and the variables of what it waits for.
        room: Columns that the lines are indented by.
    """
    for sides in _chained(_grouped(waits)):
        yield from _fitting(sides, WIDTH - room)


def _grouped(waits: Iterable[tuple[str, Sequence[str]]]) -> list[tuple[Side, Side]]:
    """One pair for all that wait for the same single node; one for each that waits for several."""
    found: list[tuple[Side, list[str]]] = []
    by_first: dict[Side, list[str]] = {}
    for later, earlier in waits:
        side = tuple(dict.fromkeys(earlier))
        if side in by_first:
            by_first[side].append(later)
            continue
        found.append((side, [later]))
        if len(side) == 1:
            by_first[side] = found[-1][1]
    return [(side, tuple(later)) for side, later in found]


def _chained(pairs: list[tuple[Side, Side]]) -> Iterator[list[Side]]:
    """Pairs that begin where another one ends are put behind it; each once."""
    by_start: dict[frozenset[str], int] = {}
    for number, (start, _) in enumerate(pairs):
        by_start.setdefault(frozenset(start), number)
    following = [by_start.get(frozenset(end)) for _, end in pairs]
    headed = set(following)
    done: set[int] = set()
    # First those that nothing leads to; what is left then stands on a circle.
    for first in sorted(range(len(pairs)), key=headed.__contains__):
        place: int | None = first
        sides: list[Side] = []
        while place is not None and place not in done:
            done.add(place)
            sides += pairs[place][sides != [] :]
            place = following[place]
        if sides:
            yield sides


def _fitting(sides: list[Side], width: int) -> Iterator[Expr]:
    """The chain, cut where it would be too long for a line."""
    start = 0
    for end in range(2, len(sides) + 1):
        if end < len(sides) and len(inline(_chain(sides[start : end + 1]))) <= width:
            continue
        yield from _cut(sides[start:end], width)
        start = end - 1


def _cut(sides: list[Side], width: int) -> Iterator[Expr]:
    """The chain; a pair that is too long for a line has its longer side on several."""
    whole = _chain(sides)
    longest = max(sides, key=len)
    if len(inline(whole)) <= width or len(sides) > 2 or len(longest) == 1:
        yield whole
        return
    half = len(longest) // 2
    for part in (longest[:half], longest[half:]):
        yield from _cut([part if side is longest else side for side in sides], width)


def _chain(sides: Sequence[Side]) -> Chain:
    return Chain(">>", tuple(_side(side) for side in sides))


def _side(side: Side) -> Expr:
    return Name(side[0]) if len(side) == 1 else list_of(Name(name) for name in side)
