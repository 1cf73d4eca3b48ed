"""JSON values to what annotations promise, and back: times, records, paths and plain values."""

from __future__ import annotations

import collections.abc
import dataclasses
import enum
import math
import types
import typing
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from intermodal.runtime.problems import WrongValue

REF_MARK = "$artifact"
"""The only key of a reference to an artifact."""

_UNIONS = (Union, types.UnionType)
_LISTS = (list, collections.abc.Sequence, collections.abc.Iterable, collections.abc.Collection)
_MAPS = (dict, collections.abc.Mapping, collections.abc.MutableMapping)
_ANYTHING = (Any, object, None)
_SMALLEST_SHOWN = 60


def from_json(value: Any, hint: Any, what: str) -> Any:
    """A value of the annotated type.

    Args:
        value: JSON, in which artifacts may have been replaced by their values already.
        hint: The annotation; None if there is none.
        what: Names the value in errors.

    Raises:
        WrongValue: The value cannot be that.
    """
    hint = bare(hint)
    if hint in _READERS:
        return _READERS[hint](value, what)
    origin, args = get_origin(hint), get_args(hint)
    if origin in _UNIONS:
        return _union_from(value, args, what)
    if isinstance(value, list) and origin in _LISTS:
        return [from_json(item, args[0], f"{what}[{n}]") for n, item in enumerate(value)]
    if isinstance(value, dict) and origin in _MAPS and len(args) == 2:
        return {key: from_json(item, args[1], f"{what}[{key!r}]") for key, item in value.items()}
    if isinstance(hint, type) and origin is None:
        return _class_from(value, hint, what)
    return value


def to_json(value: Any, hint: Any, what: str) -> Any:
    """The JSON form of a value, checked against its annotation; references in it stay as they are.

    Raises:
        WrongValue: It is of another type, or JSON cannot hold it.
    """
    hint = bare(hint)
    if isinstance(value, dict) and REF_MARK in value and len(value) == 1:
        return value
    if hint in _WRITERS:
        return _WRITERS[hint](value, what)
    origin, args = get_origin(hint), get_args(hint)
    if origin in _UNIONS:
        return _union_to(value, args, what)
    if origin is Literal:
        return _literal(value, args, what)
    if origin in _LISTS:
        items = _expected(value, (list, tuple), hint, what)
        return [to_json(item, args[0], f"{what}[{n}]") for n, item in enumerate(items)]
    if origin in _MAPS and len(args) == 2:
        items = _expected(value, (Mapping,), hint, what)
        return {_key(k, what): to_json(v, args[1], f"{what}[{k!r}]") for k, v in items.items()}
    fields = record_fields(hint)
    if fields is not None:
        return _record_to(value, hint, fields, what)
    if isinstance(hint, type) and issubclass(hint, Path | enum.Enum):
        _expected(value, (hint,), hint, what)
    return _plain(value, what)


def record_fields(hint: Any) -> dict[str, Any] | None:
    """Field annotations of a NamedTuple, dataclass, TypedDict or pydantic model; None for others."""
    if not isinstance(hint, type):
        return None
    if typing.is_typeddict(hint) or (issubclass(hint, tuple) and hasattr(hint, "_fields")):
        return hints_of(hint)
    if dataclasses.is_dataclass(hint):
        found = hints_of(hint)
        return {field.name: found.get(field.name, Any) for field in dataclasses.fields(hint)}
    if hasattr(hint, "__pydantic_fields__"):
        return {name: field.annotation for name, field in hint.model_fields.items()}  # type: ignore[attr-defined]
    return None


def hints_of(owner: Any) -> dict[str, Any]:
    """The annotations of a function or class that can be evaluated here; others are left out.

    Embedded functions may have annotations whose names exist on the machine of the compiler only.
    """
    try:
        return typing.get_type_hints(owner, include_extras=True)
    except (NameError, TypeError, AttributeError, SyntaxError):
        return {
            name: hint
            for name, text in getattr(owner, "__annotations__", {}).items()
            if (hint := _evaluated(text, owner)) is not None
        }


def _evaluated(annotation: Any, owner: Any) -> Any:
    if not isinstance(annotation, str):
        return annotation
    scope = dict(getattr(owner, "__globals__", {}))
    cells = zip(
        getattr(getattr(owner, "__code__", None), "co_freevars", ()),
        getattr(owner, "__closure__", None) or (),
        strict=False,
    )
    scope.update({name: cell.cell_contents for name, cell in cells})
    try:
        return eval(annotation, scope)  # noqa: S307 - the user's own annotation
    except (NameError, TypeError, AttributeError, SyntaxError):
        return None


