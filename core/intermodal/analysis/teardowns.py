"""Teardowns that may run while what their setup made is still in use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from intermodal.analysis import graph
from intermodal.analysis.graph import Placed
from intermodal.analysis.waits import is_teardown
from intermodal.findings import Finding, warning
from intermodal.ir import Task


def early_teardowns(index: Mapping[str, Placed]) -> Iterator[Finding]:
    """A warning for each teardown that does not wait for all tasks that wait for its setups.

    Nothing but edges says what a teardown comes after, as in Airflow.
    """
    for placed in index.values():
        task = placed.node
        if not isinstance(task, Task) or task.pairing is None or not is_teardown(task):
            continue
        partners = task.pairing.partners
        waited_for = _before(task.id, index)
        users = [
            user.node
            for user in index.values()
            if isinstance(user.node, Task)
            and user.node.pairing is None
            and user.node.id not in waited_for
            and any(partner in _ups(user, index) for partner in partners)
            and task.id not in _before(user.node.id, index)
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


def _before(name: str, index: Mapping[str, Placed]) -> set[str]:
    """All that has ended before a node starts."""
    seen: set[str] = set()
    pending = [name]
    while pending:
        for up in _ups(index[pending.pop()], index):
            for inner in graph.ids_inside(index[up].node):
                if inner not in seen:
                    seen.add(inner)
                    pending.append(inner)
    return seen
