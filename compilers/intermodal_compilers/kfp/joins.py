"""Join rules: which of them hold on KFP, where nothing runs after a failure but exit tasks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from intermodal.analysis import graph
from intermodal.analysis.rewrite import map_tasks
from intermodal.findings import Finding, error, warning
from intermodal.ir import Join, Noop, Pipeline, RunFact, Task, TaskState

SOUND = {Join.ALL_SUCCESS, Join.NONE_FAILED, Join.NONE_FAILED_MIN_ONE_SUCCESS}
"""Rules that a failure keeps from running, as it does on KFP; skips are conditions there."""

WHY = "a run of KFP starts no task after one that failed, apart from exit tasks, and ends as failed"


def join_findings(pipeline: Pipeline, target: str) -> Iterator[Finding]:
    """A finding for each task whose join rule KFP cannot keep, or keeps in part.

    Args:
        pipeline: Without groups.
        target: The target's name.
    """
    if all(task.join in SOUND for task in graph.tasks(pipeline)):
        return
    last = last_tasks(pipeline)
    first = first_tasks(pipeline, last)
    order = [node.id for node in pipeline.body]
    for task in graph.tasks(pipeline):
        ups = graph.upstreams(task)
        if task.join in SOUND or (task.join is Join.ONE_SUCCESS and len(ups) <= 1):
            continue
        if task.join is Join.ALL_DONE and not ups:
            continue
        if task.join is Join.ALWAYS:
            if graph.data_upstreams(task):
                yield _refused(task, target, "it would start before what it uses is there")
        elif task.join is not Join.ALL_DONE:
            yield _refused(task, target, WHY)
        elif (
            {*graph.data_upstreams(task)} - last - first
            or task.guard is not None
            or _uses_states_of_tasks(task)
        ):
            yield _refused(task, target, "an exit task of KFP is given no outputs and no states")
        elif task.id not in last:
            yield error(
                "PORT204",
                f"{target} cannot run `{task.id}` by the rule `{task.join.value}`",
                task.span,
                why="KFP runs it as an exit task, which stands at the end of the whole pipeline, and "
                "which only other such tasks can wait for",
                next="move it to `on_exit(...)`, or let it wait by another rule",
            )
        elif any(_uses_state(one) for one in pipeline.exit_tasks):
            yield _refused(
                task,
                target,
                "the state that the exit tasks use would differ: a failure before this task fails a "
                "run of KFP",
            )
        else:
            yield _at_the_end(
                task,
                target,
                [name for name in order if name in first or (name in last and name in ups)],
            )


def _at_the_end(task: Task, target: str, before: list[str]) -> Finding:
    """What differs for a task that becomes an exit task, which some others must let run."""
    names = ", ".join(f"`{name}`" for name in before[:3]) + (", ..." if len(before) > 3 else "")
    one = "one of " if len(before) > 1 else ""
    also = f", and leaves it out if {one}{names} fails" if before else ""
    return warning(
        "PORT204",
        f"{target} runs `{task.id}` at the end of the pipeline{also}, and calls the run failed if "
        "something before it failed",
        task.span,
        why=WHY,
    )


def first_tasks(pipeline: Pipeline, last: frozenset[str]) -> frozenset[str]:
    """Tasks that give their outputs to last ones, and all before them: they can run before the body.

    An exit task is given outputs of what stands beside the body, not of what stands in it. Where one of
    these tasks fails nothing else runs, so nothing is found for a pipeline with exit tasks of its own.
    """
    if pipeline.exit_tasks:
        return frozenset()
    tasks = {node.id: node for node in pipeline.body if isinstance(node, Task)}
    found: set[str] = set()
    pending = [up for name in last for up in graph.data_upstreams(tasks[name]) if up not in last]
    while pending:
        name = pending.pop()
        if name in found:
            continue
        task = tasks.get(name)
        if task is None or task.join is not Join.ALL_SUCCESS or task.guard is not None:
            return frozenset()
        found.add(name)
        pending += graph.upstreams(task)
    return frozenset(found)


def last_tasks(pipeline: Pipeline) -> frozenset[str]:
    """Tasks that can run at the very end: those that run when all is done, and what waits for them alone."""
    tasks = {node.id: node for node in pipeline.body if isinstance(node, Task)}
    ups = {placed.node.id: graph.upstreams(placed.node) for placed in graph.walk(pipeline)}
    below: dict[str, list[str]] = {}
    for name, above in ups.items():
        for up in above:
            below.setdefault(up, []).append(name)
    ends = (Join.ALL_DONE, *SOUND)
    last = {
        name
        for name, task in tasks.items()
        if task.join in ends and task.guard is None and ups[name]
    }
    pending = list(ups)
    while pending:
        name = pending.pop()
        if name not in last:
            continue
        waits_inside = tasks[name].join is Join.ALL_DONE or all(up in last for up in ups[name])
        if waits_inside and all(one in last for one in below.get(name, ())):
            continue
        last.discard(name)
        pending += [*ups[name], *below.get(name, ())]
    return frozenset(last)


def _refused(task: Task, target: str, why: str) -> Finding:
    return error(
        "PORT204",
        f"{target} cannot run `{task.id}` by the rule `{task.join.value}`",
        task.span,
        why=why,
        next="let it wait by `all_success` or `none_failed`, move it to `on_exit(...)`, or compile "
        "this pipeline for Airflow",
    )


def _uses_states_of_tasks(task: Task) -> bool:
    return any(isinstance(one, TaskState) for one in graph.references(graph.expressions(task)))


def _uses_state(task: Task) -> bool:
    return any(
        isinstance(part, RunFact) and part.fact == "state"
        for value in graph.expressions(task)
        for part in graph.parts(value)
    )


def move_last_tasks(pipeline: Pipeline) -> Pipeline:
    """The pipeline with its last tasks among its exit tasks.

    Nothing else waits for them, and they use no outputs of others: running them later changes nothing
    else. Those that always run wait for nothing.
    """
    if all(task.join in SOUND for task in graph.tasks(pipeline)):
        return pipeline
    last = last_tasks(pipeline)
    moved = tuple(
        _with(node, after=tuple(up for up in node.after if up in last), join=Join.ALL_SUCCESS)
        for node in pipeline.body
        if isinstance(node, Task) and node.id in last
    )
    kept = tuple(node for node in pipeline.body if node.id not in last)
    first = first_tasks(pipeline, last)
    if moved and all(node.id in first for node in kept):
        kept = (*kept, _nothing_else(pipeline, first))
    changed = pipeline.model_copy(
        update={"body": kept, "exit_tasks": (*pipeline.exit_tasks, *moved)}
    )
    return map_tasks(changed, _waiting_for_nothing)


def _nothing_else(pipeline: Pipeline, first: frozenset[str]) -> Task:
    """A task that does nothing: the body, where all else stands before it or after it."""
    taken = {placed.node.id for placed in graph.walk(pipeline)}
    name = "nothing_else"
    while name in taken:
        name += "_"
    return Task.of(id=name, action=Noop.of(), after=tuple(sorted(first)))


def _waiting_for_nothing(task: Task) -> Task:
    if task.join is Join.ALWAYS:
        return _with(task, after=())
    if task.join is Join.ALL_DONE and not graph.upstreams(task):
        return _with(task, join=Join.ALL_SUCCESS)
    return task


def _with(task: Task, **changes: Any) -> Task:
    return task.model_copy(update=changes)