def bare(hint: Any) -> Any:
    """The annotation without `Annotated`, as something that can be looked up."""
    while get_origin(hint) is typing.Annotated:
        hint = get_args(hint)[0]
    try:
        hash(hint)
    except TypeError:
        return None
    return hint


def is_artifact_class(hint: Any) -> bool:
    """Whether values of an annotation are artifacts: no JSON, no record, and no choice of either."""
    hint = bare(hint)
    return (
        isinstance(hint, type)
        and get_origin(hint) is None
        and hint not in _WRITERS
        and not issubclass(hint, enum.Enum | tuple)
        and record_fields(hint) is None
    )


def is_scalar(value: Any) -> bool:
    """Whether a value is JSON by itself: text, a number (numpy's too), true, false or null."""
    return value is None or isinstance(_number(value), str | bool | int | float)


@lru_cache(maxsize=1024)
def holds_artifact(hint: Any) -> bool:
    """Whether an annotation is of artifacts, or of something with artifacts inside."""
    seen: set[Any] = set()
    pending = [hint]
    while pending:
        current = bare(pending.pop())
        if current in seen:
            continue  # a record that holds itself
        seen.add(current)
        if is_artifact_class(current):
            return True
        fields = record_fields(current)
        pending += get_args(current) if fields is None else fields.values()
    return False


def _wrong(value: Any, wanted: Any, what: str) -> WrongValue:
    shown = repr(value)
    if len(shown) > _SMALLEST_SHOWN:
        shown = f"{shown[:_SMALLEST_SHOWN]}..."
    name = wanted if isinstance(wanted, str) else getattr(wanted, "__name__", str(wanted))
    return WrongValue(f"{what} is {shown} ({type(value).__name__}), not {name}")


def _expected(value: Any, kinds: tuple[type, ...], wanted: Any, what: str) -> Any:
    if not isinstance(value, kinds):
        raise _wrong(value, wanted, what)
    return value


# --- reading


def _read_integer(value: Any, what: str) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise _wrong(value, int, what)


def _read_float(value: Any, what: str) -> Any:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    raise _wrong(value, float, what)


def _read_time(value: Any, what: str) -> Any:
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value)
        except ValueError as problem:
            raise _wrong(value, "a timestamp in ISO 8601", what) from problem
    return _expected(value, (datetime,), datetime, what)


def _read_duration(value: Any, what: str) -> Any:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return timedelta(seconds=value)
    return _expected(value, (timedelta,), "a duration in seconds", what)


def _read_path(value: Any, what: str) -> Any:
    return Path(_expected(value, (str, Path), Path, what))


_READERS: dict[Any, Callable[[Any, str], Any]] = {
    int: _read_integer,
    float: _read_float,
    str: lambda value, what: _expected(value, (str,), str, what),
    bool: lambda value, what: _expected(value, (bool,), bool, what),
    datetime: _read_time,
    timedelta: _read_duration,
    Path: _read_path,
    **dict.fromkeys(_ANYTHING, lambda value, _what: value),
}


def _union_from(value: Any, args: tuple[Any, ...], what: str) -> Any:
    if value is None and type(None) in args:
        return None
    problem: WrongValue | None = None
    for option in (arg for arg in args if arg is not type(None)):
        if set(args) >= {int, float} and isinstance(value, int | float):
            return value
        try:
            return from_json(value, option, what)
        except WrongValue as refused:
            problem = problem or refused
    raise problem or _wrong(value, "any of its types", what)


def _class_from(value: Any, hint: type, what: str) -> Any:
    fields = record_fields(hint)
    if isinstance(value, dict) and fields is not None:
        return _record_from(value, hint, fields, what)
    if issubclass(hint, enum.Enum) and not isinstance(value, hint):
        try:
            return hint(value)
        except ValueError as problem:
            raise _wrong(value, hint, what) from problem
    return value


def _record_from(value: dict[str, Any], hint: Any, fields: dict[str, Any], what: str) -> Any:
    parts = {
        name: from_json(item, fields.get(name), f"{what}.{name}") for name, item in value.items()
    }
    try:
        if hasattr(hint, "__pydantic_fields__"):
            return hint.model_validate({_alias(hint, name): part for name, part in parts.items()})
        return hint(**parts)
    except (TypeError, ValueError) as problem:
        raise WrongValue(f"{what} does not make a {hint.__name__}: {problem}") from problem


