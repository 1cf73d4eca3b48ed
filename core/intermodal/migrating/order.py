"""In which order to move files: those that others need first, and among those the ones with the least in their way."""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import field

from intermodal.frozen import Frozen


class Entry(Frozen):
    """What decides on the place of a file.

    Attributes:
        path: As shown.
        pipelines: Ids of its pipelines.
        tasks: How many tasks they have.
        blockers: How many different things stand in the way.
        minutes: Work left.
        needs: Ids of pipelines that they start or wait for.
        reads: Data whose change starts them.
        writes: Data that they change.
        modules: Modules of the user's own.
        number: Which of all files it is, from 1; paths as shown may be alike below several roots.
    """

    path: str
    pipelines: tuple[str, ...] = ()
    tasks: int = 0
    blockers: int = 0
    minutes: int = 0
    needs: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    number: int = 0


class Step(Frozen):
    """A file in its place.

    Attributes:
        entry: The file.
        after: Paths of files with pipelines or data that it needs.
        shared: By module: how many other files use it too.
    """

    entry: Entry
    after: tuple[str, ...] = ()
    shared: Mapping[str, int] = field(default_factory=dict)


def order(entries: Sequence[Entry]) -> list[Step]:
    """Each file after those that it needs; where they need each other, the one with the least in its way."""
    before = _before(entries)
    uses = Counter(module for entry in entries for module in entry.modules)
    steps = [
        Step(
            entries[at],
            tuple(dict.fromkeys(entries[needed].path for needed in sorted(before[at]))),
            {m: uses[m] - 1 for m in entries[at].modules if uses[m] > 1},
        )
        for at in range(len(entries))
    ]
    return [steps[at] for at in _sorted(entries, before)]


def _before(entries: Sequence[Entry]) -> dict[int, set[int]]:
    """By file: those that it needs."""
    holders: dict[str, set[int]] = defaultdict(set)
    writers: dict[str, set[int]] = defaultdict(set)
    for at, entry in enumerate(entries):
        for pipeline in entry.pipelines:
            holders[pipeline].add(at)
        for data in entry.writes:
            writers[data].add(at)
    empty: set[int] = set()
    return {
        at: {
            *(one for needed in entry.needs for one in holders.get(needed, empty)),
            *(one for data in entry.reads for one in writers.get(data, empty)),
        }
        - {at}
        for at, entry in enumerate(entries)
    }


def _sorted(entries: Sequence[Entry], before: Mapping[int, set[int]]) -> list[int]:
    left = {at: set(needed) for at, needed in before.items()}
    waiting: dict[int, set[int]] = defaultdict(set)
    for at, needed in left.items():
        for one in needed:
            waiting[one].add(at)

    def rank(at: int) -> tuple[int, int, int, int, str, int]:
        entry = entries[at]
        return (
            entry.blockers, len(before[at]), len(entry.modules), entry.minutes, entry.path, at,
        )  # fmt: skip

    free = [rank(at) for at, needed in left.items() if not needed]
    rest = [rank(at) for at in left]  # also those that need each other, so that none is left over
    heapq.heapify(free)
    heapq.heapify(rest)
    placed: dict[int, None] = {}
    while len(placed) < len(entries):
        at = heapq.heappop(free or rest)[-1]
        if at in placed:
            continue
        placed[at] = None
        for one in waiting[at]:
            left[one].discard(at)
            if not left[one] and one not in placed:
                heapq.heappush(free, rank(one))
    return list(placed)
