"""Rewrite the expressions inside a task, an action, an expression or a setting."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from intermodal.ir import Expression, Node

_PLAIN = frozenset(("span", "outputs", "input_types", "body", "arms", "otherwise"))


def rewrite_expressions(node: Any, change: Callable[[Expression], Expression]) -> Any:
    """The node with every expression in it changed, inner ones first.

    The bodies of regions are left alone, and so are their outputs.
    """
    updates: dict[str, Any] = {}
    for name, value in vars(node).items():
        if name in _PLAIN:
            continue
        changed = _changed(value, change)
        if changed is not value:
            updates[name] = changed
    result = node.model_copy(update=updates) if updates else node
    return change(result) if hasattr(node, "op") else result


def _changed(value: Any, change: Callable[[Expression], Expression]) -> Any:
    if isinstance(value, Node):
        return rewrite_expressions(value, change)
    if isinstance(value, tuple):
        items = tuple(_changed(item, change) for item in value)
        return items if any(a is not b for a, b in zip(items, value, strict=True)) else value
    if isinstance(value, Mapping):
        entries = {key: _changed(item, change) for key, item in value.items()}
        return entries if any(entries[key] is not value[key] for key in value) else value
    return value
