"""Values as the worker tells them, as values of the reader's model."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from intermodal.findings import Span
from intermodal_compilers.airflow.importer.model import (
    FunctionSource,
    NotKnown,
    ReadArgument,
    Reference,
    TaskOutput,
)

RETURNED = "return_value"
ORIGIN = "origin"


def read_argument(told: Mapping[str, Any], span: Span, file: str) -> ReadArgument:
    """An argument as if it had been read.

    Args:
        told: A value of the worker's, with its origin.
        span: Where the task or DAG stands.
        file: The DAG file itself.
    """
    value = {name: part for name, part in told.items() if name != ORIGIN}
    return ReadArgument(read_value(value, span, file), "", span, str(told.get(ORIGIN, "call")))


def read_value(told: Mapping[str, Any], span: Span, file: str) -> Any:
    """A value as if it had been read; `NotKnown` where only the loaded object has it."""
    match dict(told):
        case {"json": value}:
            return _frozen(value)
        case {"seconds": seconds}:
            return timedelta(seconds=seconds)
        case {"moment": text, "zone": zone}:
            return _moment(text, zone)
        case {"output": [task, key]}:
            return TaskOutput((task,), None if key == RETURNED else key)
        case {"function": function}:
            return _function(function, span, file)
        case {"items": items}:
            return tuple(read_value(item, span, file) for item in items)
        case {"entries": entries}:
            return {name: read_value(item, span, file) for name, item in entries.items()}
        case _:
            kind = told.get("other", "an object")
            return NotKnown(f"when the file is loaded it is {kind}, which is no JSON", "", span)


def _moment(text: str, zone: str) -> datetime:
    moment = datetime.fromisoformat(text)
    try:
        return moment.astimezone(ZoneInfo(zone)) if zone else moment
    except (ZoneInfoNotFoundError, ValueError):
        return moment


def _function(told: Mapping[str, Any], span: Span, file: str) -> Any:
    """A function by its source, if it is the file's own, or by its name in a package."""
    name, module = str(told["name"]), str(told["module"])
    if "<" in name:
        why = f"when the file is loaded it is `{name}`, a function that is made while it runs"
        return NotKnown(why, "", span)
    if told["file"] != file:
        return Reference(f"{module}.{name}")
    line = int(told["line"])
    return FunctionSource(name, Span(span.file, line, 1), line, file, module, at_top=True)


def _frozen(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_frozen(item) for item in value)
    if isinstance(value, dict):
        return {key: _frozen(item) for key, item in value.items()}
    return value
