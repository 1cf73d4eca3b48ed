"""Nodes of the IR as calls that make them: what is written where authoring has no words of its own."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import Enum
from typing import Any

from intermodal.frozen import defaults_of
from intermodal.ir import Node, format_duration
from intermodal_compilers.pysource import Call, Expr, Mapping_, Name, Value, list_of
from intermodal_compilers.writing.names import ModuleNames

GIVEN = ("span", "kind", "op", "node", "ir_version")
"""Fields that the node's class decides, and its place."""


def raw(node: Node, names: ModuleNames) -> Expr:
    """`ir.Node(field=value, ...)`, without fields that have their defaults."""
    module = names.need("intermodal", "ir")
    fields = {
        name: _value(getattr(node, name), names)
        for name, default in defaults_of(type(node)).items()
        if not (name in GIVEN and _is_given(node, name)) and getattr(node, name) != default
    }
    return Call(Name(f"{module}.{type(node).__name__}"), (), fields)


def _is_given(node: Node, name: str) -> bool:
    """`node` is the kind of a task, but a field of its own in a reference."""
    return name != "node" or node.__dict__["node"] in ("task", "branch", "for_each", "group")


def _value(value: Any, names: ModuleNames) -> Expr:
    if isinstance(value, Node):
        return raw(value, names)
    if isinstance(value, Enum):
        return Value(value.value)
    if isinstance(value, timedelta):
        return Value(format_duration(value))
    if isinstance(value, tuple):
        return list_of(_value(item, names) for item in value)
    if isinstance(value, Mapping) and any(
        isinstance(item, (Node, tuple)) for item in value.values()
    ):
        return Mapping_(tuple((Value(key), _value(item, names)) for key, item in value.items()))
    return Value(value)
