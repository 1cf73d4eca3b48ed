"""The signature of the flow function: typed parameters, their defaults and choices."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from intermodal_compilers.prefect.annotations import TIMESTAMP
from intermodal_compilers.prefect.model import FlowFile, FlowParameter
from intermodal_compilers.pyimports import Import
from intermodal_compilers.pysource import (
    INDENT,
    WIDTH,
    Value,
    call,
    function_header,
    inline,
    layout,
    list_of,
)

ANNOTATION_IMPORTS = {
    "Any": (Import("typing", "Any"),),
    "Literal": (Import("typing", "Literal"),),
    "Sequence": (Import("collections.abc", "Sequence"),),
    "Mapping": (Import("collections.abc", "Mapping"),),
    TIMESTAMP: (Import("typing", "Annotated"), Import("pydantic", "Field")),
}


def header_lines(file: FlowFile) -> list[str]:
    """`def flow(...):`, one parameter a line where it does not fit."""
    flat = [_parameter_text(parameter) for parameter in file.parameters]
    lines = function_header(file.function, flat)
    if all(len(line) <= WIDTH for line in lines):
        return lines
    spread = [line for parameter in file.parameters for line in _parameter_lines(parameter)]
    return [f"def {file.function}(", *spread, "):"]


def _parameter_text(parameter: FlowParameter) -> str:
    default = "" if parameter.default is None else f" = {inline(parameter.default)}"
    return f"{parameter.variable}: {_annotation(parameter)}{default}"


def _annotation(parameter: FlowParameter) -> str:
    if not parameter.literal:
        return parameter.annotation
    return f"Literal{inline(list_of(Value(choice) for choice in parameter.literal))}"


def _parameter_lines(parameter: FlowParameter) -> list[str]:
    """A parameter on lines of its own, broken where it is too long."""
    flat = f"{INDENT}{_parameter_text(parameter)},"
    if len(flat) <= WIDTH:
        return [flat]
    head = f"{INDENT}{parameter.variable}: "
    if parameter.literal:
        choices = [f"{INDENT * 2}{inline(Value(choice))}," for choice in parameter.literal]
        end = "" if parameter.default is None else f" = {inline(parameter.default)}"
        return [f"{head}Literal[", *choices, f"{INDENT}]{end},"]
    if parameter.default is None:
        return [flat]
    prefix = f"{parameter.variable}: {parameter.annotation} = "
    return layout(parameter.default, prefix=prefix, suffix=",", indent=1)


def choice_check(parameter: FlowParameter) -> Iterator[str]:
    """The check of a parameter's choices at the start of the flow, where its type cannot make it."""
    if parameter.choices is None:
        return
    yield from layout(
        parameter.choices, prefix=f"if {parameter.variable} not in ", suffix=":", indent=1
    )
    message = f"{parameter.name} must be one of {inline(parameter.choices)}"
    yield from layout(call("ValueError", Value(message)), prefix="raise ", indent=2)


def annotation_imports(parameters: Iterable[FlowParameter]) -> Iterator[Import]:
    """What the annotations of the parameters need."""
    for parameter in parameters:
        for part in ast.walk(ast.parse(parameter.annotation, mode="eval")):
            if isinstance(part, ast.Name) and part.id in ANNOTATION_IMPORTS:
                yield from ANNOTATION_IMPORTS[part.id]
