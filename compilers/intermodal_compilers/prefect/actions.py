"""What the parts of actions become: values that a task's action uses are inputs of its function."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from intermodal.ir import (
    Approval,
    Container,
    Expression,
    Format,
    InputRef,
    Literal_,
    MapOf,
    PathRef,
    Pipeline,
    PythonCall,
    Shell,
    Task,
    TriggerRun,
    Wait,
)


def python_call(task: Task) -> PythonCall | None:
    """The function that a task calls, or that it waits for."""
    action = task.action.check if isinstance(task.action, Wait) else task.action
    return action if isinstance(action, PythonCall) else None


def may_use_runtime(task: Task) -> bool:
    """Whether the runtime can do what the task does."""
    action = task.action
    if isinstance(action, Wait):
        return isinstance(action.check, PythonCall)
    return isinstance(action, (PythonCall, Shell, Container))


def own_inputs(task: Task) -> Mapping[str, Expression]:
    """The inputs of the task's function."""
    match task.action:
        case Approval(message=message):
            return {"message": _filled(message, task)}
        case TriggerRun(parameters=parameters):
            given = {name: _filled(value, task) for name, value in parameters.items()}
            return {"parameters": MapOf.of(entries=given)}
        case _:
            return task.inputs


def lift_container_values(pipeline: Pipeline) -> Pipeline:
    """The pipeline with all that container commands use of elsewhere as inputs of their tasks."""
    from intermodal.analysis.rewrite import map_tasks

    return map_tasks(pipeline, _lifted)


def _lifted(task: Task) -> Task:
    action = task.action
    if not isinstance(action, Container):
        return task
    inputs = dict(task.inputs)
    command = tuple(_word(word, inputs) for word in action.command)
    args = tuple(_word(word, inputs) for word in action.args)
    if len(inputs) == len(task.inputs):
        return task
    changed = action.model_copy(update={"command": command, "args": args})
    return task.model_copy(update={"action": changed, "inputs": inputs})


def _word(word: Expression, inputs: dict[str, Expression]) -> Expression:
    """A word that uses the task's own inputs and paths only."""
    match word:
        case Literal_() | InputRef() | PathRef():
            return word
        case Format(parts=parts):
            return word.model_copy(update={"parts": tuple(_word(part, inputs) for part in parts)})
        case _:
            name = f"word_{len(inputs) + 1}"
            while name in inputs:
                name += "_"
            inputs[name] = word
            return InputRef.of(name=name)


def _filled(value: Any, task: Task) -> Any:
    """An expression with the task's own inputs put in their places."""
    if isinstance(value, InputRef):
        return task.inputs[value.name]
    if isinstance(value, tuple):
        return tuple(_filled(item, task) for item in value)
    if isinstance(value, Mapping):
        return {key: _filled(item, task) for key, item in value.items()}
    if hasattr(value, "op"):
        changed = {
            name: _filled(getattr(value, name), task)
            for name in value.field_names
            if name not in ("op", "span")
        }
        return value.model_copy(update=changed)
    return value
