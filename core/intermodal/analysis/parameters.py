"""Values for the parameters of a run: checked by type and choices, defaults filled in."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from intermodal.analysis.values import misfit
from intermodal.findings import Finding, error
from intermodal.ir import Parameter, Pipeline


def fill_parameters(
    pipeline: Pipeline, values: Mapping[str, Any]
) -> tuple[dict[str, Any], list[Finding]]:
    """JSON values for a run: each one checked, defaults put in where there is none."""
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
        else:
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


def _problem(value: Any, parameter: Parameter) -> str:
    """Why a value cannot be the parameter's; empty if it can."""
    problem = misfit(value, parameter.type)
    if problem or not parameter.choices:
        return problem
    if any(
        value == c and isinstance(value, bool) is isinstance(c, bool) for c in parameter.choices
    ):
        return ""
    return f"{value!r} is not one of {', '.join(repr(choice) for choice in parameter.choices)}"


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
