"""Checking what users log: a value that can be recorded, or the reason why it cannot."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

STEP_LIMIT = 2**63
RESERVED = "intermodal."


class UnrecordableError(ValueError):
    """Why a name or value cannot be recorded, in words for the user."""


def checked_name(name: Any) -> str:
    """The name itself; raises `UnrecordableError` if it is not a text with something in it."""
    if not isinstance(name, str):
        raise UnrecordableError(f"its name is of type {type(name).__name__}, not a string")
    if not name.strip():
        raise UnrecordableError("its name is empty")
    return name


def metric_value(value: Any) -> float:
    """A finite float; numbers of numpy, Decimal and one-element tensors included."""
    if isinstance(value, (str, bytes, bytearray)):
        raise UnrecordableError(f"its value is of type {type(value).__name__}, not a number")
    try:
        number = float(value)
    except OverflowError:
        raise UnrecordableError("its value is too large for a float") from None
    except Exception as problem:  # whatever a user's class raises must not end the task
        kind = type(value).__name__
        raise UnrecordableError(f"its value is of type {kind}, not a number") from problem
    if not math.isfinite(number):
        raise UnrecordableError(f"its value is {number}")
    return number


def metric_step(step: Any) -> int | None:
    """A 64-bit integer, or None."""
    if step is None:
        return None
    try:
        number = int(step)
        whole = bool(number == step)
    except Exception as problem:  # as above
        raise UnrecordableError(
            f"its step is of type {type(step).__name__}, not an integer"
        ) from problem
    if not whole or isinstance(step, (str, bytes)):
        raise UnrecordableError("its step is not an integer")
    if not -STEP_LIMIT <= number < STEP_LIMIT:
        raise UnrecordableError("its step does not fit in 64 bits")
    return number


def text_of(value: Any) -> str:
    """A parameter's or tag's text: strings as they are, lists and maps as JSON, the rest by `str`."""
    try:
        if isinstance(value, str):
            return str(value)
        if isinstance(value, (list, tuple, dict)):
            return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
        return str(value)
    except Exception as problem:  # a user's __str__ may raise anything
        raise UnrecordableError(f"its {type(value).__name__} value has no text form") from problem


def relative_path(path: Any) -> str:
    """A relative path with `/`, without `..`; raises `UnrecordableError` for any other."""
    text = checked_name(path if not isinstance(path, PurePosixPath) else str(path))
    pure = PurePosixPath(text)
    if pure.is_absolute() or ".." in pure.parts or not pure.parts or "\x00" in text:
        raise UnrecordableError(f"{text!r} is not a relative path without `..`")
    if PureWindowsPath(text).drive or "\\" in text:
        raise UnrecordableError(f"{text!r} is not a path with `/`")
    return str(pure)


def shown(value: Any) -> str:
    """How a note names something a user gave, whatever it is."""
    if isinstance(value, str):
        return f"`{value[:100]}`"
    try:
        return f"`{value!s:.100}`"
    except Exception:  # a user's __str__ may raise anything
        return f"of type {type(value).__name__}"


def flat_numbers(values: Mapping[Any, Any], prefix: str = "") -> Iterator[tuple[Any, Any]]:
    """The entries of a `Metrics` value, nested maps joined with dots."""
    for key, value in values.items():
        name = f"{prefix}.{key}" if prefix else key
        if isinstance(value, Mapping):
            yield from flat_numbers(value, str(name))
        else:
            yield name, value
