"""With which tasks a run may end: KFP calls no hook then, so the tracker tells by its tasks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from intermodal.analysis import graph
from intermodal.ir import BodyNode, Join, Pipeline, Task, Wait

ALWAYS = {Join.ALL_DONE, Join.ALWAYS, Join.NONE_FAILED}
"""Rules by which a task runs although others were skipped."""

ALL = {Join.ALL_SUCCESS, Join.NONE_SKIPPED}
ONE = {Join.ONE_SUCCESS, Join.NONE_FAILED_MIN_ONE_SUCCESS, Join.ONE_DONE}


def ending_tasks(pipeline: Pipeline, reporting: Collection[str]) -> frozenset[str]:
    """Ids of the tasks that no other one follows for sure, where nothing fails.

    Args:
        pipeline: Without groups.
        reporting: Ids of the tasks that report to the tracker. Others that follow tell it nothing.
    """
    found: set[str] = set()
    exits = any(task.id in reporting and task.guard is None for task in pipeline.exit_tasks)
    if not exits:
        _collect(pipeline.body, reporting, found)
    _collect(pipeline.exit_tasks, reporting, found)
    return frozenset(found)


def _collect(body: Iterable[BodyNode], reporting: Collection[str], found: set[str]) -> None:
    """Add the tasks of a body that may be its last ones, those in its regions included."""
    nodes = {node.id: node for node in graph.topological(body)}
    runs = _runs(nodes)
    sure = {n for n, always in runs.items() if always and n in reporting and _lets_on(nodes[n])}
    followed: set[str] = set()  # something that reports comes after it for sure
    for node in reversed(nodes.values()):
        ups = [up for up in graph.upstreams(node) if up in nodes]
        if node.id in sure or node.id in followed:
            followed.update(ups)
    for node in nodes.values():
        if node.id in followed:
            continue
        if isinstance(node, Task):
            found.add(node.id)
        for _, inside in graph.regions(node):
            _collect(inside, reporting, found)


def _runs(nodes: Mapping[str, BodyNode]) -> dict[str, bool]:
    """Whether each task runs whenever its body does; a region, a wait and a condition let nothing be sure."""
    runs: dict[str, bool] = {}
    for name, node in nodes.items():  # in topological order
        lets_on = [_lets_on(nodes[up]) and runs[up] for up in graph.upstreams(node) if up in nodes]
        if not isinstance(node, Task) or node.guard is not None:
            runs[name] = False
        elif node.join in ALWAYS or not lets_on:
            runs[name] = True
        elif node.join in ONE:
            runs[name] = any(lets_on)
        else:
            runs[name] = node.join in ALL and all(lets_on)
    return runs


def _lets_on(node: BodyNode) -> bool:
    """Whether a node that ran lets others do so, and reports; a wait may give up, and do neither."""
    return not (isinstance(node, Task) and isinstance(node.action, Wait))
