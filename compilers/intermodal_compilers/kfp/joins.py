"""Join rules: which of them hold on KFP, where nothing runs after a failure but exit tasks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from intermodal.analysis import graph
from intermodal.findings import Finding, error, warning
from intermodal.ir import Join, Pipeline, RunFact, Task

SOUND = {Join.ALL_SUCCESS, Join.NONE_FAILED, Join.NONE_FAILED_MIN_ONE_SUCCESS}
"""Rules that a failure keeps from running, as it does on KFP; skips are conditions there."""

WHY = "a run of KFP starts no task after one that failed, apart from exit tasks, and ends as failed"


def join_findings(pipeline: Pipeline, target: str) -> Iterator[Finding]:
    """A finding for each task whose join rule KFP cannot keep."""
    if all(task.join in SOUND for task in graph.tasks(pipeline)):
        return
    waited = {up for placed in graph.walk(pipeline) for up in graph.upstreams(placed.node)}
    top = {node.id for node in pipeline.body}
    for task in graph.tasks(pipeline):
        ups = graph.upstreams(task)
        rule = task.join.value
        if task.join in SOUND or (task.join is Join.ONE_SUCCESS and len(ups) <= 1):
            continue
        span = task.span
        if task.join is Join.ALWAYS:
            if graph.data_upstreams(task):
                yield _refused(task, target, "it would start before what it uses is there")
            continue
        if task.join is not Join.ALL_DONE:
            yield _refused(task, target, WHY)
        elif task.id not in top or task.id in waited:
            yield error(
                "PORT204",
                f"{target} cannot run `{task.id}` by the rule `{rule}`",
                span,
                why="KFP runs it as an exit task, which stands at the end of the whole pipeline, and "
                "which no task can wait for",
                next="move it to `on_exit(...)`, or let it wait by another rule",
            )
        elif graph.data_upstreams(task) or task.guard is not None:
            yield _refused(task, target, "an exit task of KFP is given no outputs and no states")
        elif any(_uses_state(one) for one in pipeline.exit_tasks):
            yield _refused(
                task,
                target,
                "the state that the exit tasks use would differ: a failure before this task fails a "
                "run of KFP",
            )
        else:
            yield warning(
                "PORT204",
                f"{target} runs `{task.id}` at the end of the pipeline, and calls the run failed if "
                "something before it failed",
                span,
                why=WHY,
            )


def _refused(task: Task, target: str, why: str) -> Finding:
    return error(
        "PORT204",
        f"{target} cannot run `{task.id}` by the rule `{task.join.value}`",
        task.span,
        why=why,
        next="let it wait by `all_success` or `none_failed`, move it to `on_exit(...)`, or compile "
        "this pipeline for Airflow",
    )


def _uses_state(task: Task) -> bool:
    return any(
        isinstance(part, RunFact) and part.fact == "state"
        for value in graph.expressions(task)
        for part in graph.parts(value)
    )


def move_last_tasks(pipeline: Pipeline) -> Pipeline:
    """The pipeline with the tasks that run when all is done among its exit tasks.

    Nothing waits for them, and they use no outputs: running them later changes nothing else. Those that
    always run wait for nothing.
    """
    if all(task.join in SOUND for task in graph.tasks(pipeline)):
        return pipeline
    last = [node for node in pipeline.body if isinstance(node, Task) and node.join is Join.ALL_DONE]
    moved = tuple(_with(task, after=(), join=Join.ALL_SUCCESS) for task in last)
    kept = tuple(node for node in pipeline.body if node not in last)
    from intermodal.analysis.rewrite import map_tasks

    changed = pipeline.model_copy(
        update={"body": kept, "exit_tasks": (*pipeline.exit_tasks, *moved)}
    )
    return map_tasks(
        changed, lambda task: _with(task, after=()) if task.join is Join.ALWAYS else task
    )


def _with(task: Task, **changes: Any) -> Task:
    return task.model_copy(update=changes)
