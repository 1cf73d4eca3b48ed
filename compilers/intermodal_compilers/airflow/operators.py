"""Shell, container and no-op tasks as Airflow's own operators."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from intermodal.findings import Finding, error
from intermodal.frozen import Frozen
from intermodal.ir import (
    AnyType,
    ArtifactType,
    Container,
    Expression,
    Format,
    InputRef,
    IntegerType,
    Literal_,
    PathRef,
    Shell,
    StringType,
    Task,
    TimestampType,
    Type,
)
from intermodal_compilers.airflow import templates
from intermodal_compilers.airflow.policies import container_keywords
from intermodal_compilers.pysource import (
    Attribute,
    Expr,
    Lines,
    Name,
    Value,
    call,
    dict_of,
    list_of,
)


@dataclass
class Operator:
    """An operator's class with its own arguments, and what they need of the file.

    Attributes:
        linked: Tasks whose results it takes in a way that Airflow sees as a dependency.
    """

    kind: str
    settings: dict[str, Expr] = field(default_factory=dict)
    imports: set[str] = field(default_factory=set)
    helpers: set[str] = field(default_factory=set)
    linked: set[str] = field(default_factory=set)


class TextInput(Frozen):
    """An input as text: a fixed text, or a template.

    Attributes:
        text: The text or template.
        is_template: Which of them.
        direct: The output itself, if it is text without a template.
        node: The task whose output it is.
    """

    text: str
    is_template: bool = False
    direct: Expr | None = None
    node: str = ""


# What turns the last line of a command into its output; Airflow gives the line itself.
READERS: Mapping[type, str] = {
    StringType: "",
    TimestampType: "",
    IntegerType: "int",
    AnyType: "json_or_text",
}
FILE_READERS: Mapping[type, str] = {StringType: "text", TimestampType: "text", AnyType: "any"}

TextOf = Callable[[Expression], TextInput]


def shell_operator(task: Task, action: Shell, text_of: TextOf) -> Operator:
    """`BashOperator`: inputs are environment variables, an output is the last line of stdout."""
    operator = Operator("BashOperator")
    command = action.command
    if task.outputs:
        # Airflow mixes both streams and takes the last line of all, so it is printed once more.
        once = f"bash -c {shlex.quote(command)} | tee /dev/stderr | tail -n 1"
        command = f"set -o pipefail\nlast=$({once}) &&\nprintf '\\n%s\\n' \"$last\""
    operator.settings["bash_command"] = Lines(templates.escaped(command))
    if variables := environment(task, text_of, operator):
        operator.settings |= {"env": dict_of(variables), "append_env": Value(True)}
    # The default turns exit code 99 into a skip.
    operator.settings["skip_on_exit_code"] = Value(None)
    if not task.outputs:
        operator.settings["do_xcom_push"] = Value(False)
        return operator
    reader = READERS.get(type(task.outputs["return"]), "json.loads")
    if reader:
        operator.settings["output_processor"] = Name(reader)
    if reader == "json.loads":
        operator.imports.add("json")
    if reader == "json_or_text":
        operator.helpers.add("json_or_text")
    return operator


def container_operator(task: Task, action: Container, text_of: TextOf) -> Operator:
    """`DockerOperator`, for a container that gives no files back and takes none."""
    operator = Operator("DockerOperator")
    operator.settings["image"] = _literal(action.image, operator, at_end=True)
    if action.command:
        # Airflow renders `command` only, so the program alone goes into the entry point.
        program = [_piece(task, piece, text_of).text for piece in flat(action.command[0])]
        operator.settings["entrypoint"] = Value(["".join(program)])
    rest = (*action.command[1:], *action.args)
    if rest:
        arguments = [_argument(task, part, text_of, operator) for part in rest]
        operator.settings["command"] = list_of(arguments)
    if task.environment:
        variables = {key: _literal(text, operator) for key, text in task.environment.items()}
        operator.settings["environment"] = dict_of(variables)
    operator.settings |= {
        **container_keywords(task.resources),
        "auto_remove": Value("force"),
        "mount_tmp_dir": Value(False),
        "do_xcom_push": Value(False),
    }
    return operator


def container_call(task: Task, action: Container, text_of: TextOf) -> Operator:
    """`run_container` of the emitted file: inputs and outputs are files inside the container."""
    operator = Operator("run_container", helpers={"run_container"})
    files: dict[str, Expr] = {}
    for expression in _inside((*action.command, *action.args)):
        if isinstance(expression, PathRef) and expression.direction == "input":
            source = text_of(task.inputs[expression.name])
            files[input_path(expression.name)] = text_setting(source, operator)
    keywords: dict[str, Expr] = {"image": _literal(action.image, operator)}
    for name, items in (("entrypoint", action.command), ("command", action.args)):
        if items:
            keywords[name] = list_of(_argument(task, item, text_of, operator) for item in items)
    if task.environment:
        variables = {key: _literal(text, operator) for key, text in task.environment.items()}
        keywords["environment"] = dict_of(variables)
    if files:
        keywords["files"] = dict_of(files)
    keywords["outputs"] = dict_of(
        {
            name: Value([output_path(name), FILE_READERS.get(type(type_), "json")])
            for name, type_ in task.outputs.items()
        }
    )
    operator.settings = keywords
    return operator


def container_findings(task: Task, action: Container, target: str, *, files: bool) -> list[Finding]:
    """What a container task cannot have on Airflow."""
    findings: list[Finding] = []
    types: list[Type] = [*task.input_types.values(), *task.outputs.values()]
    if any(isinstance(type_, ArtifactType) for type_ in types):
        findings.append(
            error(
                "PORT204",
                f"{target} cannot pass artifacts to the container of `{task.id}`",
                task.span,
                why="the container would need access to the artifact store",
                next="pass values, or use a Python or shell task",
            )
        )
    if action.command and not files and not isinstance(action.command[0], Literal_):
        findings.append(
            error(
                "PORT204",
                f"{target} cannot compute the program that the container of `{task.id}` starts",
                task.span,
                why="DockerOperator renders templates in arguments only",
                next="write the first item of `command` as text",
            )
        )
    return findings


def needs_files(task: Task, action: Container) -> bool:
    """Whether the container gives or takes files."""
    parts = _inside((*action.command, *action.args))
    return bool(task.outputs) or any(isinstance(part, PathRef) for part in parts)


def input_path(name: str) -> str:
    """Where an input's file stands in the container."""
    return f"/tmp/intermodal/inputs/{name}"  # noqa: S108 - inside a container of its own


