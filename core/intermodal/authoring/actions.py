"""Tasks that are no Python functions: commands, containers, waiting, approvals, other pipelines."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from intermodal import ir
from intermodal.analysis import graph
from intermodal.authoring import hints as type_hints
from intermodal.authoring.facts import Sealed
from intermodal.authoring.handles import TaskHandle, as_expression, wrong
from intermodal.authoring.options import DURATION, FLAG, TEXT, TEXTS, checked
from intermodal.authoring.policies import DurationLike
from intermodal.authoring.regions import after_list, tracer_for
from intermodal.authoring.spans import caller_span
from intermodal.authoring.tasks import Options, Task
from intermodal.authoring.tracing import Tracer

WAITS = {"every": DURATION, "timeout": DURATION, "soft_fail": FLAG}
OPTION_FIELDS = {"takes": "input_types"}
"""Fields of the IR whose options have other names."""

APPROVALS = {"approvers": TEXTS, "timeout": DURATION}


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
    tracer = tracer_for("shell")
    if not checked({"command": TEXT}, {"command": command}, "a shell task"):
        wrong("a shell task without a command", 'write `shell("...")`')
    outputs = {} if returns is None else {"return": _type(returns, "shell")}
    given = _inputs(inputs)
    for name in given:
        if not re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name):
            wrong(
                f"the input `{name}` of a shell task cannot be an environment variable",
                "use letters, digits and `_`",
            )
    return _add(tracer, id, ir.Shell.of(command=command), given, outputs, options)


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
    tracer = tracer_for("container")
    if not checked({"image": TEXT}, {"image": image}, "a container task"):
        wrong("a container task without an image", 'write `container("image:tag")`')
    values = _inputs(inputs)
    for name, words in (("command", command), ("args", args)):
        if isinstance(words, str):
            wrong(
                f"`{name}` of a container is a list of words",
                f'write `{name}=["sh", "-c", "..."]`, or one text for each word',
            )
    action = ir.Container.of(
        image=image,
        command=tuple(_argument(tracer, part, values) for part in command),
        args=tuple(_argument(tracer, part, values) for part in args),
    )
    types = {name: _type(hint, "container") for name, hint in (outputs or {}).items()}
    return _add(tracer, id, action, values, types, options)


def action(
    action: ir.Action,
    *,
    id: str = "action",
    inputs: Mapping[str, Any] | None = None,
    outputs: Mapping[str, Any] | None = None,
    **options: Any,
) -> TaskHandle:
    """A task in the words of the IR, for what has no function here: `action(ir.Sql(...), id="rows")`.

    Args:
        action: What it does.
        id: The task's id; further calls with the same id get a number.
        inputs: Values by name.
        outputs: Types of what it gives, by name.
        **options: As for `@task`.
    """
    tracer = tracer_for("action")
    if not isinstance(action, ir.Node) or not hasattr(action, "kind"):
        wrong(f"`action` takes no `{type(action).__name__}`", "write `action(ir.Sql(...))`")
    types = {name: _type(hint, "action") for name, hint in (outputs or {}).items()}
    return _add(tracer, id, action, _inputs(inputs), types, options)


def noop(id: str = "noop", **options: Any) -> TaskHandle:
    """Do nothing: a point where edges meet."""
    return _add(tracer_for("noop"), id, ir.Noop.of(), {}, {}, options)


def wait_until(
    check: Callable[..., Any],
    /,
    *args: Any,
    every: DurationLike = "1m",
    timeout: DurationLike | None = None,
    soft_fail: bool = False,
    **inputs: Any,
) -> TaskHandle:
    """Call a function again and again until it gives true: `wait_until(file_there, path=inbox)`.

    Args:
        check: A task, or a function that could be one.
        *args: What it is called with.
        every: The pause between calls.
        timeout: When the task fails; None waits for ever.
        soft_fail: Skip the task, instead of failing it, when that time has passed.
        **inputs: What it is called with, by name.
    """
    tracer = tracer_for("wait_until")
    given = checked(WAITS, {"every": every, "timeout": timeout, "soft_fail": soft_fail}, "a wait")
    task = check if isinstance(check, Task) else Task(check, Options())

    def wrap(call: ir.PythonCall) -> ir.Wait:
        return ir.Wait.of(
            check=call,
            interval=given["every"],
            timeout=given.get("timeout"),
            soft_fail=given["soft_fail"],
        )

    return task.as_action(tracer, args, inputs, wrap)


def approval(
    message: Any,
    *,
    approvers: Sequence[str] | str = (),
    timeout: DurationLike | None = None,
    id: str = "approval",
    **options: Any,
) -> TaskHandle:
    """Wait until a person approves; a rejection, or none within `timeout`, fails the task."""
    tracer = tracer_for("approval")
    given = checked(APPROVALS, {"approvers": approvers, "timeout": timeout}, "an approval")
    action = ir.Approval.of(message=as_expression(tracer, message), **given)
    return _add(tracer, id, action, {}, {}, options)


def trigger(
    pipeline: Any,
    /,
    *,
    wait: bool = False,
    id: str | None = None,
    options: Mapping[str, Any] | None = None,
    **parameters: Any,
) -> TaskHandle:
    """Start a run of another pipeline, given as its function or its name, with these parameters.

    With `wait` the task ends when that run does, and fails if it failed. `options` are those of `@task`.
    """
    tracer = tracer_for("trigger")
    name = pipeline if isinstance(pipeline, str) else getattr(pipeline, "name", None)
    if not isinstance(name, str):
        wrong(f"`trigger` takes no {pipeline!r}", "give it a pipeline, or the name of one")
    flag = checked({"wait": FLAG}, {"wait": wait}, "a trigger")
    action = ir.TriggerRun.of(
        pipeline=name,
        parameters={key: as_expression(tracer, value) for key, value in parameters.items()},
        **flag,
    )
    return _add(tracer, id or f"trigger_{name}", action, {}, {}, options or {})


def input_path(name: str) -> Sealed:
    """The path of a file that holds the input `name`, inside a container."""
    return Sealed(ir.PathRef.of(direction="input", name=name), f"the path of `{name}`")


def output_path(name: str) -> Sealed:
    """The path of the file that becomes the output `name`, inside a container."""
    return Sealed(ir.PathRef.of(direction="output", name=name), f"the path of `{name}`")


def input_value(name: str) -> Sealed:
    """The value of the input `name`, among the words of a container's command."""
    return Sealed(ir.InputRef.of(name=name), f"the input `{name}`")


