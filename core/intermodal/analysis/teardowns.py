"""Teardowns that may run while what their setup made is still in use."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from intermodal.analysis import graph
from intermodal.analysis.graph import Placed
from intermodal.analysis.waits import is_teardown
from intermodal.findings import Finding, warning
from intermodal.ir import Task


def early_teardowns(index: Mapping[str, Placed]) -> Iterator[Finding]:
    """A warning for each teardown that does not wait for all tasks that wait for its setups.

    Nothing but edges says what a teardown comes after, as in Airflow.
    """
    if not any(isinstance(one.node, Task) and is_teardown(one.node) for one in index.values()):
        return
    ups = {name: _ups(placed, index) for name, placed in index.items()}
    users_of: dict[str, list[Task]] = {}
    for placed in index.values():
        if isinstance(placed.node, Task) and placed.node.pairing is None:
            for up in ups[placed.node.id]:
                users_of.setdefault(up, []).append(placed.node)
    rank = {name: position for position, name in enumerate(index)}
    for placed in index.values():
        task = placed.node
        if not isinstance(task, Task) or task.pairing is None or not is_teardown(task):
            continue
        partners = task.pairing.partners
        using = {user.id: user for partner in partners for user in users_of.get(partner, ())}
        early = using.keys() - _before(task.id, index, ups, using)
        users = [
            using[name]
            for name in sorted(early, key=rank.__getitem__)
            if task.id not in _before(name, index, ups, {task.id})
        ]
        if users:
            names = ", ".join(f"`{user.id}`" for user in users)
            yield warning(
                "PORT123",
                f"the teardown `{task.id}` does not wait for {names}",
                task.span,
                why=f"{names} needs what {', '.join(f'`{one}`' for one in partners)} made, and edges alone say "
                "what a teardown comes after",
                next=f"let `{task.id}` come after them: `.with_options(after=[...])`, or `... >> {task.id}`",
            )


def _ups(placed: Placed, index: Mapping[str, Placed]) -> set[str]:
    """What a node waits for, itself or by a region around it."""
    around = [index[region].node for region, _ in placed.scope]
    return {up for node in (placed.node, *around) for up in graph.upstreams(node)}


def _before(
    name: str,
    index: Mapping[str, Placed],
    ups: Mapping[str, Collection[str]],
    wanted: Collection[str],
) -> set[str]:
    """What has ended before a node starts: all of it, or at least all that is wanted."""
    seen: set[str] = set()
    missing = set(wanted)
    pending = [name]
    while pending and missing:
        for up in ups[pending.pop()]:
            for inner in graph.ids_inside(index[up].node):
                if inner not in seen:
                    seen.add(inner)
                    missing.discard(inner)
                    pending.append(inner)
    return seen
