"""Which setups a task needs besides what it waits for itself, as Airflow has it.

A task between a setup and its teardown runs only if that setup succeeded, whatever its own join rule says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from intermodal.analysis import graph
from intermodal.analysis.waits import is_teardown
from intermodal.ir import BodyNode, Pipeline, Task

# Where a node starts or ends: its id, and `start` or `end`.
Point = tuple[str, str]


def is_setup(node: BodyNode) -> bool:
    """Whether it is a task that sets something up for others."""
    return isinstance(node, Task) and node.pairing is not None and node.pairing.role == "setup"


def needed_setups(
    pipeline: Pipeline, ups: Mapping[str, tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    """Ids of the setups that tasks need indirectly; tasks without any are left out.

    Args:
        pipeline: A pipeline without groups.
        ups: What each node waits for itself.
    """
    placed = {item.node.id: item for item in graph.walk(pipeline)}
    setups = [name for name, item in placed.items() if is_setup(item.node)]
    if not setups:
        return {}
    region = {name: item.scope[-1] if item.scope else ("", "") for name, item in placed.items()}
    onward: dict[Point, list[Point]] = {}
    for start, end in _edges(ups, region):
        onward.setdefault(start, []).append(end)
    back: dict[Point, list[Point]] = {}
    for point, following in onward.items():
        for other in following:
            back.setdefault(other, []).append(point)
    needed: dict[str, list[str]] = {}
    for setup in setups:
        after = _reached((setup, "end"), onward)
        partners = [n for n, item in placed.items() if is_teardown(item.node) and setup in ups[n]]
        if partners:
            after &= {name for partner in partners for name in _reached((partner, "start"), back)}
        for name, item in placed.items():
            node = item.node
            task = name in after and isinstance(node, Task) and not is_teardown(node)
            beside = region[setup] in {("", ""), *item.scope}
            if task and beside and name != setup and setup not in ups[name]:
                needed.setdefault(name, []).append(setup)
    return {name: tuple(found) for name, found in needed.items()}


def _edges(
    ups: Mapping[str, tuple[str, ...]], region: Mapping[str, tuple[str, str]]
) -> Iterator[tuple[Point, Point]]:
    """What follows what: nodes by what waits for them, regions by what stands in them."""
    for name, (owner, _) in region.items():
        yield (name, "start"), (name, "end")
        for up in ups[name]:
            yield (up, "end"), (name, "start")
        if owner:
            yield (owner, "start"), (name, "start")
            yield (name, "end"), (owner, "end")


def _reached(start: Point, edges: Mapping[Point, Iterable[Point]]) -> set[str]:
    """Ids of the nodes that lie wholly on that side of a point."""
    seen: set[Point] = set()
    pending = [start]
    while pending:
        for point in edges.get(pending.pop(), ()):
            if point not in seen:
                seen.add(point)
                pending.append(point)
    side = "start" if start[1] == "end" else "end"
    return {name for name, part in seen if part == side}
