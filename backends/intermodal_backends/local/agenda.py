"""What is to be done next: new instances, attempts to repeat and looks to take again, within pools."""

from __future__ import annotations

import heapq
import itertools
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from intermodal.ir import Task
from intermodal_backends.local.scheduler import Key, Scheduler


@dataclass(frozen=True, slots=True)
class Turn:
    """An instance whose turn it is.

    Attributes:
        key: Whose.
        tries: The attempt, counted from 1 in this part of the run.
        looks: How often a waiting task has looked in this attempt.
    """

    key: Key
    tries: int = 1
    looks: int = 0

    @property
    def is_new(self) -> bool:
        """Whether it is the instance's first."""
        return self.tries == 1 and not self.looks


class Agenda:
    """Hands out turns in order: what is due again before what is new, by priority where a pool is full.

    A turn keeps its slots until it is given back. In a full pool the turn that comes first waits at the
    head of the line: one that needs fewer slots does not pass it, so none waits for ever.

    Args:
        scheduler: Gives new instances.
        pools: Slots by pool; others are unlimited.
    """

    def __init__(self, scheduler: Scheduler, pools: Mapping[str, int]) -> None:
        self._scheduler = scheduler
        self._free = dict(pools)
        self._lines: dict[str, list[tuple[int, int, Key, int, Turn]]] = {name: [] for name in pools}
        self._granted: deque[Turn] = deque()
        self._later: list[tuple[float, int, Turn]] = []
        self._order = itertools.count()

    @property
    def has_later(self) -> bool:
        """Whether something is due at a later time."""
        return bool(self._later)

    @property
    def next_due(self) -> float | None:
        """When that is, in monotonic seconds."""
        return self._later[0][0] if self._later else None

    def later(self, turn: Turn, due: float) -> None:
        """Put a turn off until a time in monotonic seconds."""
        heapq.heappush(self._later, (due, next(self._order), turn))

    def take(self) -> Turn | None:
        """The next turn that may be taken now; it holds its slots until `give_back`."""
        if self._granted:
            return self._granted.popleft()
        while (turn := self._candidate()) is not None:
            task = self._task(turn)
            line = self._lines.get(task.pool or "")
            if line is None:
                return turn
            rank = self._scheduler.plan.steps[task.id].rank
            place = (-(task.priority or 0), rank, turn.key, next(self._order), turn)
            heapq.heappush(line, place)
            self._move_up(task.pool or "")
            if self._granted:
                return self._granted.popleft()
        return None

    def give_back(self, turn: Turn) -> None:
        """Free the slots of a turn that is over, or was not used."""
        task = self._task(turn)
        if task.pool in self._free:
            self._free[task.pool] += task.pool_slots
            self._move_up(task.pool)

    def _candidate(self) -> Turn | None:
        if self._later and self._later[0][0] <= time.monotonic():
            return heapq.heappop(self._later)[2]
        key = self._scheduler.take()
        return None if key is None else Turn(key)

    def _move_up(self, pool: str) -> None:
        """Grant slots to the head of a pool's line for as long as it fits."""
        line = self._lines[pool]
        while line and self._task(line[0][-1]).pool_slots <= self._free[pool]:
            turn = heapq.heappop(line)[-1]
            self._free[pool] -= self._task(turn).pool_slots
            self._granted.append(turn)

    def _task(self, turn: Turn) -> Task:
        node = self._scheduler.plan.steps[turn.key[0]].node
        assert isinstance(node, Task)
        return node
