"""Tasks at the end that run whatever happened, one after the other: in one task, where a target needs that."""

from __future__ import annotations

from intermodal.analysis import graph
from intermodal.features import Feature
from intermodal.findings import note
from intermodal.ir import (
    CapturedSource,
    Expression,
    Join,
    OutputRef,
    Pipeline,
    PythonCall,
    Task,
    TaskState,
)
from intermodal_compilers.airflow.translate.context import Context
from intermodal_compilers.airflow.translate.fitting import refused_by, without
from intermodal_compilers.airflow.translate.hosting import module_of
from intermodal_compilers.airflow.translate.sources import statements
from intermodal_compilers.pysource import function_header, quote

ID = "endings"
ALIKE = ("retry", "timeout", "pool", "priority", "environment", "resources", "cache")
"""Policies that tasks which become one have in common."""


def with_one_ending(pipeline: Pipeline, context: Context) -> Pipeline:
    """The pipeline with one task for those at its end that wait for each other and run whatever happened.

    For targets that start nothing but exit tasks after a failure: no task can wait for one of those.
    """
    if not refused_by(context.target)(Feature.JOIN_ONE_FAILED):
        return pipeline
    endings = _endings(pipeline)
    if not endings or any(placed.node.id == ID for placed in graph.walk(pipeline)):
        return pipeline
    inside = {task.id for task in endings}
    before = [up for task in endings for up in graph.upstreams(task) if up not in inside]
    made = _one_task(endings, context).model_copy(update={"after": tuple(dict.fromkeys(before))})
    names = ", ".join(f"`{task.id}`" for task in endings)
    context.findings.append(
        note(
            "PORT201",
            f"{names} become one task, `{ID}`",
            endings[0].span or pipeline.span,
            why="they run after failures, too, each after the one before; after a failure the target starts "
            "exit tasks only, and nothing can wait for one",
        )
    )
    body = (*without(pipeline.body, inside), made)
    return pipeline.model_copy(update={"body": body})


def _endings(pipeline: Pipeline) -> list[Task]:
    """The tasks at the end that can become one, in order; none if they need not, or cannot."""
    nodes = {placed.node.id: placed.node for placed in graph.walk(pipeline)}
    found = [
        node
        for node in nodes.values()
        if isinstance(node, Task) and node.join is Join.ALL_DONE and not node.guard
    ]
    inside = {task.id for task in found}
    if not any(inside & set(graph.upstreams(task)) for task in found):
        return []
    later = [
        name
        for name, node in nodes.items()
        if name not in inside and inside & set(graph.upstreams(node))
    ]
    if later or not all(_is_plain(task) for task in found) or not _agree(found):
        return []
    ordered = graph.topological(found)
    return [task for task in ordered if isinstance(task, Task)]


def _is_plain(task: Task) -> bool:
    """Whether a task is a call that takes nothing of other tasks."""
    action = task.action
    if not isinstance(action, PythonCall) or action.source is None or task.retry is not None:
        return False
    parts = [part for value in task.inputs.values() for part in graph.parts(value)]
    return task.pairing is None and not any(isinstance(p, (OutputRef, TaskState)) for p in parts)


def _agree(tasks: list[Task]) -> bool:
    """Whether tasks can share a process, and their sources a module."""
    if any(getattr(task, name) != getattr(tasks[0], name) for task in tasks for name in ALIKE):
        return False
    bound: dict[str, str] = {}
    given: dict[str, Expression] = {}
    for task in tasks:
        for name, value in task.inputs.items():
            if given.setdefault(name, value) != value:
                return False
        for text in _texts(task):
            for node in statements(text):
                name = getattr(node, "name", "")
                if name and bound.setdefault(name, text) != text:
                    return False
    return True


def _texts(task: Task) -> tuple[str, ...]:
    assert isinstance(task.action, PythonCall)
    assert task.action.source is not None
    source = task.action.source
    return (*source.imports, *source.definitions, source.function)


def _one_task(tasks: list[Task], context: Context) -> Task:
    inputs = {name: value for task in tasks for name, value in task.inputs.items()}
    steps = [f"        ({quote(task.id)}, lambda: {_called(task)})," for task in tasks]
    lines = [
        *function_header(ID, tuple(inputs)),
        '    """Run tasks one after the other, whatever becomes of each, and fail if one of them did."""',
        "    failed = []",
        "    steps = (",
        *steps,
        "    )",
        "    for name, step in steps:",
        "        try:",
        "            step()",
        "        except Exception as problem:",
        "            traceback.print_exception(problem)",
        '            failed.append(f"{name}: {problem}")',
        "    if failed:",
        '        raise RuntimeError("; ".join(failed))',
    ]
    sources = [
        task.action.source
        for task in tasks
        if isinstance(task.action, PythonCall) and task.action.source is not None
    ]
    imports = dict.fromkeys(["import traceback", *(i for one in sources for i in one.imports)])
    definitions = dict.fromkeys(
        text for one in sources for text in (*one.definitions, one.function)
    )
    source = CapturedSource.of(
        function="\n".join(lines) + "\n",
        imports=tuple(imports),
        definitions=tuple(definitions),
        local_modules=tuple(dict.fromkeys(m for one in sources for m in one.local_modules)),
    )
    shared = {name: getattr(tasks[0], name) for name in ALIKE}
    return Task.of(
        id=ID,
        action=PythonCall.of(module=module_of(context), function=ID, source=source),
        inputs=inputs,
        join=Join.ALL_DONE,
        span=tasks[0].span,
        **shared,
    )


def _called(task: Task) -> str:
    assert isinstance(task.action, PythonCall)
    passed = ", ".join(f"{name}={name}" for name in task.inputs)
    return f"{task.action.function}({passed})"
