"""Arrows between tasks and groups, as people write them: whole groups, chains and lists."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping

from intermodal_compilers.airflow.hosted.model import Item, Region, Step

Edge = tuple[Item, Item]
Link = tuple[tuple[Item, ...], ...]


def group_arrows(
    wanted: Iterable[Edge], plain: Iterable[Edge], edges: Edges
) -> tuple[list[Edge], list[Edge]]:
    """Arrows from or to whole groups, and the edges that are left to be drawn one by one.

    Airflow remembers such arrows, and its pages draw them as one. One that would draw an edge which is not
    there (it was drawn before the group was complete) is not taken.

    Args:
        wanted: The arrows.
        plain: Edges between tasks that are to be drawn.
        edges: All that there are, however they come about.
    """
    left = dict.fromkeys(plain)
    taken = []
    for up, down in dict.fromkeys(wanted):
        ups, downs = edges.leaves(up), edges.roots(down)
        drawn = [(one, other) for one in ups for other in downs]
        if not drawn or any(other.task.id not in edges.down_of(one) for one, other in drawn):
            continue
        taken.append((up, down))
        for edge in drawn:
            left.pop(edge, None)
    return taken, list(left)


class Edges:
    """What runs after what, and where groups begin and end; as `airflow.sdk.definitions.taskgroup` has it."""

    def __init__(self, steps: Iterable[Step], edges: Iterable[tuple[str, str]]) -> None:
        self.steps = {step.task.id: step for step in steps}
        self.up: dict[str, dict[str, None]] = {name: {} for name in self.steps}
        self.down: dict[str, dict[str, None]] = {name: {} for name in self.steps}
        for up, down in edges:
            self.up[down][up] = None
            self.down[up][down] = None

    def down_of(self, step: Step) -> Mapping[str, None]:
        """Ids of the tasks after a task."""
        return self.down[step.task.id]

    def roots(self, region: Item) -> list[Step]:
        """Tasks without an upstream inside."""
        if isinstance(region, Step):
            return [region]
        inside = {step.task.id for step in region.steps()}
        return [step for step in region.steps() if inside.isdisjoint(self.up[step.task.id])]

    def leaves(self, region: Item) -> list[Step]:
        """Tasks without a downstream inside; for teardowns, what stands before them."""
        if isinstance(region, Step):
            return [region]
        inside = {step.task.id for step in region.steps()}
        found: dict[str, None] = {}
        for step in region.steps():
            if not inside.isdisjoint(self.down[step.task.id]):
                continue
            if step.is_teardown:
                found |= dict.fromkeys(self._before(step.task.id, inside, set()))
            else:
                found[step.task.id] = None
        return [self.steps[name] for name in found]

    def _before(self, name: str, inside: set[str], seen: set[str]) -> Iterable[str]:
        for up in self.up[name]:
            above = self.steps[up]
            if up not in inside or up in seen:
                continue
            if above.is_teardown:
                seen.add(up)
                yield from self._before(up, inside, seen)
            elif not above.is_setup and not any(
                down in inside and down != name and not self.steps[down].is_teardown
                for down in self.down[up]
            ):
                yield up


def chains(edges: Iterable[Edge], order: Mapping[Item, int]) -> list[Link]:
    """Chains of items and lists of items that draw exactly the edges: `a >> [b, c] >> d`.

    Args:
        edges: Without repetition.
        order: The place of each item in the file.
    """
    return list(_Chains(edges, order).all())


class _Chains:
    """Edges that are not in a chain yet."""

    def __init__(self, edges: Iterable[Edge], order: Mapping[Item, int]) -> None:
        self.order = order
        self.down: dict[Item, dict[Item, None]] = {}
        self.up: dict[Item, dict[Item, None]] = {}
        for up, down in sorted(edges, key=lambda edge: (order[edge[0]], order[edge[1]])):
            self.down.setdefault(up, {})[down] = None
            self.up.setdefault(down, {})[up] = None
        # Where chains may begin: what has edges that are left, and none that lead to it.
        self.ready = [order[item] for item in self.down if not self.up.get(item)]
        self.items = {order[item]: item for item in self.down}
        heapq.heapify(self.ready)

    def all(self) -> Iterator[Link]:
        """Chains until no edge is left."""
        while self.ready:
            first = self.items[heapq.heappop(self.ready)]
            if self.down.get(first):
                yield self._from(first)
        # What runs in circles has no first; it is drawn all the same, for Airflow to refuse.
        for up, downs in self.down.items():
            yield ((up,), tuple(downs))

    def _from(self, first: Item) -> Link:
        group: tuple[Item, ...] = (first,)
        downs = self._common(group)
        if len(downs) == 1:
            beside = [up for up in self.up[downs[0]] if not self.up.get(up)]
            group = (first, *(u for u in beside if u is not first and self._common((u,)) == downs))
        chain = [group]
        while downs and (len(group) == 1 or len(downs) == 1):
            self._take(group, downs)
            chain.append(downs)
            group, downs = downs, self._common(downs)
        return tuple(chain)

    def _common(self, group: tuple[Item, ...]) -> tuple[Item, ...]:
        """What all items of a group lead to, if that is the same for each."""
        wanted = self.down.get(group[0])
        if not wanted or any(self.down.get(up) != wanted for up in group):
            return ()
        return tuple(wanted)

    def _take(self, group: tuple[Item, ...], downs: tuple[Item, ...]) -> None:
        for up in group:
            del self.down[up]
        for down in downs:
            for up in group:
                del self.up[down][up]
            if not self.up[down] and down in self.down:
                heapq.heappush(self.ready, self.order[down])


def meeting(one: Item, other: Item) -> Region:
    """The innermost region that holds two items, or one that the other stands in."""
    around = set(_around(one))
    return next(region for region in reversed(_around(other)) if region in around)


def _around(item: Item) -> list[Region]:
    """The regions that an item stands in, outermost first."""
    if isinstance(item, Step):
        return item.region.path()
    return item.parent.path() if item.parent else [item]