def _inputs(given: Any) -> dict[str, Any]:
    """The inputs by name."""
    if given is not None and not (
        isinstance(given, Mapping) and all(isinstance(name, str) for name in given)
    ):
        wrong("`inputs` is a dict of values by name", 'write `inputs={"path": path}`')
    return dict(given or {})


def _argument(tracer: Tracer, value: Any, inputs: dict[str, Any]) -> ir.Expression:
    """An argument; a task result becomes an input of its own that the argument refers to."""
    expression = as_expression(tracer, value)
    if isinstance(expression, (ir.Literal_, ir.PathRef, ir.InputRef)):
        return expression
    if isinstance(expression, ir.Format) and _names_a_path(expression):
        return ir.Format.of(
            parts=tuple(_argument(tracer, part, inputs) for part in expression.parts)
        )
    known = next((name for name, given in inputs.items() if given is value), None)
    name = known or f"arg_{len(inputs)}"
    inputs[name] = value
    return ir.InputRef.of(name=name)


def _names_a_path(expression: ir.Expression) -> bool:
    """Whether it holds a path, which is known only where the command runs: not among its inputs."""
    return any(isinstance(part, ir.PathRef) for part in graph.parts(expression))


def _type(hint: Any, what: str) -> ir.Type:
    try:
        return type_hints.type_of(hint)
    except type_hints.Unsupported as problem:
        wrong(f"`{what}` cannot return `{hint}`", str(problem))


def _add(
    tracer: Tracer,
    name: str,
    action: ir.Action,
    inputs: Mapping[str, Any],
    outputs: Mapping[str, ir.Type],
    options: Mapping[str, Any],
) -> TaskHandle:
    settings = Options.of(**options)
    if "returns" in settings.fields:
        wrong(f"`{name}` takes no option `returns`", "give `outputs`")
    fields: dict[str, Any] = {
        **{OPTION_FIELDS.get(key, key): value for key, value in settings.fields.items()},
        "action": action,
        "inputs": {key: as_expression(tracer, value) for key, value in inputs.items()},
        "outputs": outputs,
        "span": caller_span(),
    }
    after = tuple(after_list(settings.after))
    draft = tracer.add(name, fields, explicit=False, after=after)
    return TaskHandle(tracer, draft, outputs)
