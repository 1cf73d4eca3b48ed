"""Bodies of shell and container tasks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from intermodal.compiling import Settings
from intermodal.findings import Finding, error, warning
from intermodal.ir import (
    Approval,
    Container,
    Expression,
    Format,
    PathRef,
    Task,
    TriggerRun,
    Wait,
)
from intermodal_compilers.prefect.arguments import process_arguments
from intermodal_compilers.prefect.definitions import Definition
from intermodal_compilers.prefect.expressions import container_text
from intermodal_compilers.prefect.infrastructure import container_limits
from intermodal_compilers.prefect.model import CallBody
from intermodal_compilers.prefect.outputs import command_tag, read_as
from intermodal_compilers.prefect.policies import cache_argument, number
from intermodal_compilers.pysource import Expr, Name, Subscript, Value, call, dict_of, list_of


def given(definition: Definition) -> Expr:
    """The inputs inside a task function, as a mapping by their own names."""
    if definition.parameters is None:
        return Name("inputs")
    return dict_of({name: Name(chosen) for name, chosen in definition.parameters.items()})


def shell_body(definition: Definition, command: str) -> CallBody:
    """A task that runs a command: natively, or by the runtime where it needs that."""
    task = definition.task
    inputs = given(definition)
    if not definition.runtime:
        text = call("run_shell", Value(command), inputs, **process_arguments(task))
        for type_ in task.outputs.values():
            return CallBody(read_as(text, type_), returns=True)
        return CallBody(text)
    arguments: dict[str, Expr | None] = {
        "context": call("context"),
        "inputs": inputs,
        "outputs": dict_of({name: Value(command_tag(t)) for name, t in task.outputs.items()}),
        "environment": process_arguments(task).get("environment"),
        "cache": cache_argument(task),
    }
    function: Expr = Name("runtime.run_shell")
    if task.timeout is not None:
        timeout = {"timeout": process_arguments(task)["timeout"]}
        function = call(call("own_process", **timeout), function)
    return CallBody(call(function, Value(command), **arguments), returns=bool(task.outputs))


def check_body(definition: Definition, command: str) -> CallBody:
    """A task that looks by a command, whose exit code is the answer."""
    arguments = process_arguments(definition.task)
    inputs = given(definition)
    looked = call("succeeds", Name("run_shell"), Value(command), inputs, **arguments)
    return CallBody(looked, returns=True)


def special_body(
    definition: Definition,
    action: Approval | TriggerRun,
    settings: Settings,
    findings: list[Finding],
) -> CallBody:
    """A task that asks a person, or starts another flow."""
    task = definition.task
    if isinstance(action, Approval):
        definition.parameters = {"message": "message"}
        timeout = _seconds(action.timeout)
        if action.approvers:
            findings.append(_any_approver(task, action))
        return CallBody(call("ask", Name("message"), timeout=timeout))
    definition.parameters = {"parameters": "parameters"}
    deployment = settings.of_target("prefect", "deployment", action.pipeline)
    name = Value(f"{action.pipeline}/{deployment}")
    started = call("trigger_run", name, Name("parameters"), to_its_end=Value(action.wait))
    return CallBody(started, returns=bool(task.outputs))


def _any_approver(task: Task, action: Approval) -> Finding:
    return warning(
        "PORT204",
        f"anybody who may resume the flow run can approve `{task.id}`",
        action.span or task.span,
        why="a paused run of Prefect knows no approvers",
        next="give the permission to run this deployment to them only",
    )


def waiting(task: Task, action: Wait) -> Expr:
    """What calls a check again and again."""
    return call(
        "waiting",
        interval=_seconds(action.interval),
        timeout=_seconds(action.timeout),
        limit=_seconds(task.timeout),
        skips=Value(value=True) if action.soft_fail else None,
    )


def _seconds(length: timedelta | None) -> Expr | None:
    return None if length is None else Value(number(length.total_seconds()))


def container_body(definition: Definition, action: Container, findings: list[Finding]) -> CallBody:
    """A task that runs a container; findings get an error for words it cannot have."""
    task = definition.task
    names = definition.parameters or {}

    def problem(what: str) -> None:
        findings.append(error("PORT204", f"task `{task.id}`: {what}", action.span or task.span))

    words = {
        key: list_of(container_text(word, task, names, problem) for word in part) if part else None
        for key, part in (("entrypoint", action.command), ("command", action.args))
    }
    files = {name for word in (*action.command, *action.args) for name in input_paths(word)}
    contents = dict_of({name: Name(names[name]) for name in task.inputs if name in files})
    result = call(
        "run_container",
        Value(action.image),
        entrypoint=words["entrypoint"],
        command=words["command"],
        inputs=contents if files else None,
        outputs=list_of(Value(name) for name in task.outputs) if task.outputs else None,
        **process_arguments(task),
        **{name: Value(limit) for name, limit in container_limits(task.resources).items()},
    )
    return _container_result(definition, result)


def _container_result(definition: Definition, result: Expr) -> CallBody:
    task = definition.task
    read = {
        name: read_as(Subscript(Name("files"), Value(name)), type_)
        for name, type_ in task.outputs.items()
    }
    whole = definition.gives_whole
    value = next(iter(read.values()), result) if whole else dict_of(read)
    return CallBody(
        value,
        returns=bool(task.outputs),
        files=result if task.outputs else None,
        function=definition.name if definition.runtime else "",
        runtime=_container_runtime(definition, "none" if whole else "items")
        if definition.runtime
        else None,
    )


def _container_runtime(definition: Definition, unpack: str) -> dict[str, Expr]:
    arguments: dict[str, Expr] = {
        "context": call("context"),
        "inputs": dict_of({name: Name(name) for name in (definition.parameters or {}).values()}),
        "outputs": dict_of({name: Value("value") for name in definition.task.outputs}),
    }
    return arguments if unpack == "none" else {**arguments, "unpack": Value(unpack)}


def input_paths(value: Expression) -> Iterator[str]:
    """Names of the inputs that a command reads as files."""
    match value:
        case PathRef(direction="input", name=name):
            yield name
        case Format(parts=inner):
            for part in inner:
                yield from input_paths(part)
        case _:
            return
