"""What is left of groups on targets without them: their names, with the tasks in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from intermodal.analysis import graph
from intermodal.analysis.rewrite import map_tasks
from intermodal.findings import Finding, warning
from intermodal.ir import Group, Pipeline, Task


def with_group_names(pipeline: Pipeline, name: Callable[[Task, tuple[str, ...]], Task]) -> Pipeline:
    """The pipeline with `name` applied to each task in a group and the groups' names, outermost first."""
    around: dict[str, tuple[str, ...]] = {}
    for placed in graph.walk(pipeline):
        node = placed.node
        outer = around.get(placed.scope[-1][0], ()) if placed.scope else ()
        own = (node.display_name or node.id,) if isinstance(node, Group) else ()
        around[node.id] = (*outer, *own)
    if not any(around.values()):
        return pipeline
    return map_tasks(
        pipeline, lambda task: name(task, groups) if (groups := around.get(task.id)) else task
    )


def group_findings(pipeline: Pipeline, target: str, why: str) -> Iterator[Finding]:
    """A warning for each group that says something of itself, which stands nowhere in the output."""
    for placed in graph.walk(pipeline):
        if isinstance(placed.node, Group) and placed.node.docs:
            yield warning(
                "PORT204",
                f"{target} leaves out what group `{placed.node.id}` says about itself",
                placed.node.span,
                why=why,
                next="say it in the description of the pipeline, or in the docs of a task",
            )
