"""Lint the values that flow: required and unknown inputs, kinds, types, defaults and constants."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from intermodal.findings import Severity
from intermodal_compilers.kfp.lint_executors import executor_inputs
from intermodal_compilers.kfp.lint_model import (
    UNTYPED,
    Argument,
    Component,
    Constant,
    DagInput,
    FinalStatus,
    Kind,
    Slot,
    Spec,
    Task,
    TaskOutput,
)
from intermodal_compilers.kfp.placeholders import input_names_in, placeholders_in
from intermodal_compilers.kfp.problems import Path, Problem, listed, with_article
from intermodal_compilers.kfp.spec_text import SAFE_INTEGER

ANY_ARTIFACT = "system.Artifact"
FILLED_BY_RUNNER = {"TASK_FINAL_STATUS", "TASK_CONFIG"}

# What else a type fits: an integer is a number, and how a task ended is a mapping.
WIDER = {"NUMBER_INTEGER": {"NUMBER_DOUBLE"}, "TASK_FINAL_STATUS": {"STRUCT"}}

PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "STRING": (str,),
    "NUMBER_DOUBLE": (int, float),
    "NUMBER_INTEGER": (int, float),
    "BOOLEAN": (bool,),
    "LIST": (list,),
    "STRUCT": (dict,),
}


def check_values(spec: Spec) -> Iterator[Problem]:
    """Everything that tasks are given, against what their components declare."""
    for declaring in spec.all_components():
        yield from _check_declarations(declaring)
    needed = executor_inputs(spec)
    for dag, task in spec.tasks():
        component = spec.components.get(task.component)
        for argument in task.all_arguments():
            yield from _check_source(dag, task, argument)
        if component is not None:
            extra = needed.get(component.executor, frozenset())
            yield from _check_inputs(dag, task, component, extra)
    for dag, tasks in spec.dags():
        for task in tasks.values():
            component = spec.components.get(task.component)
            if component is not None:
                yield from _check_types(spec, dag, task, component)


def _check_declarations(component: Component) -> Iterator[Problem]:
    for slots in (component.inputs, component.outputs):
        for kind, by_name in slots.items():
            for name, slot in by_name.items():
                if slot.type == UNTYPED:
                    what = f"The {kind.value} `{name}` of {component.title} has no type."
                    yield Problem("PORT342", slot.path, what)
                if slot.has_default:
                    subject = f"The default of `{name}` of {component.title}"
                    path = (*slot.path, "defaultValue")
                    yield from check_constant(slot.default, slot, subject, path)


def check_constant(value: Any, slot: Slot, subject: str, path: Path) -> Iterator[Problem]:
    """Whether a value in the spec fits a parameter."""
    if isinstance(value, str) and placeholders_in(value):
        return
    if value is None:
        return  # the runner gives the type's own empty value
    types = PYTHON_TYPES.get(slot.type)
    if types is not None and not _fits(value, slot.type, types):
        what = f"{subject} is `{_shown(value)}`, which is not {slot.type}."
        yield Problem("PORT329", path, what)
    elif slot.type == "NUMBER_INTEGER" and abs(value) > SAFE_INTEGER:
        what = f"{subject} is beyond 2^53 and has lost its last digits."
        yield Problem("PORT331", path, what, next="Declare the parameter as STRING.")
    elif slot.literals and value not in slot.literals:
        allowed = ", ".join(f"`{_shown(literal)}`" for literal in slot.literals)
        what = f"{subject} is `{_shown(value)}`, which is not one of its literals: {allowed}."
        yield Problem("PORT329", path, what)


def _fits(value: Any, type_name: str, types: tuple[type, ...]) -> bool:
    if isinstance(value, bool) and bool not in types:
        return False
    if type_name == "NUMBER_INTEGER" and isinstance(value, float) and not value.is_integer():
        return False
    return isinstance(value, types)


def _shown(value: Any) -> str:
    if isinstance(value, float) and value.is_integer() and abs(value) < SAFE_INTEGER:
        value = int(value)
    text = str(value)
    return text if len(text) <= 60 else text[:60] + "…"


def _check_source(dag: Component, task: Task, argument: Argument) -> Iterator[Problem]:
    source = argument.source
    subject = f"Input `{argument.name}` of task `{task.name}`"
    if source is None:
        yield Problem("PORT341", argument.path, f"{subject} has no value.")
    elif isinstance(source, DagInput) and source.name not in dag.inputs[argument.kind]:
        path = (*argument.path, f"componentInput{argument.kind.value.capitalize()}")
        yield _unknown_input(dag, source.name, argument.kind, f"{subject} takes", path)
    elif isinstance(source, Constant) and isinstance(source.value, str):
        path = (*argument.path, "runtimeValue", "constant")
        for name in input_names_in(source.value):
            if not task.has_argument(name):
                what = f"{subject} holds a placeholder of `{name}`, which the task is not given."
                yield Problem("PORT324", path, what, next="Give the task that input as well.")


def _unknown_input(
    component: Component, name: str, kind: Kind, subject: str, path: Path
) -> Problem:
    if name in component.inputs[kind.other]:
        other = component.inputs[kind.other][name].kind.value
        what = (
            f"{subject} `{name}` of {component.title} as {with_article(kind.value)}, but it is "
            f"{with_article(other)}."
        )
        return Problem("PORT313", path, what)
    what = f"{subject} the {kind.value} `{name}`, which {component.title} does not declare."
    return Problem("PORT312", path, what, next=f"It has: {listed(component.inputs[kind])}.")


def _check_inputs(
    dag: Component, task: Task, component: Component, extra: frozenset[str]
) -> Iterator[Problem]:
    """Unknown inputs, and required ones that are not given."""
    loop = task.iteration
    filled = {loop.item_input} if loop else set()
    is_sound = loop is None or loop.item_input in component.inputs[loop.kind]
    for kind, slots in component.inputs.items():
        given = task.arguments[kind]
        for name, slot in slots.items():
            is_needed = not (slot.is_optional or slot.has_default or slot.type in FILLED_BY_RUNNER)
            if is_sound and is_needed and name not in given and name not in filled:
                if name in task.arguments[kind.other]:
                    continue  # reported as the wrong kind
                what = (
                    f"Task `{task.name}` of {dag.title} does not give the required input `{name}` "
                    f"of `{component.name}`."
                )
                yield Problem("PORT311", task.path, what, next="Add it to the task's `inputs`.")
    used = _names_used_by(task) | extra
    for kind, arguments in task.arguments.items():
        for name, argument in arguments.items():
            if name in component.inputs[kind] or name in used:
                continue
            problem = _unknown_input(
                component, name, kind, f"Task `{task.name}` gives", argument.path
            )
            yield problem._replace(severity=Severity.WARNING) if _is_echo(argument) else problem


def _is_echo(argument: Argument) -> bool:
    """Whether it only repeats another input of the task, as kfp writes for machine settings."""
    value = argument.source.value if isinstance(argument.source, Constant) else None
    return isinstance(value, str) and bool(input_names_in(value))


def _names_used_by(task: Task) -> set[str]:
    """Inputs that a task is given for its own placeholders and condition only, as kfp does."""
    used: set[str] = set()
    for argument in task.arguments[Kind.PARAMETER].values():
        if isinstance(argument.source, Constant) and isinstance(argument.source.value, str):
            used.update(input_names_in(argument.source.value))
    if task.condition:
        used.update(
            name for names in task.arguments.values() for name in names if name in task.condition
        )
    if task.iteration:
        used.add(task.iteration.items_input)
    return used


def _check_types(spec: Spec, dag: Component, task: Task, component: Component) -> Iterator[Problem]:
    tasks = dag.tasks or {}
    for argument in task.all_arguments():
        wanted = component.inputs[argument.kind].get(argument.name)
        source = argument.source
        if wanted is None or argument.selector:
            continue
        subject = f"Input `{argument.name}` of task `{task.name}`"
        if isinstance(source, Constant):
            path = (*argument.path, "runtimeValue", "constant")
            yield from check_constant(source.value, wanted, subject, path)
            continue
        if isinstance(source, FinalStatus):
            if wanted.type not in {"TASK_FINAL_STATUS", UNTYPED}:
                what = f"{subject} is {wanted.type}, but is given how a task ended."
                yield Problem("PORT314", argument.path, what)
            continue
        given: Slot | None = None
        if isinstance(source, DagInput):
            given = dag.inputs[argument.kind].get(source.name)
        elif isinstance(source, TaskOutput) and source.producer in tasks:
            given = output_slot(spec, tasks[source.producer], argument.kind, source.key)
        if given is not None:
            yield from check_fit(given, wanted, subject, argument.path)


def output_slot(spec: Spec, task: Task, kind: Kind, key: str) -> Slot | None:
    """What a task gives as this output; a loop gives lists, whatever its component declares."""
    component = spec.components.get(task.component)
    slot = component.outputs[kind].get(key) if component else None
    return collected(slot) if slot is not None and task.iteration is not None else slot


def collected(slot: Slot) -> Slot:
    """What a loop makes of an output of one of its iterations."""
    if slot.kind is Kind.PARAMETER:
        return replace(slot, type="LIST")
    return replace(slot, is_list=True)


def check_fit(given: Slot, wanted: Slot, subject: str, path: Path) -> Iterator[Problem]:
    """Whether a value of one slot may flow into another of the same kind."""
    if given.kind is Kind.PARAMETER:
        if not parameter_fits(given.type, wanted.type):
            what = f"{subject} takes {wanted.type}, but is given {given.type}."
            yield Problem("PORT314", path, what)
        return
    if given.is_list != wanted.is_list:
        names = ("one artifact", "a list of artifacts")
        what = f"{subject} takes {names[wanted.is_list]}, but is given {names[given.is_list]}."
        yield Problem("PORT315", path, what)
    elif not artifact_fits(given, wanted):
        what = f"{subject} takes {_schema(wanted)}, but is given {_schema(given)}."
        step = f"Declare one of them as `{ANY_ARTIFACT}`, which fits all."
        yield Problem("PORT315", path, what, next=step)


def parameter_fits(given: str, wanted: str) -> bool:
    """Whether a parameter of one type may flow into another."""
    if UNTYPED in {given, wanted} or given == wanted:
        return True
    return wanted in WIDER.get(given, ())


def artifact_fits(given: Slot, wanted: Slot) -> bool:
    """The rule of kfp itself: the same title and major version, or `system.Artifact` on either side."""
    if {given.type, wanted.type} & {ANY_ARTIFACT, UNTYPED}:
        return True
    same_major = given.version.split(".")[0] == wanted.version.split(".")[0]
    return given.type == wanted.type and (same_major or not given.version or not wanted.version)


def _schema(slot: Slot) -> str:
    return f"`{slot.type}@{slot.version}`" if slot.version else f"`{slot.type}`"
