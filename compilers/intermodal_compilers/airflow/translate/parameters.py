"""The `params` of a DAG as parameters of the pipeline."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from intermodal.analysis.values import misfit
from intermodal.findings import Span
from intermodal.ir import (
    AnyType,
    BooleanType,
    FloatType,
    IntegerType,
    ListType,
    Literal_,
    MapOf,
    MapType,
    OptionalType,
    Parameter,
    Pipeline,
    StringType,
    Type,
)
from intermodal_compilers.airflow.translate.context import Context
from intermodal_compilers.airflow.translate.sources import Called, read

TYPES: Mapping[str, Type] = {
    "string": StringType.of(),
    "integer": IntegerType.of(),
    "number": FloatType.of(),
    "boolean": BooleanType.of(),
    "array": ListType.of(item=AnyType.of()),
    "object": MapType.of(value=AnyType.of()),
}
HELP = ("description", "description_md", "title")
# What only decides how a form looks.
COSMETIC = frozenset({*HELP, "section", "examples", "values_display", "source", "suggested_values"})


def parameters_of(pipeline: Pipeline, context: Context) -> dict[str, Parameter]:
    """The parameters by name; one whose value only the file's run can tell has to be given for each run."""
    given = pipeline.hosted.arguments.get("params") if pipeline.hosted else None
    if isinstance(given, MapOf):
        entries = {name: read(value) for name, value in given.entries.items()}
    elif isinstance(given, Literal_) and isinstance(given.value, dict):
        entries = dict(given.value)
    else:
        if given is not None:
            context.warn_once("params", "they are made while the file runs", pipeline.span)
        return {}
    return {name: _parameter(value, context, pipeline.span) for name, value in entries.items()}


def _parameter(value: Any, context: Context, span: Span | None) -> Parameter:
    if isinstance(value, Called) and value.name == "Param":
        return _declared(value, context, span)
    if not is_json(value):
        return Parameter.of(required=True, help="Its default is made while Airflow's file runs.")
    return Parameter.of(type=type_of(value), default=value)


def _declared(made: Called, context: Context, span: Span | None) -> Parameter:
    settings = dict(made.named)
    default = settings.pop("default", made.args[0] if made.args else ...)
    help_text = next((settings[key] for key in HELP if isinstance(settings.get(key), str)), "")
    type_ = _schema_type(settings.pop("type", None))
    choices = settings.pop("enum", None)
    for key in sorted(settings.keys() - COSMETIC):
        why = "parameters of a pipeline have a type and choices; other rules are not checked"
        context.warn_once(f"Param.{key}", why, span)
    if default is ... or not is_json(default):
        return Parameter.of(type=type_ or AnyType.of(), required=True, help=help_text)
    type_ = type_ or type_of(default)
    if misfit(default, type_):
        type_ = OptionalType.of(item=type_) if default is None else AnyType.of()
    fitting = tuple(choices) if isinstance(choices, list) and default in choices else ()
    return Parameter.of(type=type_, default=default, choices=fitting, help=help_text)


def _schema_type(given: Any) -> Type | None:
    """The type that a JSON Schema names; None where it names none, or several."""
    names = [given] if isinstance(given, str) else given if isinstance(given, list) else []
    known = [TYPES[name] for name in names if name in TYPES]
    if not known or len(known) > 1 or len(known) + ("null" in names) < len(names):
        return None
    return OptionalType.of(item=known[0]) if "null" in names else known[0]


def type_of(value: Any) -> Type:
    """The type of a JSON value: nothing promised of what is inside of lists and maps."""
    match value:
        case bool():
            return TYPES["boolean"]
        case int():
            return TYPES["integer"]
        case float():
            return TYPES["number"]
        case str():
            return TYPES["string"]
        case list():
            return TYPES["array"]
        case dict():
            return TYPES["object"]
        case _:
            return AnyType.of()


def is_json(value: Any) -> bool:
    """Whether it is a JSON value."""
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return True
