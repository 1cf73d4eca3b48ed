"""Values against their types, and settings that have to mean something: schedules and parameters."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from intermodal.analysis import graph
from intermodal.analysis.requests import request_findings
from intermodal.dataversions.marker import holds_data, is_data
from intermodal.findings import Finding, Span, error
from intermodal.ir import (
    AnyType,
    ArtifactType,
    BooleanType,
    Cron,
    DurationType,
    FloatType,
    IntegerType,
    Interval,
    ListType,
    MapType,
    OptionalType,
    Parameter,
    Pipeline,
    StringType,
    StructType,
    Task,
    TimestampType,
    Type,
)

_CRON_FIELDS = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of month", 1, 31, ()),
    (
        "month",
        1,
        12,
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"),
    ),
    ("day of week", 0, 7, ("sun", "mon", "tue", "wed", "thu", "fri", "sat")),
)
_CRON_ITEM = re.compile(r"^(\*|[a-z0-9]+)(?:-([a-z0-9]+))?(?:/(\d+))?$")
_CHANNEL = re.compile(r"^(log$|(email|slack|webhook):.)")


def misfit(value: Any, type_: Type) -> str:
    """Why a JSON value does not fit a type; empty if it does."""
    if is_data(value) or (isinstance(type_, ArtifactType) and holds_data(value)):
        return ""  # checked where it was written
    match type_:
        case AnyType():
            return ""
        case OptionalType(item=item):
            return "" if value is None else misfit(value, item)
        case ListType(item=item) if isinstance(value, list):
            return next((problem for entry in value if (problem := misfit(entry, item))), "")
        case MapType(value=inner) if isinstance(value, dict):
            return next(
                (problem for entry in value.values() if (problem := misfit(entry, inner))), ""
            )
        case StructType(fields=fields) if isinstance(value, dict):
            missing = [name for name in fields if name not in value]
            if missing:
                return f"field `{missing[0]}` is missing"
            return next(
                (p for name, inner in fields.items() if (p := misfit(value[name], inner))), ""
            )
        case ArtifactType():
            return "an artifact comes from a task, not from a value written here"
        case _:
            return "" if _scalar_fits(value, type_) else f"{_shown(value)} is not {_article(type_)}"


def _scalar_fits(value: Any, type_: Type) -> bool:
    match type_:
        case StringType():
            return isinstance(value, str)
        case BooleanType():
            return isinstance(value, bool)
        case IntegerType():
            return isinstance(value, int) and not isinstance(value, bool)
        case FloatType() | DurationType():
            return isinstance(value, (int, float)) and not isinstance(value, bool)
        case TimestampType():
            return isinstance(value, str) and _is_timestamp(value)
        case _:
            return False


def value_findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Findings about parameters, channels, statements, requests, and the schedule."""
    for name, parameter in pipeline.parameters.items():
        yield from _parameter(name, parameter, parameter.span or pipeline.span)
    yield from _channels(f"the pipeline `{pipeline.name}`", pipeline, pipeline.span)
    for task in graph.tasks(pipeline):
        yield from _channels(f"`{task.id}`", task, task.span)
        yield from request_findings(task)
    if pipeline.schedule is None:
        return
    schedule = pipeline.schedule
    span = schedule.span or pipeline.span
    if schedule.start and schedule.end and schedule.end <= schedule.start:
        yield error(
            "PORT118", "the schedule ends before it starts", span, next="swap `start` and `end`"
        )
    for trigger in schedule.triggers:
        where = trigger.span or span
        if isinstance(trigger, Cron):
            yield from _cron(trigger, where)
        if isinstance(trigger, Interval) and trigger.every.total_seconds() <= 0:
            yield error(
                "PORT118", "the interval is zero", where, next="give an interval such as '1h'"
            )


def _channels(whose: str, node: Pipeline | Task, span: Span | None) -> Iterator[Finding]:
    for notification in node.notifications:
        if not _CHANNEL.match(notification.channel):
            yield error(
                "PORT118",
                f"{whose} notifies `{notification.channel}`, which is no channel",
                notification.span or span,
                next="use one of `log`, `email:ADDRESS`, `slack:NAME` and `webhook:NAME`, where the secret NAME "
                "holds the URL",
            )


def cron_problem(expression: str) -> str:
    """Why a five-field cron expression is wrong; empty if it is not."""
    fields = expression.lower().split()
    if len(fields) != len(_CRON_FIELDS):
        return f"it has {len(fields)} fields, not five"
    for text, (name, low, high, words) in zip(fields, _CRON_FIELDS, strict=True):
        for item in text.split(","):
            if not _cron_item_fits(item, low, high, words):
                return f"`{item}` is no {name}"
    return ""


def _cron_item_fits(item: str, low: int, high: int, words: tuple[str, ...]) -> bool:
    match = _CRON_ITEM.match(item)
    if match is None:
        return False
    first, last, step = match.groups()
    if step is not None and int(step) == 0:
        return False
    if first == "*":
        return last is None
    numbers = [_cron_number(part, words) for part in (first, last) if part is not None]
    return all(n is not None and low <= n <= high for n in numbers)


def _cron_number(text: str, words: tuple[str, ...]) -> int | None:
    if text.isdigit():
        return int(text)
    if text in words:
        return words.index(text) + (1 if len(words) == 12 else 0)
    return None


def _cron(trigger: Cron, span: Span | None) -> Iterator[Finding]:
    problem = cron_problem(trigger.expression)
    if problem:
        yield error(
            "PORT118",
            f"cron expression {_shown(trigger.expression)}: {problem}",
            span,
            next="write minute, hour, day of month, month and day of week, as in '0 6 * * *'",
        )
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(trigger.timezone)
    except (ValueError, OSError):
        # ZoneInfoNotFoundError is a KeyError; paths that leave the database are a ValueError.
        yield _unknown_zone(trigger.timezone, span)
    except KeyError:
        yield _unknown_zone(trigger.timezone, span)


def _unknown_zone(name: str, span: Span | None) -> Finding:
    return error(
        "PORT118",
        f"unknown time zone {_shown(name)}",
        span,
        next="use a name of the IANA database, as in 'Europe/Paris'",
    )


def _parameter(name: str, parameter: Parameter, span: Span | None) -> Iterator[Finding]:
    if not parameter.required:
        problem = misfit(parameter.default, parameter.type)
        if problem:
            yield error(
                "PORT107",
                f"default of parameter `{name}`: {problem}",
                span,
                next="correct the default, or the annotation",
            )
    for choice in parameter.choices:
        problem = misfit(choice, parameter.type)
        if problem:
            yield error(
                "PORT107", f"choice of parameter `{name}`: {problem}", span, next="correct it"
            )
    if parameter.choices and not parameter.required and parameter.default not in parameter.choices:
        yield error(
            "PORT118",
            f"default of parameter `{name}` is not one of its choices",
            span,
            next="add it to the choices, or choose another default",
        )


def _is_timestamp(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _article(type_: Type) -> str:
    names = {
        "integer": "an integer",
        "string": "text",
        "timestamp": "a timestamp with a time zone (ISO 8601)",
        "duration": "a duration in seconds",
    }
    return names.get(type_.kind, f"a {type_.kind}")
