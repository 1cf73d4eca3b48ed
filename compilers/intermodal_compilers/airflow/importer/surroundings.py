"""What surrounds a file while it is loaded: environment variables, Airflow's Variables and configuration."""

from __future__ import annotations

import ast
import re
from typing import Any

from intermodal.findings import Span
from intermodal_compilers.airflow.importer.files import parse_data
from intermodal_compilers.airflow.importer.machine import Machine
from intermodal_compilers.airflow.importer.values import (
    Arguments,
    RaisedError,
    Scope,
    Unknown,
)

# Sections of Airflow's own: an option there has a value of Airflow's before the file's fallback counts.
SECTIONS = frozenset(
    """
    api celery core dag_processor database email kerberos kubernetes kubernetes_executor lineage logging
    metrics operators scheduler secrets sensors smtp traces triggerer webserver workers
    """.split()  # noqa: SIM905 - a table of words
)
TRUE = ("true", "t", "1", "yes", "y")
SECRET = re.compile(r"PASS|SECRET|TOKEN|KEY|CRED|DSN|CONN", re.IGNORECASE)
ENV_TOLD = "give its value with `--env FILE`"
VARIABLE_TOLD = "give its value with `--variables FILE`"


def environment(machine: Machine, key: Any, node: ast.AST, scope: Scope, *default: Any) -> Any:
    """An environment variable: as given or set by the file, or its default with the assumption told.

    Raises:
        RaisedError: It has no value, and the file provides for that.
    """
    if not isinstance(key, str):
        return machine.unknown("an environment variable whose name is not known", node, scope)
    if key in machine.environment:
        return machine.environment[key]
    if key == "AIRFLOW_HOME" and not default:
        default = ("/opt/airflow",)
    span = scope.module.span(node)
    if default and not isinstance(default[0], Unknown):
        # What stands in for a password is nobody's business.
        plain = isinstance(default[0], str | int | float | None) and not SECRET.search(key)
        value = repr(default[0])[:200] if plain else "its default"
        machine.assume(f"environment variable `{key}` is taken as {value}", span, ENV_TOLD)
        return default[0]
    _missing(machine, "KeyError", f"environment variable `{key}`", node, scope, ENV_TOLD)
    return machine.unknown(f"environment variable `{key}` is not given", node, scope)


def _missing(
    machine: Machine, kind: str, what: str, node: ast.AST, scope: Scope, told: str
) -> None:
    """Tell of a value that is not given; where the file provides for that, it is taken as not set."""
    span = scope.module.span(node)
    if machine.catches(kind) or machine.catches("LookupError") or machine.catches("Exception"):
        machine.assume(f"{what} is taken as not set", span, told)
        raise RaisedError(kind, what, span)
    machine.assume(f"{what} is not known", span, told)


def has_environment(machine: Machine, key: str, node: ast.AST, scope: Scope) -> bool:
    """Whether an environment variable is set; one that is not given is taken as not set."""
    if key in machine.environment:
        return True
    what = f"environment variable `{key}` is taken as not set"
    machine.assume(what, scope.module.span(node), ENV_TOLD)
    return False


def set_environment(machine: Machine, key: Any, value: Any, span: Span) -> None:
    """`os.environ[key] = value`."""
    if isinstance(key, str):
        sure = isinstance(value, str) and not machine.uncertain
        unknown = Unknown(f"the file sets environment variable `{key}`", span)
        machine.environment[key] = value if sure else unknown


def get_environment(machine: Machine, arguments: Arguments, node: ast.AST, scope: Scope) -> Any:
    """`os.getenv(key, default)`."""
    default = arguments.get("default", 1)
    return environment(machine, arguments.get("key", 0), node, scope, default)


def default_environment(machine: Machine, arguments: Arguments, node: ast.AST, scope: Scope) -> Any:
    """`os.environ.setdefault(key, value)`."""
    key = arguments.get("key", 0)
    if isinstance(key, str) and not has_environment(machine, key, node, scope):
        set_environment(machine, key, arguments.get("default", 1), scope.module.span(node))
    return environment(machine, key, node, scope)


