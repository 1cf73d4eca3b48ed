"""Tasks that are given artifacts without saying so, which only the runtime can fetch for them."""

from __future__ import annotations

from collections.abc import Iterable

from intermodal.analysis import graph
from intermodal.analysis.needs import WITH_RUNTIME, needs_runtime, type_parts
from intermodal.analysis.rewrite import map_tasks
from intermodal.analysis.typing import TypeChecker
from intermodal.ir import (
    ArtifactType,
    Expression,
    Pipeline,
    Task,
    Type,
    Wait,
)


def fetch_artifacts(pipeline: Pipeline) -> Pipeline:
    """The pipeline with commands, and functions without annotations, that take artifacts run by the runtime.

    Others say by their annotations that they need it.
    """
    nodes = {placed.node.id: placed.node for placed in graph.walk(pipeline)}
    nodes |= {task.id: task for task in pipeline.exit_tasks}
    checker = TypeChecker(pipeline, nodes)
    taking: dict[str, list[str]] = {}
    for task in graph.tasks(pipeline):
        if task.inputs and _runs_code(task) and not needs_runtime(task):
            names = [n for n, value in task.inputs.items() if _holds_artifact(value, checker)]
            taking |= {task.id: names} if names else {}
    if not taking:
        return pipeline
    return map_tasks(
        pipeline, lambda task: as_artifacts(task, taking[task.id]) if task.id in taking else task
    )


def as_artifacts(task: Task, names: Iterable[str]) -> Task:
    """The task with these inputs declared as artifacts, so that the runtime fetches them."""
    types: dict[str, Type] = {**task.input_types, **dict.fromkeys(names, ArtifactType.of())}
    return task.model_copy(update={"input_types": types})


def _runs_code(task: Task) -> bool:
    action = task.action.check if isinstance(task.action, Wait) else task.action
    return isinstance(action, WITH_RUNTIME)


def _holds_artifact(given: Expression, checker: TypeChecker) -> bool:
    """Whether what an expression hands on as it is may be an artifact, or has one inside."""
    return any(
        isinstance(part, ArtifactType)
        for whole in graph.handed_on(given)
        for source in checker.sources(whole)
        for part in type_parts(checker.type_of(source))
    )