def output_path(name: str) -> str:
    """Where the container writes an output."""
    return f"/tmp/intermodal/outputs/{name}"  # noqa: S108 - inside a container of its own


def environment(task: Task, text_of: TextOf, operator: Operator) -> dict[str, Expr]:
    """The variables of a shell task: its own, and its inputs as text."""
    variables = {key: _literal(text, operator) for key, text in task.environment.items()}
    for key, expression in task.inputs.items():
        variables[key] = text_setting(text_of(expression), operator)
    return variables


def null_byte_findings(task: Task, texts: Mapping[str, str], target: str) -> list[Finding]:
    """An error for each text that no process could be given."""
    return [
        error(
            "PORT204",
            f"{target} cannot start `{task.id}`: its {name} holds a null byte",
            task.span,
            why="no operating system passes one to a process",
            next="leave it out",
        )
        for name, text in texts.items()
        if "\0" in text
    ]


def text_setting(source: TextInput, operator: Operator) -> Expr:
    """A text or template as a field that Airflow renders."""
    if not source.is_template:
        return _literal(source.text, operator)
    if source.direct is not None:
        operator.linked.add(source.node)
        return source.direct
    _need_filter(source, operator)
    return Value(source.text)


def _need_filter(source: TextInput, operator: Operator) -> None:
    if source.is_template and templates.uses_filter(source.text):
        operator.helpers.add("as_text")


def _literal(text: str, operator: Operator, *, at_end: bool = False) -> Expr:
    """A fixed text in a field that Airflow renders."""
    if templates.changed_by_jinja(text) or (at_end and text.endswith(templates.FILE_ENDINGS)):
        operator.imports.add("literal")
        return call("literal", Value(text))
    return Value(text)


def _argument(task: Task, part: Expression, text_of: TextOf, operator: Operator) -> Expr:
    """An item of a command."""
    pieces = [_piece(task, piece, text_of) for piece in flat(part)]
    if not any(piece.is_template for piece in pieces):
        return _literal("".join(piece.text for piece in pieces), operator, at_end=True)
    for piece in pieces:
        _need_filter(piece, operator)
    return Value(templates.join([(piece.text, piece.is_template) for piece in pieces]))


def _piece(task: Task, part: Expression, text_of: TextOf) -> TextInput:
    if isinstance(part, InputRef):
        part = task.inputs[part.name]
    if isinstance(part, PathRef):
        place = input_path if part.direction == "input" else output_path
        return TextInput(place(part.name))
    return text_of(part)


def _inside(parts: tuple[Expression, ...]) -> list[Expression]:
    return [piece for part in parts for piece in flat(part)]


def flat(part: Expression) -> list[Expression]:
    """The parts of a format, or the expression itself."""
    if isinstance(part, Format):
        return [piece for item in part.parts for piece in flat(item)]
    return [part]


def output_of(variable: str) -> Expr:
    """The result of an operator, as a TaskFlow call takes it."""
    return Attribute(Name(variable), "output")
