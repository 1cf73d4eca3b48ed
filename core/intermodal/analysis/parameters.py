"""Values for a pipeline's parameters: read from text, checked by type and choices, defaults filled in."""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Mapping
from typing import Any

from intermodal.analysis.values import misfit
from intermodal.findings import Finding, error
from intermodal.ir import (
    AnyType,
    BooleanType,
    DurationType,
    FloatType,
    IntegerType,
    OptionalType,
    Parameter,
    Pipeline,
    StringType,
    TimestampType,
    Type,
    parse_duration,
)

BOOLEANS: Mapping[str, bool] = {
    "true": True,
    "yes": True,
    "on": True,
    "1": True,
    "false": False,
    "no": False,
    "off": False,
    "0": False,
}
NULLS = ("null", "none", "")


def parse_parameters(
    pipeline: Pipeline, texts: Mapping[str, str]
) -> tuple[dict[str, Any], list[Finding]]:
    """Values for a run from what was typed (`-p name=text`), defaults included."""
    values: dict[str, Any] = {}
    findings: list[Finding] = []
    for name, text in texts.items():
        parameter = pipeline.parameters.get(name)
        if parameter is None:
            findings.append(_unknown(pipeline, name))
            continue
        try:
            values[name] = parse_text(text, parameter.type)
        except ValueError as problem:
            findings.append(_wrong(name, parameter, str(problem)))
    wrong = {name for name in texts if name not in values}
    filled, further = fill_parameters(pipeline, values, skip=wrong)
    return filled, findings + further


def fill_parameters(
    pipeline: Pipeline, values: Mapping[str, Any], *, skip: set[str] | frozenset[str] = frozenset()
) -> tuple[dict[str, Any], list[Finding]]:
    """Values for a run from JSON values: each one checked, defaults put in where there is none.

    Args:
        pipeline: Whose parameters.
        values: JSON by name.
        skip: Names that have a finding already.
    """
    findings = [_unknown(pipeline, name) for name in values if name not in pipeline.parameters]
    filled: dict[str, Any] = {}
    for name, parameter in pipeline.parameters.items():
        if name in values:
            filled[name] = values[name]
            problem = _problem(values[name], parameter)
            if problem:
                findings.append(_wrong(name, parameter, problem))
        elif not parameter.required:
            filled[name] = parameter.default
        elif name not in skip:
            findings.append(
                error(
                    "PORT603",
                    f"parameter `{name}` has no value",
                    parameter.span or pipeline.span,
                    why="it has no default",
                    next=f"give one with `-p {name}=...`",
                )
            )
    return filled, findings


def parse_text(text: str, type_: Type) -> Any:
    """The JSON value of a type that a text stands for.

    Raises:
        ValueError: It is none, in words for the user.
    """
    match type_:
        case StringType() | TimestampType():
            return text
        case OptionalType(item=item):
            return None if text.lower() in NULLS else parse_text(text, item)
        case BooleanType():
            if text.lower() not in BOOLEANS:
                raise ValueError(f"{text!r} is neither true nor false")
            return BOOLEANS[text.lower()]
        case IntegerType():
            return _number(text, int, "an integer")
        case FloatType():
            return _number(text, float, "a number")
        case DurationType():
            return _seconds(text)
        case AnyType():
            try:
                return _json(text)
            except ValueError:
                return text
        case _:
            return _json(text)


def _problem(value: Any, parameter: Parameter) -> str:
    """Why a value cannot be the parameter's; empty if it can."""
    problem = misfit(value, parameter.type)
    if problem or not parameter.choices:
        return problem
    if any(value == choice and type(value) is type(choice) for choice in parameter.choices):
        return ""
    return f"{value!r} is not one of {', '.join(repr(choice) for choice in parameter.choices)}"


def _number(text: str, kind: type[int | float], name: str) -> int | float:
    try:
        value = kind(text)
    except ValueError as problem:
        raise ValueError(f"{text!r} is not {name}") from problem
    if not math.isfinite(value):
        raise ValueError(f"{text!r} has no place in JSON")
    return value


def _seconds(text: str) -> int | float:
    try:
        return _number(text, float, "a number")
    except ValueError:
        return parse_duration(text).total_seconds()


def _json(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_constant)
    except ValueError as problem:
        raise ValueError(f"{text!r} is not JSON: {problem}") from problem
    except RecursionError as problem:
        raise ValueError("it nests too deeply") from problem


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} has no place in JSON")


def _wrong(name: str, parameter: Parameter, problem: str) -> Finding:
    return error(
        "PORT603",
        f"parameter `{name}`: {problem}",
        parameter.span,
        next=f"give a value of type {parameter.type.kind}",
    )


def _unknown(pipeline: Pipeline, name: str) -> Finding:
    near = difflib.get_close_matches(name, pipeline.parameters, n=1)
    known = ", ".join(f"`{known}`" for known in pipeline.parameters) or "it has none"
    hint = f"did you mean `{near[0]}`? " if near else ""
    return error(
        "PORT603",
        f"pipeline `{pipeline.name}` has no parameter `{name}`",
        next=f"{hint}its parameters: {known}",
    )
