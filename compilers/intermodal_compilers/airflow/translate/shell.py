"""Bash commands: templates become variables of the command, where that says the same to the shell."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping

from intermodal.ir import (
    DateFormat,
    Expression,
    Format,
    Literal_,
    MapOf,
    ParameterRef,
    RunFact,
    Shell,
    SourceExpression,
    StringType,
    Task,
    Wait,
)
from intermodal_compilers.airflow.translate.context import RETURN, Context, hosted_of
from intermodal_compilers.airflow.translate.hosting import host
from intermodal_compilers.airflow.translate.jinja import NotUnderstoodError, expression_of
from intermodal_compilers.airflow.translate.python_names import free_name, identifier
from intermodal_compilers.airflow.translate.sources import read
from intermodal_compilers.airflow.translate.waits import wait_settings

ARGUMENTS = frozenset({"bash_command", "env", "append_env", "cwd", "do_xcom_push"})
TEMPLATE_FILES = (".sh", ".bash")
SKIP_CODE = re.compile(r"\b99\b")
NAMES: Mapping[tuple[str, str], str] = {
    ("logical_date", "%Y-%m-%d"): "DS",
    ("logical_date", "%Y%m%d"): "DS_NODASH",
    ("logical_date", "%Y%m%dT%H%M%S"): "TS_NODASH",
}


def bash_task(task: Task, context: Context) -> Task:
    """A task that runs a command."""
    arguments = hosted_of(task).arguments
    skips = may_skip(arguments)
    made = None if skips or set(arguments) - ARGUMENTS else shell_of(task, context)
    if made is None:
        return hosted_bash(task, context)
    outputs = {} if read(arguments.get("do_xcom_push")) is False else {RETURN: StringType.of()}
    if context.pulled.get(task.id):
        outputs = {RETURN: StringType.of()}
    return made.model_copy(update={"outputs": outputs})


def bash_sensor(task: Task, context: Context) -> Task:
    """A task that runs a command again and again until it ends well."""
    arguments = hosted_of(task).arguments
    wait = wait_settings(arguments)
    plain = wait is not None and not context.pulled.get(task.id)
    settings = {"poke_interval", "timeout", "soft_fail", "mode", "retry_exit_code"}
    made = shell_of(task, context) if plain and not set(arguments) - ARGUMENTS - settings else None
    if made is None or wait is None or read(arguments.get("retry_exit_code")) is not None:
        return host(task, context)
    check = made.action
    return made.model_copy(update={"action": Wait.of(check=check, **wait), "outputs": {}})


def decorated_bash(task: Task, context: Context) -> Task:
    """A function that gives the command to run, which Airflow renders and runs."""
    source = hosted_of(task).arguments.get("python_callable")
    texts = source.definitions if isinstance(source, SourceExpression) else ()
    skips = any(SKIP_CODE.search(text) for text in texts)
    return host(task, context, skips=skips or may_skip(hosted_of(task).arguments))


def may_skip(arguments: Mapping[str, Expression]) -> bool:
    """Whether a command may end with the code by which it skips its task."""
    if "skip_on_exit_code" in arguments:
        return read(arguments["skip_on_exit_code"]) is not None
    command = read(arguments.get("bash_command"))
    return isinstance(command, str) and SKIP_CODE.search(command) is not None


def hosted_bash(task: Task, context: Context) -> Task:
    """The task by Airflow's own operator."""
    return host(task, context, skips=may_skip(hosted_of(task).arguments))


def shell_of(task: Task, context: Context) -> Task | None:
    """The task as a shell command; None where Airflow has to make the command."""
    arguments = hosted_of(task).arguments
    command = read(arguments.get("bash_command"))
    folder = read(arguments.get("cwd"))
    if not isinstance(command, str) or command.rstrip(" ") != command.rstrip():
        return None
    if command.endswith(TEMPLATE_FILES) or not (folder is None or _is_plain(folder)):
        return None
    try:
        inputs = _variables(arguments.get("env"), task.id, context)
        text = _command(expression_of(command, task.id, context), inputs)
    except NotUnderstoodError:
        return None
    given = {name: value for name, value in inputs.items() if not isinstance(value, Literal_)}
    fixed = {n: str(v.value) for n, v in inputs.items() if isinstance(v, Literal_)}
    where = f"cd {shlex.quote(folder)}\n" if folder else ""
    return task.model_copy(
        update={
            "action": Shell.of(command=where + text),
            "inputs": given,
            "environment": {**task.environment, **fixed},
        }
    )


