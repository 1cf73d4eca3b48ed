"""Airflow renders arguments and commands with Jinja: text of the user's must come out as it went in."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from intermodal.ir import (
    DurationType,
    FloatType,
    IntegerType,
    StringType,
    TimestampType,
    Type,
)
from intermodal_compilers.pysource import Expr, Value, call

MARKS = ("{{", "{%", "{#")

# Airflow takes text that ends so for the name of a template file.
FILE_ENDINGS = (".sh", ".bash", ".env")

# What Airflow's templates call a fact of the run. All of them are text in a task.
FACTS: Mapping[str, str] = {
    "run_id": "{{ run_id }}",
    "pipeline": "{{ dag.dag_id }}",
    "logical_date": "{{ logical_date.isoformat() }}",
    "data_interval_start": "{{ data_interval_start.isoformat() }}",
    "data_interval_end": "{{ data_interval_end.isoformat() }}",
}

# The emitted file's own filter.
AS_TEXT = " | as_text"

# Types whose text Jinja writes as JSON does, or that are text already.
PLAIN_TYPES = (StringType, TimestampType, IntegerType, FloatType, DurationType)


def changed_by_jinja(text: str) -> bool:
    """Whether rendering gives another text: markers, a last newline, or carriage returns."""
    return any(mark in text for mark in MARKS) or text.endswith("\n") or "\r" in text


def holds_template(value: Any) -> bool:
    """Whether rendering would change a JSON value somewhere."""
    if isinstance(value, str):
        return changed_by_jinja(value)
    if isinstance(value, dict):
        return any(holds_template(item) for item in value.values())
    return isinstance(value, list) and any(holds_template(item) for item in value)


def exact(value: Any) -> tuple[Expr, bool]:
    """An argument that reaches the task as it is, and whether that took `literal(...)`."""
    if holds_template(value):
        return call("literal", Value(value)), True
    return Value(value), False


def escaped(text: str, *, whole: bool = True) -> str:
    """A template that renders to `text`. `whole`: nothing else comes before or after it."""
    if "\r" in text or "endraw" in text:
        # Python's escapes are Jinja's, and leave nothing in the template that it would change.
        return "{{ " + ascii(text) + " }}"
    marked = any(mark in text for mark in MARKS)
    if not whole:
        # A brace at an edge could become a marker together with its neighbour.
        marked = marked or text.startswith(("{", "%", "#")) or text.endswith("{")
    if marked or (whole and text.endswith(FILE_ENDINGS)):
        return "{% raw %}" + text + "{% endraw %}"
    return f"{text}\n" if whole and text.endswith("\n") else text


def parameter_template(name: str, type_: Type) -> str:
    """A template that gives a parameter as text."""
    plain_attribute = name.isidentifier() and not hasattr(dict, name)
    place = f"params.{name}" if plain_attribute else f"params[{json.dumps(name)}]"
    return _template(place, type_)


def output_template(task_id: str, key: str | None, type_: Type) -> str:
    """A template that gives a task's output as text."""
    arguments = f"task_ids={json.dumps(task_id)}"
    if key is not None:
        arguments += f", key={key!a}"
    return _template(f"ti.xcom_pull({arguments})", type_)


def uses_filter(template: str) -> bool:
    """Whether the template needs the file's own filter `as_text`."""
    return f"{AS_TEXT} }}}}" in template


def is_text(type_: Type) -> bool:
    """Whether values of a type are text already."""
    return isinstance(type_, (StringType, TimestampType))


def join(parts: Sequence[tuple[str, bool]]) -> str:
    """One template of static text (False) and templates (True)."""
    if len(parts) == 1:
        text, is_template = parts[0]
        return text if is_template else escaped(text)
    texts = [text if is_template else escaped(text, whole=False) for text, is_template in parts]
    joined = "".join(texts)
    return f"{joined}\n" if joined.endswith("\n") else joined


def text_of(value: Any) -> str:
    """A JSON value as a command sees it: text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def _template(place: str, type_: Type) -> str:
    if isinstance(type_, PLAIN_TYPES):
        return "{{ " + place + " }}"
    return "{{ " + place + AS_TEXT + " }}"
