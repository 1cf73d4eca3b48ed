"""Storing a value under a name, an attribute, an item, or several of them."""

from __future__ import annotations

import ast
from typing import Any

from intermodal_compilers.airflow.importer.graph import Dag, TaskNode, XCom
from intermodal_compilers.airflow.importer.iteration import items_of
from intermodal_compilers.airflow.importer.machine import Machine
from intermodal_compilers.airflow.importer.values import (
    Instance,
    RaisedError,
    Scope,
    Unknown,
    UserClass,
    is_unknown,
)


def store(machine: Machine, target: ast.expr, value: Any, scope: Scope) -> None:
    """Store a value where the target says."""
    if isinstance(target, ast.Name):
        _home(scope, target.id)[target.id] = value
    elif isinstance(target, ast.Tuple | ast.List):
        _unpack(machine, target, value, scope)
    elif isinstance(target, ast.Attribute):
        owner = machine.evaluate(target.value, scope)
        set_attribute(owner, target.attr, value)
    elif isinstance(target, ast.Subscript):
        owner = machine.evaluate(target.value, scope)
        key = machine.evaluate(target.slice, scope)
        _set_item(owner, key, value)
        machine.doubt(owner)
    elif isinstance(target, ast.Starred):
        store(machine, target.value, value, scope)


def lookup(scope: Scope, name: str) -> tuple[bool, Any]:
    """Whether a name is bound in a scope or around it, and its value."""
    place: Scope | None = scope
    while place is not None:
        if (place is scope or not place.is_class) and name in place.names:
            return True, place.names[name]
        place = place.outer
    names = scope.module.names
    return (True, names[name]) if name in names else (False, None)


def _home(scope: Scope, name: str) -> dict[str, Any]:
    if name in scope.global_names:
        return scope.module.names
    if name in scope.outer_names:
        place = scope.outer
        while place is not None:
            if name in place.names:
                return place.names
            place = place.outer
    return scope.names


def set_attribute(owner: Any, name: str, value: Any) -> None:
    """`owner.name = value`, for owners that keep attributes."""
    if isinstance(owner, XCom) and len(owner.nodes) == 1:
        owner = owner.nodes[0]
    if isinstance(owner, Instance | UserClass | TaskNode):
        if isinstance(owner, TaskNode) and name == "trigger_rule":
            owner.trigger_rule = value
        elif isinstance(owner, TaskNode) and name in ("is_setup", "is_teardown"):
            setattr(owner, name.removeprefix("is_"), bool(value))
        owner.names[name] = value
    elif isinstance(owner, Dag):
        owner.attributes[name] = value


def _set_item(owner: Any, key: Any, value: Any) -> None:
    if isinstance(owner, dict) and not is_unknown(key):
        try:
            owner[key] = value
        except TypeError:
            return
    elif isinstance(owner, list) and isinstance(key, int | slice):
        try:
            owner[key] = value
        except (IndexError, ValueError, TypeError) as problem:
            raise RaisedError(type(problem).__name__, str(problem)) from problem


def _unpack(machine: Machine, target: ast.Tuple | ast.List, value: Any, scope: Scope) -> None:
    items = items_of(machine, value, target, scope)
    if isinstance(items, Unknown):
        for one in target.elts:
            store(machine, one, items, scope)
        return
    values = list(items)
    starred = [i for i, one in enumerate(target.elts) if isinstance(one, ast.Starred)]
    if starred:
        first, after = starred[0], len(target.elts) - starred[0] - 1
        middle = values[first : len(values) - after]
        values = [*values[:first], middle, *values[len(values) - after :]]
    if len(values) != len(target.elts):
        raise RaisedError(
            "ValueError", "wrong number of values to unpack", scope.module.span(target)
        )
    for one, item in zip(target.elts, values, strict=True):
        store(machine, one, item, scope)


def as_load(target: ast.expr) -> ast.expr:
    """The expression that reads what a target writes; contexts do not matter to the reader."""
    return target
