"""Folding a pipeline's default policies into the tasks that set none of their own."""

from __future__ import annotations

from typing import Any

from intermodal.analysis.rewrite import map_tasks
from intermodal.ir import Pipeline, Task, TaskDefaults

POLICIES = ("retry", "timeout", "cache", "resources", "pool")


def fold_defaults(pipeline: Pipeline) -> Pipeline:
    """The same pipeline with `defaults` moved into its tasks."""
    defaults = pipeline.defaults
    if defaults == TaskDefaults.of(span=defaults.span):
        return pipeline
    folded = map_tasks(pipeline, lambda task: _with_defaults(task, defaults))
    return folded.model_copy(update={"defaults": TaskDefaults.of()})


def _with_defaults(task: Task, defaults: TaskDefaults) -> Task:
    update: dict[str, Any] = {
        name: getattr(defaults, name)
        for name in POLICIES
        if getattr(task, name) is None and getattr(defaults, name) is not None
    }
    if defaults.environment:
        update["environment"] = {**defaults.environment, **task.environment}
    return task.model_copy(update=update) if update else task
