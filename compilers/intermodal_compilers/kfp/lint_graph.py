"""Lint what refers to what: components, executors, sibling tasks and their outputs, and cycles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from intermodal.findings import Severity
from intermodal_compilers.kfp.lint_model import (
    Argument,
    Component,
    Kind,
    Spec,
    Task,
    TaskOutput,
)
from intermodal_compilers.kfp.problems import Path, Problem, listed


def check_graph(spec: Spec) -> Iterator[Problem]:
    """References between components, executors and tasks."""
    yield from _check_implementations(spec)
    yield from _check_unused(spec)
    yield from _check_nesting(spec)
    for dag, tasks in spec.dags():
        for task in tasks.values():
            yield from _check_component_ref(spec, dag, task)
            yield from _check_producers(spec, dag, task, tasks)
        yield from _check_cycles(dag, tasks)
        yield from _check_exit_tasks(tasks)


def _check_implementations(spec: Spec) -> Iterator[Problem]:
    if not spec.root.tasks:
        what = "The pipeline has no tasks: its root is not a DAG with at least one."
        yield Problem("PORT339", spec.root.path, what)
    for component in spec.components.values():
        if component.tasks is not None:
            if not component.tasks:
                what = f"The DAG of `{component.name}` has no tasks."
                yield Problem("PORT339", (*component.path, "dag"), what)
        elif not component.executor:
            what = f"`{component.name}` has neither a DAG nor an executor."
            yield Problem("PORT339", component.path, what)
        elif component.executor not in spec.executors:
            what = (
                f"`{component.name}` names the executor `{component.executor}`, which is missing."
            )
            step = "Add it to `deploymentSpec.executors`, or name one of those there."
            yield Problem("PORT309", (*component.path, "executorLabel"), what, next=step)


def _check_unused(spec: Spec) -> Iterator[Problem]:
    waiting, reached = [spec.root], {spec.root.name}
    while waiting:
        for task in (waiting.pop().tasks or {}).values():
            if task.component not in reached and task.component in spec.components:
                reached.add(task.component)
                waiting.append(spec.components[task.component])
    # A misspelled reference leaves its target unused; the error about it says enough.
    if all(task.component in spec.components for _, task in spec.tasks()):
        for component in spec.components.values():
            if component.name not in reached:
                yield _unused(f"component `{component.name}`", component.path)
    used = {component.executor for component in spec.components.values()} - {""}
    if used <= spec.executors.keys():
        for executor in spec.executors.values():
            if executor.name not in used:
                yield _unused(f"executor `{executor.name}`", executor.path)


def _unused(subject: str, path: Path) -> Problem:
    what = f"Nothing uses the {subject}."
    return Problem("PORT310", path, what, next="Remove it.", severity=Severity.WARNING)


def _check_nesting(spec: Spec) -> Iterator[Problem]:
    inner = {
        component.name: [task.component for task in (component.tasks or {}).values()]
        for component in spec.components.values()
    }
    for cycle in find_cycles(inner):
        first = spec.components[cycle[0]]
        following = cycle[1 % len(cycle)]
        task = next(t for t in (first.tasks or {}).values() if t.component == following)
        what = f"The component {_chain(cycle)} contains itself."
        yield Problem("PORT334", (*task.path, "componentRef", "name"), what)


def _check_component_ref(spec: Spec, dag: Component, task: Task) -> Iterator[Problem]:
    if task.component in spec.components:
        return
    name = f"names the component `{task.component}`, which is missing"
    what = f"Task `{task.name}` of {dag.title} {name if task.component else 'names no component'}."
    step = "Add it to `components`, or name one of those there."
    yield Problem("PORT308", (*task.path, "componentRef", "name"), what, next=step)


def _check_producers(
    spec: Spec, dag: Component, task: Task, tasks: Mapping[str, Task]
) -> Iterator[Problem]:
    after = set(task.after)
    for index, name in enumerate(task.after):
        if name not in tasks:
            path = (*task.path, "dependentTasks", index)
            yield _unknown_task(f"Task `{task.name}` waits for", name, dag, path)
    for argument in task.all_arguments():
        producer = argument.producer
        if producer is None:
            continue
        if producer not in tasks:
            subject = f"Input `{argument.name}` of task `{task.name}` takes a value from"
            yield _unknown_task(subject, producer, dag, _producer_path(argument))
            continue
        yield from check_output(spec, tasks[producer], argument)
        if producer not in after:
            what = (
                f"Task `{task.name}` takes `{argument.name}` from `{producer}` but does not list "
                "it in `dependentTasks`."
            )
            step = f"Add `{producer}` to its `dependentTasks`."
            yield Problem("PORT316", argument.path, what, next=step, severity=Severity.WARNING)


def _unknown_task(subject: str, name: str, dag: Component, path: Path) -> Problem:
    shown = f"`{name}`" if name else "a task without a name"
    return Problem("PORT306", path, f"{subject} {shown}, which {dag.title} does not have.")


def _producer_path(argument: Argument) -> Path:
    field = f"taskOutput{argument.kind.value.capitalize()}"
    if not isinstance(argument.source, TaskOutput):
        field = "taskFinalStatus"
    return (*argument.path, field, "producerTask")


def check_output(spec: Spec, producer: Task, argument: Argument) -> Iterator[Problem]:
    """Whether the producer's component declares the output that an argument takes."""
    if not isinstance(argument.source, TaskOutput):
        return
    component = spec.components.get(producer.component)
    if component is None:
        return
    field = f"taskOutput{argument.kind.value.capitalize()}"
    path = (*argument.path, field, f"output{argument.kind.value.capitalize()}Key")
    yield from missing_output(component, argument.kind, argument.source.key, path, producer.name)