def _alias(hint: Any, name: str) -> str:
    field = hint.model_fields.get(name)
    alias = getattr(field, "validation_alias", None)
    return alias if isinstance(alias, str) else name


# --- writing


def _write_integer(value: Any, what: str) -> int:
    value = _number(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong(value, int, what)
    return value


def _write_float(value: Any, what: str) -> float:
    value = _number(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _wrong(value, float, what)
    return _finite(float(value), what)


def _write_time(value: Any, what: str) -> str:
    moment: datetime = _expected(value, (datetime,), datetime, what)
    # A time without a zone is read as UTC everywhere: engines may be in different zones.
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()


def _write_duration(value: Any, what: str) -> float:
    length: timedelta = _expected(value, (timedelta,), timedelta, what)
    return length.total_seconds()


def _union_to(value: Any, args: tuple[Any, ...], what: str) -> Any:
    if value is None and type(None) in args:
        return None
    problem: WrongValue | None = None
    for option in (arg for arg in args if arg is not type(None)):
        if set(args) >= {int, float} and isinstance(value, int | float):
            return _plain(value, what)
        try:
            return to_json(value, option, what)
        except WrongValue as refused:
            problem = problem or refused
    raise problem or _wrong(value, "any of its types", what)


def _literal(value: Any, choices: tuple[Any, ...], what: str) -> Any:
    if not any(value == choice and type(value) is type(choice) for choice in choices):
        raise _wrong(value, f"one of {', '.join(map(repr, choices))}", what)
    return value


def _record_to(value: Any, hint: Any, fields: dict[str, Any], what: str) -> Any:
    """The fields as a JSON object; a plain mapping with the fields will do for any record."""
    if isinstance(value, Mapping):
        missing = [name for name in fields if name not in value]
        if missing and not _is_partial(hint):
            raise WrongValue(f"{what} has no field `{missing[0]}`, which {hint.__name__} declares")
        present = {name: value[name] for name in fields if name in value}
    else:
        _expected(value, (hint,), hint, what)
        present = {name: getattr(value, name) for name in fields}
    return {name: to_json(part, fields[name], f"{what}.{name}") for name, part in present.items()}


def _is_partial(hint: Any) -> bool:
    return bool(getattr(hint, "__optional_keys__", ()))


def _plain(value: Any, what: str) -> Any:
    """Any JSON value; the standard types that have a JSON form in the IR are turned into it."""
    value = _number(value)
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, enum.Enum):
        return _plain(value.value, what)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, float):
        return _finite(value, what)
    if isinstance(value, Mapping):
        return {_key(key, what): _plain(item, f"{what}[{key!r}]") for key, item in value.items()}
    fields = record_fields(type(value))
    if fields is not None:
        return _record_to(value, type(value), fields, what)
    if isinstance(value, list | tuple):
        return [_plain(item, f"{what}[{n}]") for n, item in enumerate(value)]
    if isinstance(value, datetime | timedelta):
        return _WRITERS[datetime if isinstance(value, datetime) else timedelta](value, what)
    if isinstance(value, Path):
        return str(value)
    advice = (
        "write isoformat()"
        if isinstance(value, date)
        else "annotate its type to keep it as an artifact"
    )
    raise WrongValue(f"{what} is a {type(value).__name__}, which JSON cannot hold; {advice}")


def _number(value: Any) -> Any:
    """A number of numpy's as Python's own."""
    if (
        type(value).__module__ == "numpy"
        and hasattr(value, "item")
        and not getattr(value, "shape", 1)
    ):
        return value.item()
    return value


def _finite(value: float, what: str) -> float:
    if not math.isfinite(value):
        raise WrongValue(f"{what} is {value}, which JSON cannot hold")
    return float(value)


def _key(key: Any, what: str) -> str:
    if not isinstance(key, str):
        raise WrongValue(f"{what} has the key {key!r}; keys of JSON objects are text")
    return key


_WRITERS: dict[Any, Callable[[Any, str], Any]] = {
    int: _write_integer,
    float: _write_float,
    str: lambda value, what: str(_expected(value, (str,), str, what)),
    bool: lambda value, what: _expected(_number(value), (bool,), bool, what),
    datetime: _write_time,
    timedelta: _write_duration,
    list: lambda value, what: _plain(_expected(value, (list, tuple), list, what), what),
    dict: lambda value, what: _plain(_expected(value, (Mapping,), dict, what), what),
    type(None): lambda value, what: _expected(value, (type(None),), "None", what),
    **dict.fromkeys(_ANYTHING, _plain),
}
