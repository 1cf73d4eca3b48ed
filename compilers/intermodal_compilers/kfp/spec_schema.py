"""Compare plain data with an official message type: every unknown field and wrong kind at once.

The protobuf library stops at the first mistake and names no line, hence this walk over the same
descriptors. Whatever passes here parses.
"""

from __future__ import annotations

import difflib
import functools
import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from intermodal_compilers.kfp.problems import Path, Problem

_DURATION = re.compile(r"-?\d{1,12}(\.\d{1,9})?s")


def check_message(data: Any, descriptor: Any, path: Path) -> Iterator[Problem]:
    """What in `data` is not the JSON form of the message type that `descriptor` describes."""
    special = _WELL_KNOWN.get(descriptor.full_name)
    if special is not None:
        yield from special(data, path)
        return
    if not isinstance(data, Mapping):
        yield _wrong_kind(path, data, "a mapping")
        return
    fields = _fields(descriptor)
    seen: dict[str, str] = {}
    for key, value in data.items():
        field = fields.get(key)
        if field is None:
            yield _unknown_field(key, descriptor, path)
            continue
        if value is None and not _takes_null(field):
            continue  # null stands for an absent field in the JSON form of protobuf
        yield from _check_twice(key, field, seen, (*path, key))
        yield from _check_field(value, field, (*path, key))


@functools.cache
def _fields(descriptor: Any) -> dict[str, Any]:
    """The fields by both of their names."""
    fields = {field.name: field for field in descriptor.fields}
    return fields | {field.json_name: field for field in descriptor.fields}


def _takes_null(field: Any) -> bool:
    return (
        field.message_type is not None and field.message_type.full_name == "google.protobuf.Value"
    )


def _check_twice(key: str, field: Any, seen: dict[str, str], path: Path) -> Iterator[Problem]:
    group = field.containing_oneof
    name = f"oneof {group.name}" if group is not None else field.name
    if name in seen:
        yield Problem(
            "PORT302",
            path,
            f"`{key}` cannot stand beside `{seen[name]}`: the schema allows one of them.",
            next="Remove one of the two.",
        )
    seen[name] = key


def _check_field(value: Any, field: Any, path: Path) -> Iterator[Problem]:
    message = field.message_type
    if message is not None and message.GetOptions().map_entry:
        yield from _check_map(value, message.fields_by_name["value"], path)
    elif field.is_repeated:
        if not isinstance(value, list):
            yield _wrong_kind(path, value, "a list")
            return
        for index, item in enumerate(value):
            yield from _check_single(item, field, (*path, index))
    else:
        yield from _check_single(value, field, path)


def _check_map(value: Any, value_field: Any, path: Path) -> Iterator[Problem]:
    if not isinstance(value, Mapping):
        yield _wrong_kind(path, value, "a mapping")
        return
    for key, item in value.items():
        yield from _check_single(item, value_field, (*path, key))


def _check_single(value: Any, field: Any, path: Path) -> Iterator[Problem]:
    if field.message_type is not None:
        yield from check_message(value, field.message_type, path)
    elif field.enum_type is not None:
        yield from _check_enum(value, field.enum_type, path)
    else:
        wanted, fits = _SCALARS[field.cpp_type]
        if not fits(value):
            yield _wrong_kind(path, value, wanted)


def _check_enum(value: Any, enum: Any, path: Path) -> Iterator[Problem]:
    names = sorted(enum.values_by_name)
    if isinstance(value, int) and not isinstance(value, bool) and value in enum.values_by_number:
        return
    if isinstance(value, str) and value in enum.values_by_name:
        return
    yield Problem(
        "PORT302",
        path,
        f"`{_shown(value)}` is not one of the names of `{enum.name}`.",
        next=_closest(str(value), names) or f"Use one of: {', '.join(names)}.",
    )


def _unknown_field(key: str, descriptor: Any, path: Path) -> Problem:
    names = [field.json_name for field in descriptor.fields]
    guess = _closest(key, names) or f"`{descriptor.name}` has: {', '.join(names)}."
    return Problem(
        "PORT301", (*path, key), f"`{key}` is not a field of `{descriptor.name}`.", next=guess
    )


def _closest(name: str, names: list[str]) -> str:
    close = difflib.get_close_matches(name[:100], names, n=1)
    return f"Did you mean `{close[0]}`?" if close else ""


def _wrong_kind(path: Path, value: Any, wanted: str) -> Problem:
    name = next((str(step) for step in reversed(path) if isinstance(step, str)), "the document")
    what = f"`{name}` takes {wanted}, not {_kind_of(value)}."
    return Problem("PORT302", path, what)


def _kind_of(value: Any) -> str:
    names = {dict: "a mapping", list: "a list", type(None): "null"}
    return names.get(type(value), f"`{_shown(value)}`")


def _shown(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else text[:60] + "…"


def _check_duration(data: Any, path: Path) -> Iterator[Problem]:
    if not isinstance(data, str) or not _DURATION.fullmatch(data):
        yield _wrong_kind(path, data, "a duration such as `30s`")


def _check_struct(data: Any, path: Path) -> Iterator[Problem]:
    if not isinstance(data, Mapping):
        yield _wrong_kind(path, data, "a mapping")


def _check_nothing(data: Any, path: Path) -> Iterator[Problem]:  # noqa: ARG001
    return iter(())


_WELL_KNOWN: dict[str, Callable[[Any, Path], Iterator[Problem]]] = {
    "google.protobuf.Value": _check_nothing,
    "google.protobuf.Struct": _check_struct,
    "google.protobuf.Duration": _check_duration,
}


def _is_int(bits: int) -> Callable[[Any], bool]:
    def fits(value: Any) -> bool:
        if isinstance(value, str):
            if not re.fullmatch(r"-?\d{1,19}", value):
                return False
            value = int(value)
        if isinstance(value, float):
            if not value.is_integer():
                return False
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            return False
        return bool(-(1 << (bits - 1)) <= value < 1 << (bits - 1))

    return fits


def _is_number(value: Any) -> bool:
    if isinstance(value, str):
        return bool(re.fullmatch(r"-?\d+(\.\d+)?", value)) and math.isfinite(float(value))
    return isinstance(value, int | float) and not isinstance(value, bool)


# By FieldDescriptor.CPPTYPE_*; the official messages have fields of these kinds only.
_SCALARS: dict[int, tuple[str, Callable[[Any], bool]]] = {
    1: ("a whole number of 32 bits", _is_int(32)),
    2: ("a whole number of 64 bits", _is_int(64)),
    5: ("a number", _is_number),
    7: ("true or false", lambda value: isinstance(value, bool)),
    9: ("text", lambda value: isinstance(value, str)),
}
