"""Parameter values as text on the command line, read by the types of the pipeline's parameters."""

from __future__ import annotations

import difflib
import json
from collections.abc import Sequence
from typing import Any

from intermodal.analysis.values import misfit
from intermodal.findings import Finding, FindingsError, error
from intermodal.ir import (
    AnyType,
    DurationType,
    OptionalType,
    Parameter,
    Pipeline,
    StringType,
    TimestampType,
    Type,
    parse_duration,
)


def read_parameters(pipeline: Pipeline, given: Sequence[str]) -> dict[str, Any]:
    """The JSON values of `name=value` texts, defaults left out.

    Raises:
        FindingsError: PORT603 for everything that does not fit, and for values that are missing.
    """
    values: dict[str, Any] = {}
    findings: list[Finding] = []
    for text in given:
        name, equals, said = text.partition("=")
        if not equals:
            findings.append(
                error("PORT603", f"`{text}` is no parameter", next="write `-p name=value`")
            )
        elif name not in pipeline.parameters:
            findings.append(_unknown(pipeline, name))
        else:
            parameter = pipeline.parameters[name]
            values[name], found = _read(name, parameter, said)
            findings += found
    findings += [
        error(
            "PORT603",
            f"`{pipeline.name}` needs a value for its parameter `{name}`",
            parameter.span or pipeline.span,
            next=f"give one with `-p {name}=...`",
        )
        for name, parameter in pipeline.parameters.items()
        if parameter.required and name not in values
    ]
    if findings:
        raise FindingsError(findings)
    return values


def _unknown(pipeline: Pipeline, name: str) -> Finding:
    near = difflib.get_close_matches(name, pipeline.parameters, n=1)
    hint = f"did you mean `{near[0]}`? " if near else ""
    known = ", ".join(pipeline.parameters) or "none"
    return error(
        "PORT603",
        f"`{pipeline.name}` has no parameter `{name}`",
        pipeline.span,
        next=f"{hint}known parameters: {known}",
    )


def _read(name: str, parameter: Parameter, text: str) -> tuple[Any, list[Finding]]:
    try:
        value = _value(parameter.type, text)
        problem = misfit(value, parameter.type)
    except ValueError as failure:
        value, problem = None, str(failure)
    if not problem and parameter.choices and value not in parameter.choices:
        choices = ", ".join(json.dumps(choice, ensure_ascii=False) for choice in parameter.choices)
        problem = f"it is one of {choices}"
    if not problem:
        return value, []
    what = f"`{name}={text}` does not fit: {problem}"
    return None, [error("PORT603", what, parameter.span, next="give a value that fits")]


def _value(type_: Type, text: str) -> Any:
    """The JSON value that a text means where this type is wanted.

    Raises:
        ValueError: The text cannot be read.
    """
    match type_:
        case StringType() | TimestampType():
            return text
        case DurationType():
            return parse_duration(float(text) if _is_number(text) else text).total_seconds()
        case OptionalType(item=item):
            return None if text in ("", "null", "none") else _value(item, text)
        case AnyType():
            return _json_or_text(text)
    try:
        return _json(text)
    except ValueError as problem:
        lowered = text.lower()
        if lowered in ("true", "false"):
            return lowered == "true"
        raise ValueError(f"{type_.kind} is written as JSON") from problem


def _json_or_text(text: str) -> Any:
    try:
        return _json(text)
    except ValueError:
        return text


def _json(text: str) -> Any:
    """Read JSON; `NaN` and infinities, which Python takes for numbers, are none."""

    def refuse(name: str) -> None:
        raise ValueError(f"{name} is not JSON")

    return json.loads(text, parse_constant=refuse)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
