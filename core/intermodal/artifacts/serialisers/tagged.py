"""Small standard values in JSON, and back without loss.

A value that JSON lacks becomes an object with one key, its tag: `{"$date": "2026-01-31"}`. A user's
own object whose only key looks like a tag is wrapped in `$object`, so nothing is mistaken.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from intermodal.artifacts.serialisers.protocol import CannotSerialise, TypeName, names_of


class Tag(NamedTuple):
    """How one type is written under its tag and read again."""

    type: type
    name: str
    write: Callable[[Any], Any]
    read: Callable[[Any], Any]


def to_plain(value: Any) -> Any:
    """A value as JSON values only.

    Raises:
        CannotSerialise: Something inside it is of a type that has no tag, or it holds itself.
    """
    try:
        return _plain(value)
    except RecursionError as problem:
        raise CannotSerialise("it is nested too deeply, or holds itself") from problem


def from_plain(value: Any) -> Any:
    """The value that `to_plain` was given."""
    if isinstance(value, list):
        return [from_plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    name = _lone_tag(value)
    if name in _BY_NAME:
        return _BY_NAME[name].read(value[name])
    return {key: from_plain(item) for key, item in value.items()}


def _plain(value: Any) -> Any:
    kind = type(value)
    if kind in {str, int, bool, type(None)}:
        return value
    if kind is float:
        return value if math.isfinite(value) else {"$float": repr(value)}
    if kind is list:
        return [_plain(item) for item in value]
    if kind is dict:
        return _plain_object(value)
    if kind in _BY_TYPE:
        tag = _BY_TYPE[kind]
        return {tag.name: tag.write(value)}
    if any(name in NUMPY_NUMBERS for name in names_of(value)):
        return _plain_number(value)
    raise CannotSerialise(f"JSON has no `{kind.__module__}.{kind.__qualname__}`")


def _plain_object(value: dict[Any, Any]) -> Any:
    if not all(type(key) is str for key in value):
        return {"$map": [[_plain(key), _plain(item)] for key, item in value.items()]}
    plain = {key: _plain(item) for key, item in value.items()}
    return {"$object": plain} if _lone_tag(plain) in _BY_NAME else plain


def _plain_number(value: Any) -> Any:
    """A numpy number as the Python number that equals it."""
    number = value.item()
    if type(number) not in {bool, int, float, complex}:
        raise CannotSerialise(f"JSON has no number as wide as `{type(value).__name__}`")
    return _plain(number)


def _lone_tag(value: dict[str, Any]) -> str:
    """The only key of an object; empty if it has none or several."""
    return next(iter(value)) if len(value) == 1 else ""


def _write_set(value: set[Any] | frozenset[Any]) -> list[Any]:
    """The items in an order that does not depend on the hashes of this process."""
    return sorted((_plain(item) for item in value), key=repr)


def _write_decimal(value: Decimal) -> str:
    if value.is_snan():
        raise CannotSerialise("a signalling NaN cannot be compared, nor kept")
    return str(value)


def _write_moment(value: datetime | time) -> str:
    """ISO 8601; a named time zone would come back as an offset, so it is left to others."""
    if value.tzinfo is not None and type(value.tzinfo).__module__ != "datetime":
        raise CannotSerialise(f"JSON has no time zone such as {value.tzinfo}")
    if value.fold:
        raise CannotSerialise("ISO 8601 does not say which of two equal local times is meant")
    return value.isoformat()


def _read_duration(parts: list[int]) -> timedelta:
    days, seconds, microseconds = parts
    return timedelta(days, seconds, microseconds)


_TAGS = (
    Tag(
        tuple,
        "$tuple",
        lambda value: [_plain(item) for item in value],
        lambda v: tuple(from_plain(v)),
    ),
    Tag(set, "$set", _write_set, lambda value: set(from_plain(value))),
    Tag(frozenset, "$frozenset", _write_set, lambda value: frozenset(from_plain(value))),
    Tag(bytes, "$bytes", lambda value: base64.b64encode(value).decode(), base64.b64decode),
    Tag(
        complex,
        "$complex",
        lambda value: [_plain(value.real), _plain(value.imag)],
        lambda v: complex(*from_plain(v)),
    ),
    Tag(datetime, "$datetime", _write_moment, datetime.fromisoformat),
    Tag(date, "$date", date.isoformat, date.fromisoformat),
    Tag(time, "$time", _write_moment, time.fromisoformat),
    Tag(
        timedelta,
        "$timedelta",
        lambda value: [value.days, value.seconds, value.microseconds],
        _read_duration,
    ),
    Tag(Decimal, "$decimal", _write_decimal, Decimal),
    Tag(UUID, "$uuid", str, UUID),
)
_FLOAT = Tag(float, "$float", repr, float)
_MAP = Tag(dict, "$map", list, lambda pairs: {from_plain(k): from_plain(v) for k, v in pairs})
_OBJECT = Tag(dict, "$object", dict, lambda value: {k: from_plain(v) for k, v in value.items()})

HELD = frozenset({str, int, float, bool, type(None), list, dict, *(tag.type for tag in _TAGS)})
"""The types that `to_plain` takes, but for what may be inside them, and numpy's numbers."""

_BY_TYPE = {tag.type: tag for tag in _TAGS}
_BY_NAME = {tag.name: tag for tag in (*_TAGS, _FLOAT, _MAP, _OBJECT)}
NUMPY_NUMBERS = {TypeName("numpy", "number"), TypeName("numpy", "bool"), TypeName("numpy", "bool_")}
