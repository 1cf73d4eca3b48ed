"""What is left of groups, which Prefect does not have: a tag of the tasks in them."""

from __future__ import annotations

from collections.abc import Iterator

from intermodal.analysis import graph
from intermodal.analysis.rewrite import map_tasks
from intermodal.findings import Finding, warning
from intermodal.ir import Group, Pipeline, Task

LABEL = "task_group"


def with_group_labels(pipeline: Pipeline) -> Pipeline:
    """The pipeline with a label on each task in a group: the names of the groups, outermost first."""
    shown: dict[str, tuple[str, ...]] = {}
    for placed in graph.walk(pipeline):
        node = placed.node
        around = shown.get(placed.scope[-1][0], ()) if placed.scope else ()
        own = (node.display_name or node.id,) if isinstance(node, Group) else ()
        shown[node.id] = (*around, *own)
    if not any(shown.values()):
        return pipeline
    return map_tasks(pipeline, lambda task: _labelled(task, shown.get(task.id, ())))


def group_findings(pipeline: Pipeline, target: str) -> Iterator[Finding]:
    """Warnings about what groups say of themselves, which stands nowhere in a flow."""
    for placed in graph.walk(pipeline):
        if isinstance(placed.node, Group) and placed.node.docs:
            yield warning(
                "PORT204",
                f"{target} leaves out what group `{placed.node.id}` says about itself",
                placed.node.span,
                why="groups become tags of their tasks, which hold no text",
                next="say it in the description of the pipeline, or in the docs of a task",
            )


def _labelled(task: Task, groups: tuple[str, ...]) -> Task:
    if not groups:
        return task
    return task.model_copy(update={"labels": {LABEL: "/".join(groups), **task.labels}})
