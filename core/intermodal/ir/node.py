"""The base of every IR node, and the small value types that nodes share."""

from __future__ import annotations

import math
import re
from datetime import datetime, timedelta
from typing import Annotated, Any, Self, cast

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
)

from intermodal.findings import Span

__all__ = [
    "Duration",
    "Identifier",
    "Node",
    "PlainJson",
    "Timestamp",
    "format_duration",
    "parse_duration",
]

IDENTIFIER_PATTERN = r"^[A-Za-z_][A-Za-z0-9_.\-]*$"

Identifier = Annotated[str, StringConstraints(pattern=IDENTIFIER_PATTERN, max_length=250)]


class Node(BaseModel):
    """A frozen, closed value. `span` is where the user wrote it, if a user did."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    span: Span | None = Field(default=None, repr=False)

    @classmethod
    def of(cls, **fields: Any) -> Self:
        """Make a node of values that are known to fit, without checking them again.

        For code that made or checked the values itself: it spares building pydantic's validators, which
        is most of the time that compiling a small pipeline takes.
        """
        return cast("Self", cls.model_construct(**fields))


NO_DURATION = "a duration is a number of seconds or text like '90s', '20m', '1h30m'"
_UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1, "ms": 0.001}
_WORDS = re.compile(r"(\d+(?:\.\d+)?)(ms|d|h|m|s)")
_ISO = re.compile(
    r"^P(?:(?P<d>\d+)D)?(?:T(?:(?P<h>\d+)H)?(?:(?P<m>\d+)M)?(?:(?P<s>\d+(?:\.\d+)?)S)?)?$"
)


def parse_duration(value: Any) -> timedelta:
    """Read a duration: a timedelta, seconds as a number, `"1h30m"`, `"500ms"` or ISO 8601 `"PT90S"`.

    Raises:
        ValueError: If the text is none of these, or the duration is negative.
    """
    if isinstance(value, bool):
        raise ValueError(NO_DURATION)  # noqa: TRY004
    if isinstance(value, (int, float)):
        value = timedelta(seconds=value)
    if isinstance(value, str):
        value = _parse_duration_text(value.strip())
    if not isinstance(value, timedelta):
        # A ValueError, not a TypeError: pydantic makes a finding of it.
        raise ValueError(NO_DURATION)  # noqa: TRY004
    if value < timedelta(0):
        raise ValueError("a duration is not negative")
    return value


def _parse_duration_text(text: str) -> timedelta:
    iso = _ISO.match(text)
    if iso and any(iso.groupdict().values()):
        parts = {unit: float(number or 0) for unit, number in iso.groupdict().items()}
        return timedelta(seconds=sum(parts[unit] * _UNITS[unit] for unit in parts))
    compact = text.replace(" ", "")
    if compact and "".join(m.group(0) for m in _WORDS.finditer(compact)) == compact:
        return timedelta(
            seconds=sum(float(m.group(1)) * _UNITS[m.group(2)] for m in _WORDS.finditer(compact))
        )
    raise ValueError(f"{text!r} is not a duration; write '90s', '20m', '1h30m' or ISO 8601 'PT90S'")


def format_duration(value: timedelta) -> str:
    """Write a duration in ISO 8601, exactly: days, then seconds."""
    seconds = f"{value.seconds}"
    if value.microseconds:
        seconds += f".{value.microseconds:06d}".rstrip("0")
    day_part = f"{value.days}D" if value.days else ""
    time_part = f"T{seconds}S" if seconds != "0" or not day_part else ""
    return f"P{day_part}{time_part}"


def _portable(value: Any) -> Any:
    """Refuse what JSON text cannot hold: NaN, infinities and half of a surrogate pair."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{value} has no place in JSON")
    if isinstance(value, str):
        value.encode("utf-8")
    elif isinstance(value, list):
        for item in value:
            _portable(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            _portable(key)
            _portable(item)
    return value


def _aware(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("a timestamp needs a time zone, as in '2026-01-01T00:00:00Z'")
    return value


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration, return_type=str),
    WithJsonSchema({"type": ["string", "number"], "format": "duration"}),
]
PlainJson = Annotated[JsonValue, AfterValidator(_portable)]
Timestamp = Annotated[datetime, AfterValidator(_aware)]
