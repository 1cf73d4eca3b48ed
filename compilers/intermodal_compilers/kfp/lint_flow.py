"""Lint the flow of control: conditions, loops, outputs of DAGs, retries."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any

from intermodal.findings import Severity
from intermodal_compilers.kfp.condition import check_condition
from intermodal_compilers.kfp.lint_graph import missing_output
from intermodal_compilers.kfp.lint_model import (
    UNTYPED,
    Component,
    DagInput,
    Iteration,
    Kind,
    Selection,
    Selector,
    Slot,
    Spec,
    Task,
    TaskOutput,
)
from intermodal_compilers.kfp.lint_values import (
    check_constant,
    check_fit,
    collected,
    output_slot,
)
from intermodal_compilers.kfp.problems import Path, Problem

MAX_ITEMS = 475
SELECTOR = re.compile(r"""parseJson\(string_value\)(\[("[^"]*"|'[^']*'|\d+)\])*|\w+_value""")


def check_flow(spec: Spec) -> Iterator[Problem]:
    """Conditions, loops, retries of tasks, and outputs of DAGs."""
    looped: set[str] = set()
    for dag, task in spec.tasks():
        yield from _check_condition(spec, dag, task)
        yield from _check_selectors(task)
        yield from _check_policies(task)
        if task.iteration is not None:
            looped.add(task.component)
            yield from _check_iteration(spec, task, task.iteration)
    for dag, tasks in spec.dags():
        yield from _check_outputs(spec, dag, tasks, is_looped=dag.name in looped)


def _check_condition(spec: Spec, dag: Component, task: Task) -> Iterator[Problem]:
    if not task.condition:
        return
    path = (*task.path, "triggerPolicy", "condition")
    types = {name: _given_type(spec, dag, task, name) for name in task.arguments[Kind.PARAMETER]}
    condition = check_condition(task.condition, types, task.arguments[Kind.ARTIFACT])
    for code, what, position in condition.problems:
        full = f"In the condition of task `{task.name}`, at character {position + 1}: {what}."
        yield Problem(code, path, full)


def _given_type(spec: Spec, dag: Component, task: Task, name: str) -> str:
    """The declared type of an input, else that of what flows into it."""
    component = spec.components.get(task.component)
    declared = component.inputs[Kind.PARAMETER].get(name) if component else None
    if declared is not None:
        return declared.type
    argument = task.arguments[Kind.PARAMETER][name]
    slot: Slot | None = None
    if isinstance(argument.source, DagInput):
        slot = dag.inputs[Kind.PARAMETER].get(argument.source.name)
    elif isinstance(argument.source, TaskOutput):
        producer = (dag.tasks or {}).get(argument.source.producer)
        slot = (
            output_slot(spec, producer, Kind.PARAMETER, argument.source.key) if producer else None
        )
    return slot.type if slot is not None and not argument.selector else UNTYPED


def _check_selectors(task: Task) -> Iterator[Problem]:
    for argument in task.arguments[Kind.PARAMETER].values():
        if argument.selector and not SELECTOR.fullmatch(argument.selector):
            what = (
                f"The selector `{argument.selector[:60]}` of input `{argument.name}` of task "
                f"`{task.name}` is not one that runners know."
            )
            yield Problem("PORT337", (*argument.path, "parameterExpressionSelector"), what)


def _check_policies(task: Task) -> Iterator[Problem]:
    retry, path = task.message.retry_policy, (*task.path, "retryPolicy")
    if retry.max_retry_count < 0:
        yield _bad_policy(task, "maxRetryCount", path, "is negative")
    if retry.backoff_factor < 0 or not math.isfinite(retry.backoff_factor):
        yield _bad_policy(task, "backoffFactor", path, "is negative")
    for field, name in (
        ("backoff_duration", "backoffDuration"),
        ("backoff_max_duration", "backoffMaxDuration"),
    ):
        duration = getattr(retry, field)
        if duration.nanos:
            yield _bad_policy(task, name, path, "is not a whole number of seconds")
        elif duration.seconds < 0:
            yield _bad_policy(task, name, path, "is negative")
    if task.message.iterator_policy.parallelism_limit < 0:
        yield _bad_policy(task, "parallelismLimit", (*task.path, "iteratorPolicy"), "is negative")


def _bad_policy(task: Task, name: str, path: Path, fault: str) -> Problem:
    return Problem("PORT328", (*path, name), f"`{name}` of task `{task.name}` {fault}.")


def _check_iteration(spec: Spec, task: Task, iteration: Iteration) -> Iterator[Problem]:
    kind = iteration.kind
    path = (*iteration.path, "itemInput")
    component = spec.components.get(task.component)
    item = component.inputs[kind].get(iteration.item_input) if component else None
    if component is not None and item is None:
        what = (
            f"The loop `{task.name}` fills the {kind.value} `{iteration.item_input}`, which "
            f"`{component.name}` does not declare."
        )
        yield Problem("PORT320", path, what)
    if iteration.item_input in task.arguments[kind]:
        what = (
            f"Input `{iteration.item_input}` of the loop `{task.name}` is given by the task "
            "and filled by the loop."
        )
        yield Problem("PORT320", path, what, next="Keep one of the two.")
    if kind is Kind.ARTIFACT:
        what = (
            f"The loop `{task.name}` is over artifacts, which the open-source backend does not run."
        )
        yield Problem("PORT336", iteration.path, what, severity=Severity.WARNING)
    if iteration.raw is not None:
        yield from _check_raw_items(task, iteration.raw, item, (*iteration.path, "items", "raw"))
        return
    yield from _check_items_input(task, iteration, component)


def _check_items_input(
    task: Task, iteration: Iteration, component: Component | None
) -> Iterator[Problem]:
    kind, name = iteration.kind, iteration.items_input
    path = (*iteration.path, "items", f"input{kind.value.capitalize()}")
    if name not in task.arguments[kind]:
        shown = f"the {kind.value} `{name}`, which the task is not given" if name else "nothing"
        yield Problem("PORT320", path, f"The loop `{task.name}` is over {shown}.")
        return
    slot = component.inputs[kind].get(name) if component else None
    if slot is None:
        return
    is_list = (
        slot.is_list
        if kind is Kind.ARTIFACT
        else slot.type in {"LIST", "STRING", "STRUCT", UNTYPED}
    )
    if not is_list:
        yield Problem(
            "PORT320", path, f"The loop `{task.name}` is over `{name}`, which is not a list."
        )


def _check_raw_items(task: Task, raw: str, item: Slot | None, path: Path) -> Iterator[Problem]:
    items = _json_list(raw)
    if items is None:
        if "{{$" not in raw:
            yield Problem(
                "PORT320", path, f"The items of the loop `{task.name}` are not a JSON list."
            )
        return
    if len(items) > MAX_ITEMS:
        what = (
            f"The loop `{task.name}` has {len(items)} items; the open-source backend fails "
            f"beyond about {MAX_ITEMS}."
        )
        yield Problem("PORT327", path, what, severity=Severity.WARNING)
    if item is None:
        return
    for index, value in enumerate(items):
        subject = f"Item {index} of the loop `{task.name}`"
        problems = list(check_constant(value, item, subject, path))
        yield from problems
        if problems:
            return


def _json_list(raw: str) -> list[Any] | None:
    try:
        items = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return items if isinstance(items, list) else None


def _check_outputs(
    spec: Spec, dag: Component, tasks: dict[str, Task], *, is_looped: bool
) -> Iterator[Problem]:
    selected: dict[Kind, set[str]] = {kind: set() for kind in Kind}
    for selection in dag.selections:
        selected[selection.kind].add(selection.name)
        yield from _check_selection(spec, dag, selection, tasks, is_looped=is_looped)
    for kind, slots in dag.outputs.items():
        for name, slot in slots.items():
            if name not in selected[kind]:
                what = (
                    f"{dag.title[0].upper()}{dag.title[1:]} declares the output `{name}`, but "
                    "takes it from no task."
                )
                step = "Add it to the DAG's `outputs`."
                yield Problem("PORT321", slot.path, what, next=step)


def _check_selection(
    spec: Spec, dag: Component, selection: Selection, tasks: dict[str, Task], *, is_looped: bool
) -> Iterator[Problem]:
    kind, name = selection.kind, selection.name
    declared = dag.outputs[kind].get(name)
    if declared is None:
        code = "PORT313" if name in dag.outputs[kind.other] else "PORT321"
        what = (
            f"Output `{name}` of {dag.title} is not declared as a {kind.value} in "
            "`outputDefinitions`."
        )
        yield Problem(code, selection.path, what)
    if not selection.selectors:
        yield Problem(
            "PORT321", selection.path, f"Output `{name}` of {dag.title} is taken from no task."
        )
    for selector in selection.selectors:
        yield from _check_selector(spec, dag, selection, selector, tasks)
        task = tasks.get(selector.subtask)
        given = output_slot(spec, task, kind, selector.key) if task else None
        if given is None or declared is None:
            continue
        subject = f"Output `{name}` of {dag.title}"
        if is_looped:
            given = collected(given)
            if not _is_collected(declared):
                what = f"{subject} is collected by a loop, but is not declared as a list."
                wanted = "parameterType: LIST" if kind is Kind.PARAMETER else "isArtifactList: true"
                yield Problem("PORT322", declared.path, what, next=f"Declare it with `{wanted}`.")
                return
        for problem in check_fit(given, declared, subject, selector.path):
            # kfp declares lists all the way up to a loop or a condition whose output is collected.
            is_upper = not is_looped and _is_collected(declared)
            yield problem._replace(severity=Severity.WARNING) if is_upper else problem


def _is_collected(slot: Slot) -> bool:
    return slot.is_list if slot.kind is Kind.ARTIFACT else slot.type in {"LIST", UNTYPED}


def _check_selector(
    spec: Spec, dag: Component, selection: Selection, selector: Selector, tasks: dict[str, Task]
) -> Iterator[Problem]:
    task = tasks.get(selector.subtask)
    if task is None:
        what = (
            f"Output `{selection.name}` is taken from the task `{selector.subtask}`, which "
            f"{dag.title} does not have."
        )
        yield Problem("PORT321", (*selector.path, "producerSubtask"), what)
        return
    component = spec.components.get(task.component)
    if component is not None:
        path = (*selector.path, f"output{selection.kind.value.capitalize()}Key")
        yield from missing_output(component, selection.kind, selector.key, path, task.name)
