"""Whether a value counts as true, where that can be told."""

from __future__ import annotations

from typing import Any

from intermodal_compilers.airflow.importer.sizes import is_bulky
from intermodal_compilers.airflow.importer.values import (
    External,
    Generated,
    Instance,
    Symbolic,
    Unknown,
)


def truth(value: Any) -> bool | None:
    """True or False as Python would have it, or None if it cannot be told."""
    if isinstance(value, Unknown | Symbolic):
        return None
    if isinstance(value, Generated):
        return True  # a generator is true even if nothing is left in it
    if isinstance(value, External):
        # A class or function is true; a constant of somebody's package may be anything.
        return True if value.module or value.path.startswith("airflow.") else None
    if isinstance(value, Instance) and (value.of.find("__bool__") or value.of.find("__len__")):
        return None
    try:
        return bool(value)
    except (TypeError, ValueError):
        return None


def same(one: Any, other: Any) -> bool:
    """Whether two values are interchangeable; imports of one name from two places are."""
    if one is other:
        return True
    if isinstance(one, External) and isinstance(other, External):
        return one.name == other.name
    if type(one) is not type(other) or isinstance(one, Unknown | Symbolic):
        return False
    if is_bulky(one) or is_bulky(other):
        return False
    try:
        return bool(one == other)
    except (TypeError, ValueError, RecursionError):
        return False
