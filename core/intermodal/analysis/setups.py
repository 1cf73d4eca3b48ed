"""Which setups a task needs besides its direct upstreams, as Airflow has it.

A task between a setup and its teardown runs only if that setup succeeded, whatever its own join rule says: else
a rule such as `all_done` would let it run without what it works on. (`BaseOperator.get_upstreams_only_setups`
and `TriggerRuleDep._evaluate_setup_constraint` in Airflow.)
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from intermodal.analysis.waits import is_teardown
from intermodal.ir import BodyNode, Task

Region = tuple[str, str]
"""A region's id with the arm's name; a body that belongs to no region has an empty id."""

TOP: Region = ("", "")
"""The pipeline's own body."""

Point = tuple[str, str]
"""Where a node starts or ends: its id, and `start` or `end`. Of a task both are one."""


def is_setup(node: BodyNode) -> bool:
    """Whether it is a task that sets something up for others."""
    return isinstance(node, Task) and node.pairing is not None and node.pairing.role == "setup"


def needed_setups(
    nodes: Mapping[str, BodyNode],
    scopes: Mapping[str, Sequence[Region]],
    ups: Mapping[str, Iterable[str]],
) -> dict[str, tuple[str, ...]]:
    """Ids of the setups that tasks need indirectly; tasks without any are left out.

    Args:
        nodes: The nodes of a pipeline by their ids, groups dissolved, in the pipeline's order.
        scopes: The bodies that each stands in, outermost first: at least one.
        ups: What each node waits for itself.
    """
    setups = [name for name, node in nodes.items() if is_setup(node)]
    if not setups:
        return {}
    onward: dict[Point, list[Point]] = {}
    back: dict[Point, list[Point]] = {}
    for start, end in _edges(ups, scopes):
        onward.setdefault(start, []).append(end)
        back.setdefault(end, []).append(start)
    partners: dict[str, list[Point]] = {}
    for name, node in nodes.items():
        for up in ups[name] if is_teardown(node) else ():
            partners.setdefault(up, []).append((name, "start"))
    rank = {name: position for position, name in enumerate(nodes)}
    needed: dict[str, list[str]] = {}
    for setup in setups:
        after = _between((setup, "end"), partners.get(setup, ()), onward, back)
        for name in sorted(after, key=rank.__getitem__):
            task = isinstance(nodes[name], Task) and not is_teardown(nodes[name])
            beside = scopes[setup][-1] in scopes[name]
            if task and beside and name != setup and setup not in ups[name]:
                needed.setdefault(name, []).append(setup)
    return {name: tuple(found) for name, found in needed.items()}


def _edges(
    ups: Mapping[str, Iterable[str]], scopes: Mapping[str, Sequence[Region]]
) -> Iterator[tuple[Point, Point]]:
    """What follows what: nodes by what waits for them, regions by what stands in them."""
    for name, scope in scopes.items():
        yield (name, "start"), (name, "end")
        for up in ups[name]:
            yield (up, "end"), (name, "start")
        owner, _ = scope[-1]
        if owner:
            yield (owner, "start"), (name, "start")
            yield (name, "end"), (owner, "end")


def _between(
    setup: Point,
    teardowns: Collection[Point],
    onward: Mapping[Point, Iterable[Point]],
    back: Mapping[Point, Iterable[Point]],
) -> set[str]:
    """Ids of the nodes that lie wholly after a setup and, if it has teardowns, before one of them."""
    if not teardowns:
        return {name for name, part in _reached((setup,), onward) if part == "start"}
    # What leads to a teardown by way of the setup comes before it: no need to look there.
    before = _reached(teardowns, back, until=setup)
    after = _reached((setup,), onward, within=before)
    return {name for name, part in after if part == "start" and (name, "end") in before}


def _reached(
    starts: Iterable[Point],
    edges: Mapping[Point, Iterable[Point]],
    *,
    until: Point | None = None,
    within: Collection[Point] | None = None,
) -> set[Point]:
    """The points on that side of others, by ways that end at `until` and stay `within`."""
    seen: set[Point] = set()
    pending = list(starts)
    while pending:
        for point in edges.get(pending.pop(), ()):
            if point not in seen and point != until and (within is None or point in within):
                seen.add(point)
                pending.append(point)
    return seen