def missing_output(
    component: Component, kind: Kind, key: str, path: Path, producer: str
) -> Iterator[Problem]:
    """A problem if the component has no output of this kind and name."""
    if key in component.outputs[kind]:
        return
    if key in component.outputs[kind.other]:
        what = (
            f"Output `{key}` of `{producer}` is a {kind.other.value}, but is "
            f"taken as a {kind.value}."
        )
        yield Problem("PORT313", path, what.replace("a artifact", "an artifact"))
        return
    what = f"`{producer}` has no {kind.value} output `{key}`."
    yield Problem("PORT307", path, what, next=f"It has: {listed(component.outputs[kind])}.")


def _check_cycles(dag: Component, tasks: Mapping[str, Task]) -> Iterator[Problem]:
    edges = {
        task.name: [*task.after, *(a.producer for a in task.all_arguments() if a.producer)]
        for task in tasks.values()
    }
    for cycle in find_cycles(edges):
        first, following = tasks[cycle[0]], cycle[1 % len(cycle)]
        what = f"Tasks of {dag.title} wait for each other: {_chain(cycle)}."
        if len(cycle) == 1:
            what = f"Task `{first.name}` of {dag.title} waits for itself."
        step = "Remove one of these edges."
        yield Problem("PORT305", _edge_path(first, following), what, next=step)


def _edge_path(task: Task, producer: str) -> Path:
    if producer in task.after:
        return (*task.path, "dependentTasks", task.after.index(producer))
    return next(_producer_path(a) for a in task.all_arguments() if a.producer == producer)


def _chain(cycle: list[str]) -> str:
    names = [*cycle, cycle[0]]
    if len(names) > 8:
        names = [*names[:4], "…", *names[-3:]]
    return " → ".join(name if name == "…" else f"`{name}`" for name in names)


def _check_exit_tasks(tasks: Mapping[str, Task]) -> Iterator[Problem]:
    hooks: dict[str, str] = {}
    for task in tasks.values():
        if task.is_exit:
            yield from _check_hooks(task, hooks)
        for argument in task.arguments[Kind.PARAMETER].values():
            if (
                argument.producer
                and not isinstance(argument.source, TaskOutput)
                and not task.is_exit
            ):
                what = (
                    f"Task `{task.name}` asks how `{argument.producer}` ended, but runs "
                    "only if it succeeds."
                )
                step = "Set `triggerPolicy.strategy: ALL_UPSTREAM_TASKS_COMPLETED`."
                yield _exit_warning(argument.path, what, step)
        for index, name in enumerate(task.after):
            if name in tasks and tasks[name].is_exit:
                what = (
                    f"Task `{task.name}` waits for the exit task `{name}`, which the open-source "
                    "backend leaves out of the DAG."
                )
                yield _exit_warning((*task.path, "dependentTasks", index), what)


def _check_hooks(task: Task, hooks: dict[str, str]) -> Iterator[Problem]:
    path = (*task.path, "triggerPolicy", "strategy")
    if not task.after:
        what = f"Exit task `{task.name}` waits for no task."
        yield _exit_warning(path, what, "List the task it follows in `dependentTasks`.")
    for name in task.after:
        if name in hooks:
            what = (
                f"`{task.name}` and `{hooks[name]}` are both exit tasks of `{name}`; the "
                "open-source backend keeps one."
            )
            yield _exit_warning(path, what)
        hooks[name] = task.name


def _exit_warning(path: Path, what: str, next_step: str = "") -> Problem:
    return Problem("PORT335", path, what, next=next_step, severity=Severity.WARNING)


def find_cycles(edges: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """One shortest cycle through the least name of each strongly connected part.

    Targets that are not keys are left out. Iterative, linear but for the parts that have cycles.
    """
    graph = {
        name: [t for t in dict.fromkeys(targets) if t in edges] for name, targets in edges.items()
    }
    return sorted(_shortest_cycle(graph, part) for part in _cyclic_parts(graph))


def _cyclic_parts(graph: Mapping[str, list[str]]) -> Iterator[set[str]]:
    """Tarjan's strongly connected parts, with a stack of its own, that hold a cycle."""
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    open_names: list[str] = []
    is_open: set[str] = set()
    for start in graph:
        if start in number:
            continue
        number[start] = low[start] = len(number)
        open_names.append(start)
        is_open.add(start)
        work = [(start, iter(graph[start]))]
        while work:
            name, targets = work[-1]
            target = next(targets, None)
            if target is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[name])
                if low[name] == number[name]:
                    part = _pop_until(open_names, name)
                    is_open -= part
                    if len(part) > 1 or name in graph[name]:
                        yield part
            elif target not in number:
                number[target] = low[target] = len(number)
                open_names.append(target)
                is_open.add(target)
                work.append((target, iter(graph[target])))
            elif target in is_open:
                low[name] = min(low[name], number[target])


def _pop_until(names: list[str], last: str) -> set[str]:
    index = len(names) - 1
    while names[index] != last:
        index -= 1
    part = set(names[index:])
    del names[index:]
    return part


def _shortest_cycle(graph: Mapping[str, list[str]], part: set[str]) -> list[str]:
    start = min(part)
    came_from: dict[str, str] = {}
    level = [start]
    while True:
        following: list[str] = []
        for name in level:
            for target in graph[name]:
                if target == start:
                    return _walk_back(came_from, start, name)
                if target in part and target not in came_from:
                    came_from[target] = name
                    following.append(target)
        level = following


def _walk_back(came_from: Mapping[str, str], start: str, name: str) -> list[str]:
    names = [name]
    while names[-1] != start:
        names.append(came_from[names[-1]])
    return names[::-1]
