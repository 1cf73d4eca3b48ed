"""What is left of groups, which Prefect does not have: a tag of the tasks in them."""

from __future__ import annotations

from intermodal.ir import Pipeline, Task
from intermodal_compilers.lowering.group_names import with_group_names

LABEL = "task_group"
NO_TEXT = "groups become tags of their tasks, which hold no text"


def with_group_labels(pipeline: Pipeline) -> Pipeline:
    """The pipeline with a label on each task in a group: the names of the groups, outermost first."""
    return with_group_names(pipeline, _labelled)


def _labelled(task: Task, groups: tuple[str, ...]) -> Task:
    return task.model_copy(update={"labels": {LABEL: "/".join(groups), **task.labels}})
