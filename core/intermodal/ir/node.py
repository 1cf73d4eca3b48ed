"""The base of every IR node, and the small value types that nodes share."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import field
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Self, dataclass_transform

from intermodal.findings import Span
from intermodal.frozen import Fields, fill

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, TypeAdapter

__all__ = [
    "Duration",
    "Identifier",
    "Node",
    "PlainJson",
    "Rule",
    "Timestamp",
    "adapter",
    "format_duration",
    "parse_duration",
]


class Rule:
    """What pydantic is to check of an annotated value, in the words of its `Field`.

    Pydantic asks for it when it first reads a node of that kind. Until then nothing of it is imported,
    which halves the time that compiling a pipeline written in Python takes.
    """

    def __init__(self, **facts: Any) -> None:
        self.facts = facts

    def annotations(self) -> tuple[Any, ...]:
        """What would stand in `Annotated` otherwise."""
        from pydantic import Field

        return (Field(**self.facts),)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> Any:
        """The schema of the source type with the rule applied."""
        return handler.generate_schema(Annotated[source, *self.annotations()])


IDENTIFIER_PATTERN = r"^[A-Za-z0-9_][A-Za-z0-9_.\-]*$"

Identifier = Annotated[str, Rule(pattern=IDENTIFIER_PATTERN, max_length=250)]


@dataclass_transform(
    eq_default=False, kw_only_default=True, frozen_default=True, field_specifiers=(field,)
)
class _NamedFields(Fields):
    """Fields that are given by name."""

    def __init_subclass__(cls, *, kw_only: bool = True) -> None:
        super().__init_subclass__(kw_only=kw_only)


class Node(_NamedFields):
    """A frozen, closed value. `span` is where the user wrote it, if a user did.

    `Node(...)` checks its values with pydantic and raises its `ValidationError`, a `ValueError`;
    `Node.of(...)` trusts them.
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - as pydantic documents it

    span: Span | None = field(default=None, repr=False)

    if not TYPE_CHECKING:  # a type checker knows better: the fields by their names

        def __init__(self, **values: Any) -> None:
            self.__dict__.update(self.read(values).__dict__)

    @classmethod
    def of(cls, **values: Any) -> Self:
        """Make a node of values that are known to fit, without checking them.

        For code that made or checked the values itself: it spares importing pydantic and building
        its validators, which take longer than compiling a small pipeline.
        """
        made = object.__new__(cls)
        fill(made, values)
        return made

    @classmethod
    def read(cls, data: Any) -> Self:
        """Make a node of JSON data.

        Raises:
            pydantic.ValidationError: With all that is wrong.
        """
        kind: type = cls
        made: Self = adapter(kind).validate_python(data)
        return made

    def model_copy(self, *, update: Mapping[str, Any]) -> Self:
        """The same node with other values for some fields, which are not checked."""
        return self.of(**{**self.__dict__, **update})


@cache
def adapter(kind: type) -> TypeAdapter[Any]:
    """What pydantic makes of a kind of node: its validator and its JSON Schema."""
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


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
    raise ValueError(f"{text!r} is not a duration; write '90s', '1h30m', '30d' or ISO 8601 'PT90S'")


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


class _DurationRule(Rule):
    """Seconds as a number, or text; written as ISO 8601."""

    def annotations(self) -> tuple[Any, ...]:
        """Read and written by the functions of this module."""
        from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

        return (
            BeforeValidator(parse_duration),
            PlainSerializer(format_duration, return_type=str),
            WithJsonSchema({"type": ["string", "number"], "format": "duration"}),
        )


class _CheckedAfter(Rule):
    """A value that passes a check; `instead`, if given, is called for the type to read it as."""

    def __init__(
        self, check: Callable[[Any], Any], instead: Callable[[], Any] | None = None
    ) -> None:
        super().__init__()
        self.check = check
        self.instead = instead

    def annotations(self) -> tuple[Any, ...]:
        """The check."""
        from pydantic import AfterValidator

        return (AfterValidator(self.check),)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> Any:
        """The schema of the type, checked."""
        source = self.instead() if self.instead else source
        return super().__get_pydantic_core_schema__(source, handler)


def _json_value() -> Any:
    from pydantic import JsonValue

    return JsonValue


Duration = Annotated[timedelta, _DurationRule()]
PlainJson = Annotated[Any, _CheckedAfter(_portable, instead=_json_value)]
Timestamp = Annotated[datetime, _CheckedAfter(_aware)]
