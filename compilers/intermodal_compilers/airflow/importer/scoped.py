"""Setup and teardown tasks as contexts: what stands in their `with` comes between them.

The rules are those of `airflow.sdk.definitions._internal.setup_teardown`, quirks included: what is opened and
closed is kept for setups and teardowns apart, and once an inner `with` closes, tasks that are made in the
outer one are no longer taken in.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from intermodal_compilers.airflow.importer.graph import TaskNode, connect

Key = tuple[int, ...]


def _key(tasks: list[TaskNode]) -> Key:
    return tuple(id(task) for task in tasks)


@dataclass(eq=False)
class Stack:
    """The tasks that are open, and those around them."""

    now: list[TaskNode] = field(default_factory=list)
    before: list[list[TaskNode]] = field(default_factory=list)

    def push(self, tasks: list[TaskNode]) -> None:
        """Open tasks."""
        if self.now and self.now != tasks:
            self.before.append(self.now)
        self.now = tasks

    def pop(self, *, upstream: bool) -> list[TaskNode]:
        """Close the tasks: they are drawn to those around them, which come below (`upstream`) or above."""
        closed = self.now
        self.now = self.before.pop() if self.before else []
        if self.now and closed:
            _draw(closed, self.now, upstream=upstream)
        return closed


def _draw(tasks: list[TaskNode], others: list[TaskNode], *, upstream: bool) -> None:
    for other in others:
        for task in tasks:
            connect(*((task, other) if upstream else (other, task)))


class SetupContext:
    """Which setups and teardowns are open, and the tasks made in each."""

    def __init__(self) -> None:
        self.active = False
        self._inside: dict[Key, list[TaskNode]] = {}
        self._setups = Stack()
        self._teardowns = Stack()
        self._teardowns_below = Stack()
        self._setups_above = Stack()

    def add(self, task: TaskNode) -> None:
        """Take in a task that is made, or added by name."""
        if not self.active or task.setup or task.teardown:
            return
        for stack in (self._setups, self._teardowns):
            if stack.now:
                self._inside.setdefault(_key(stack.now), []).append(task)

    def forget(self, task: TaskNode) -> None:
        """Leave out a task: mapped ones are not taken in."""
        for many in self._inside.values():
            if task in many:
                many.remove(task)

    def open(self, tasks: list[TaskNode]) -> None:
        """The start of a `with`: partners are looked for now."""
        if tasks[0].teardown:
            self._teardowns.push(tasks)
            self._setups_above.push(_partners(tasks[0], "setup", tasks[0].upstream))
        else:
            self._setups.push(tasks)
            self._teardowns_below.push(_partners(tasks[0], "teardown", tasks[0].downstream))
        self.active = True

    def close(self) -> None:
        """The end of a `with`: arrows to and from what was made in it."""
        self._close_setups()
        self._close_teardowns()
        setups = self._setups.pop(upstream=False)
        teardowns = self._teardowns.pop(upstream=True)
        self._teardowns_below.pop(upstream=True)
        self._setups_above.pop(upstream=False)
        self._inside.pop(_key(setups), None)
        self._inside.pop(_key(teardowns), None)
        self.active = False

    def _work(self, stack: Stack) -> list[TaskNode]:
        made = self._inside.get(_key(stack.now), []) if stack.now else []
        return [task for task in made if not task.setup and not task.teardown]

    def _close_setups(self) -> None:
        inside = self._work(self._setups)
        if not inside:
            return
        _draw(_roots(inside) or inside[:1], self._setups.now, upstream=False)
        leaves = _leaves(inside) or inside[-1:]
        _draw(self._teardowns.now or leaves, self._teardowns_below.now, upstream=True)

    def _close_teardowns(self) -> None:
        inside = self._work(self._teardowns)
        if not inside:
            return
        _draw(_leaves(inside) or inside[-1:], self._teardowns.now, upstream=True)
        roots = _roots(inside) or inside[:1]
        _draw(self._setups.now or roots, self._setups_above.now, upstream=False)


def _roots(tasks: list[TaskNode]) -> list[TaskNode]:
    return [task for task in tasks if not task.upstream]


def _leaves(tasks: list[TaskNode]) -> list[TaskNode]:
    return [task for task in tasks if not task.downstream]


def _partners(task: TaskNode, wanted: str, around: dict[str, TaskNode]) -> list[TaskNode]:
    """The teardowns below a setup, or the setups above a teardown."""
    pending, seen = list(around.values()), {task.id}
    while pending:
        found = [one for one in pending if getattr(one, wanted)]
        if found:
            return found
        seen |= {one.id for one in pending}
        pending = [
            near
            for one in pending
            for near in (*one.downstream.values(), *one.upstream.values())
            if near.id not in seen
        ]
    return []