def update_environment(machine: Machine, arguments: Arguments, node: ast.AST, scope: Scope) -> None:
    """`os.environ.update(...)`."""
    for value in (*arguments.positional, arguments.named):
        for key, one in value.items() if isinstance(value, dict) else ():
            set_environment(machine, key, one, scope.module.span(node))


def variable(machine: Machine, arguments: Arguments, node: ast.AST, scope: Scope) -> Any:
    """`Variable.get(key, default_var=..., deserialize_json=...)`.

    Raises:
        RaisedError: It has no value, and the file provides for that.
    """
    key = arguments.get("key", 0)
    if not isinstance(key, str):
        return machine.unknown("a Variable whose name is not known", node, scope)
    as_json = arguments.named.get("deserialize_json", False)
    given: Any = machine.inputs.variables
    if key not in given and f"AIRFLOW_VAR_{key.upper()}" in machine.environment:
        given = {key: machine.environment[f"AIRFLOW_VAR_{key.upper()}"]}
    if key in given:
        value = given[key]
        if as_json and isinstance(value, str):
            return parse_data(machine, value, "json", node, scope)
        return value
    span = scope.module.span(node)
    for name in ("default_var", "default"):
        if name in arguments.named or len(arguments.positional) > 1:
            value = arguments.get(name, 1)
            machine.assume(f"Variable `{key}` is taken as its default", span, VARIABLE_TOLD)
            return value
    _missing(machine, "KeyError", f"Variable `{key}`", node, scope, VARIABLE_TOLD)
    return machine.unknown(f"Variable `{key}` is not given", node, scope)


def configuration(kind: Any) -> Any:
    """`conf.get(section, key, fallback=...)`, `conf.getint`, ...: `kind` makes the value of the text."""

    def run(machine: Machine, arguments: Arguments, node: ast.AST, scope: Scope) -> Any:
        section, key = arguments.get("section", 0), arguments.get("key", 1)
        if not isinstance(section, str) or not isinstance(key, str):
            return machine.unknown("an option whose name is not known", node, scope)
        name = f"AIRFLOW__{section.upper()}__{key.upper()}"
        span = scope.module.span(node)
        if isinstance(machine.environment.get(name), str):
            text = machine.environment[name]
            try:
                return kind(text)
            except ValueError as problem:
                raise RaisedError("AirflowConfigException", str(problem), span) from problem
        what = f"option `{section}.{key}` of Airflow's configuration"
        told = f"give `{name}` with `--env FILE`"
        if "fallback" in arguments.named and section.lower() not in SECTIONS:
            machine.assume(f"{what} is taken as its fallback", span, told)
            return arguments.named["fallback"]
        machine.assume(f"{what} is not known", span, told)
        return machine.unknown(f"{what} is not given", node, scope)

    return run


def truth_of_option(text: str) -> bool:
    """A boolean option, as Airflow reads it."""
    return text.partition("#")[0].strip().lower() in TRUE


HANDLERS: dict[str, Any] = {
    "os.getenv": get_environment,
    "os.environ.get": get_environment,
    "os.environ.setdefault": default_environment,
    "os.environ.update": update_environment,
    "airflow.models.Variable.get": variable,
    "airflow.models.variable.Variable.get": variable,
    "airflow.sdk.Variable.get": variable,
    "airflow.sdk.definitions.variable.Variable.get": variable,
} | {
    f"{owner}.{name}": configuration(kind)
    for owner in (
        "airflow.configuration.conf",
        "airflow.configuration",
        "airflow.sdk.configuration.conf",
        "airflow.providers.common.compat.sdk.conf",
    )
    for name, kind in (
        ("get", str),
        ("getint", int),
        ("getfloat", float),
        ("getboolean", truth_of_option),
    )
}