def _is_plain(text: object) -> bool:
    return isinstance(text, str) and "{" not in text


def _variables(given: Expression | None, task: str, context: Context) -> dict[str, Expression]:
    """The environment of the command: text, templates, and what other tasks give."""
    if given is None:
        return {}
    if isinstance(given, Literal_) and isinstance(given.value, dict):
        entries: Mapping[str, Expression] = {
            name: Literal_.of(value=value) for name, value in given.value.items()
        }
    elif isinstance(given, MapOf):
        entries = given.entries
    elif isinstance(given, Literal_) and given.value is None:
        return {}
    else:
        raise NotUnderstoodError("env")
    found: dict[str, Expression] = {}
    for name, value in entries.items():
        if not name.isidentifier():
            raise NotUnderstoodError(name)
        found[name] = _variable(value, task, context)
    return found


def _variable(value: Expression, task: str, context: Context) -> Expression:
    if isinstance(value, Literal_) and isinstance(value.value, str):
        return expression_of(value.value, task, context)
    if isinstance(value, Literal_):
        raise NotUnderstoodError("a variable that is no text")
    return context.resolved(value)


# Templates in a command


def _command(expression: Expression, inputs: dict[str, Expression]) -> str:
    """The command with variables in place of templates; the variables become inputs.

    Raises:
        NotUnderstoodError: The shell would read a variable otherwise than the text in its place.
    """
    if isinstance(expression, Literal_):
        return str(expression.value)
    parts = expression.parts if isinstance(expression, Format) else (expression,)
    text = ""
    for part in parts:
        text += str(part.value) if isinstance(part, Literal_) else _reference(part, text, inputs)
    return text


def _reference(part: Expression, before: str, inputs: dict[str, Expression]) -> str:
    quote = _open_quote(before)
    if quote == "" and not _is_one_word(part):
        raise NotUnderstoodError("the shell reads the text as a part of the command")
    name = next((known for known, value in inputs.items() if value == part), "")
    if not name:
        name = free_name(_name(part), inputs)
        inputs[name] = part
    return f"'\"${{{name}}}\"'" if quote == "'" else f"${{{name}}}"


def _is_one_word(part: Expression) -> bool:
    """Whether the value holds nothing that means something to the shell."""
    if isinstance(part, DateFormat):
        return re.fullmatch(r"[\w%:.+-]*", part.pattern) is not None
    return isinstance(part, RunFact)


def _open_quote(before: str) -> str:
    """The quote that is open at the end of a text.

    Raises:
        NotUnderstoodError: Here documents and nested substitutions, whose quotes count for themselves.
    """
    if "<<" in before or "`" in before:
        raise NotUnderstoodError("a here document, or backquotes")
    quote, position, comment = "", 0, False
    while position < len(before):
        sign = before[position]
        if comment:
            comment = sign != "\n"
        elif sign == "\\" and quote != "'":
            position += 1
        elif quote:
            if quote == '"' and before.startswith("$(", position):
                raise NotUnderstoodError("a substitution inside quotes")
            quote = "" if sign == quote else quote
        elif sign in "'\"":
            quote = sign
        elif sign == "#" and (position == 0 or before[position - 1].isspace()):
            comment = True
        position += 1
    return quote


def _name(part: Expression) -> str:
    match part:
        case ParameterRef(name=name):
            return identifier(name).upper()
        case DateFormat(base=RunFact(fact=fact), pattern=pattern):
            return NAMES.get((fact, pattern), f"{fact}_text".upper())
        case RunFact(fact="logical_date"):
            return "TS"
        case RunFact(fact="run_id"):
            return "RUN_ID"
        case RunFact(fact="pipeline"):
            return "PIPELINE"
        case DateFormat():
            return "DAY"
        case _:
            return "VALUE"
