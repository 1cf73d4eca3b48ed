"""Serialisers by type, in an open registry.

The family of a value is found by the name of its class, so no library is imported that the value
has not brought with it.
"""

from __future__ import annotations

from intermodal.artifacts.serialisers.protocol import CannotRead, CannotSerialise, Serialiser
from intermodal.artifacts.serialisers.registry import (
    DEFAULT,
    Registry,
    fit_to_hint,
    kind_of,
    register,
    type_string,
)

__all__ = [
    "DEFAULT",
    "CannotRead",
    "CannotSerialise",
    "Registry",
    "Serialiser",
    "fit_to_hint",
    "kind_of",
    "register",
    "type_string",
]
