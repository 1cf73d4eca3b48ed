"""`shell(...)` and `container(...)`: tasks that are no Python functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from intermodal import ir
from intermodal.authoring import hints as type_hints
from intermodal.authoring.handles import TaskHandle, as_expression, misuse
from intermodal.authoring.options import TEXT, checked
from intermodal.authoring.spans import caller_span
from intermodal.authoring.tasks import Options, after_ids
from intermodal.authoring.tracing import Tracer, current_tracer
from intermodal.findings import FindingsError, error

NAMES = "pass a name as `id=...`"


def shell(
    command: str,
    *,
    id: str = "shell",
    returns: Any = None,
    inputs: Mapping[str, Any] | None = None,
    **options: Any,
) -> TaskHandle:
    """Run a command with `bash -c`.

    Args:
        command: The command. Inputs are its environment variables: `shell('wc -l < "$path"', inputs={"path": p})`.
        id: The task's id; further calls with the same id get a number.
        returns: Type of the result, which is the last line of standard output; None for no result.
        inputs: Values by name.
        **options: As for `@task`.
    """
    tracer = _tracer("shell")
    checked({"command": TEXT}, {"command": command}, "a shell task")
    outputs = {} if returns is None else {"return": _type(returns, "shell")}
    return _add(tracer, id, ir.Shell.of(command=command), inputs or {}, outputs, options)


def container(
    image: str,
    *,
    command: Sequence[Any] = (),
    args: Sequence[Any] = (),
    id: str = "container",
    inputs: Mapping[str, Any] | None = None,
    outputs: Mapping[str, Any] | None = None,
    **options: Any,
) -> TaskHandle:
    """Run a container image.

    `command` and `args` hold text, task results, `input_path(name)` and `output_path(name)`. An output
    is what the container writes to the file at its output path.
    """
    tracer = _tracer("container")
    checked({"image": TEXT}, {"image": image}, "a container task")
    values = dict(inputs or {})
    action = ir.Container.of(
        image=image,
        command=tuple(_argument(tracer, part, values) for part in command),
        args=tuple(_argument(tracer, part, values) for part in args),
    )
    types = {name: _type(hint, "container") for name, hint in (outputs or {}).items()}
    return _add(tracer, id, action, values, types, options)


def input_path(name: str) -> ir.PathRef:
    """The path of a file that holds the input `name`, inside a container."""
    return ir.PathRef.of(direction="input", name=name)


def output_path(name: str) -> ir.PathRef:
    """The path of the file that becomes the output `name`, inside a container."""
    return ir.PathRef.of(direction="output", name=name)


def _argument(tracer: Tracer, value: Any, inputs: dict[str, Any]) -> ir.Expression:
    """An argument; a task result becomes an input of its own that the argument refers to."""
    expression = as_expression(tracer, value)
    if isinstance(expression, (ir.Literal_, ir.PathRef, ir.InputRef)):
        return expression
    known = next((name for name, given in inputs.items() if given is value), None)
    name = known or f"arg_{len(inputs)}"
    inputs[name] = value
    return ir.InputRef.of(name=name)


def _tracer(what: str) -> Tracer:
    tracer = current_tracer()
    if tracer is None:
        raise FindingsError(
            [
                error(
                    "PORT116",
                    f"`{what}(...)` was called outside a pipeline",
                    caller_span(),
                    next="call it in a function decorated with `@pipeline`",
                )
            ]
        )
    return tracer


def _type(hint: Any, what: str) -> ir.Type:
    try:
        return type_hints.type_of(hint)
    except type_hints.Unsupported as problem:
        misuse(f"`{what}` cannot return `{hint}`", str(problem))


def _add(
    tracer: Tracer,
    name: str,
    action: ir.Action,
    inputs: Mapping[str, Any],
    outputs: Mapping[str, ir.Type],
    options: Mapping[str, Any],
) -> TaskHandle:
    settings = Options.of(**options)
    fields: dict[str, Any] = {
        **settings.fields,
        "action": action,
        "inputs": {key: as_expression(tracer, value) for key, value in inputs.items()},
        "outputs": outputs,
        "span": caller_span(),
    }
    after = after_ids(settings.after)
    draft = tracer.add(name, fields, explicit=False, after=after)
    return TaskHandle(tracer, draft, outputs)
