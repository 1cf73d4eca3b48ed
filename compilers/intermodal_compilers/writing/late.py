"""What can stand in a block of imports that may fail where the module is loaded."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from intermodal.analysis import graph
from intermodal.frozen import Frozen
from intermodal_compilers.pyimports import Import
from intermodal_compilers.writing.pieces import Piece


class Late(Frozen):
    """What belongs into the block, and what has to stand before it.

    Attributes:
        imports: Imports of it.
        pieces: Statements that cannot be run without these.
        before: Other statements that those use when they are run.
        lazy: Whether annotations elsewhere name what is in it, so that they must not be evaluated.
    """

    imports: tuple[Import, ...] = ()
    pieces: tuple[Piece, ...] = ()
    before: frozenset[str] = frozenset()
    lazy: bool = False


def late_of(pieces: Sequence[Piece], imports: Iterable[Import], tasks: Collection[str]) -> Late:
    """Sort out what may be missing where the module is loaded.

    Args:
        pieces: The statements of the module, in order.
        imports: Imports of packages that may be missing.
        tasks: Texts of the task functions, which always have to be there.
    """
    at_once = [name for piece in pieces if piece.text in tasks for name in piece.at_once]
    needed, kept = _closure(pieces, at_once)
    late = [item for item in imports if item.bound not in needed]
    names = {item.bound for item in late}
    found: dict[str, Piece] = {}
    for piece in pieces:
        if piece.text not in kept and piece.text not in tasks and piece.at_once & names:
            found[piece.text] = piece
            names.update(piece.binds)
    _, before = _closure(pieces, [name for piece in found.values() for name in piece.at_once])
    others = (piece for piece in pieces if piece.text not in found)
    lazy = any(piece.annotated & names for piece in others)
    return Late(tuple(late), tuple(found.values()), frozenset(before - found.keys()), lazy)


def needed_at_once(pieces: Sequence[Piece], names: Iterable[str]) -> set[str]:
    """The names, and those that what makes them needs when the module is imported."""
    return _closure(pieces, names)[0]


def _closure(pieces: Sequence[Piece], names: Iterable[str]) -> tuple[set[str], set[str]]:
    """Names that are needed for these when the module is imported, and texts of what makes them."""
    by_name: dict[str, list[Piece]] = {}
    for piece in pieces:
        for name in piece.binds:
            by_name.setdefault(name, []).append(piece)

    def onward(name: str) -> Iterator[str]:
        for piece in by_name.get(name, ()):
            yield from piece.at_once

    needed = graph.reached(names, onward)
    return needed, {piece.text for name in needed for piece in by_name.get(name, ())}
