"""Python's own functions on objects: their classes, attributes and names."""

from __future__ import annotations

import ast
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import PurePath
from typing import Any

from intermodal_compilers.airflow.importer.effects import has_unread_base
from intermodal_compilers.airflow.importer.graph import Argument, Dag, Group, TaskNode, XCom
from intermodal_compilers.airflow.importer.machine import Machine
from intermodal_compilers.airflow.importer.plain import PRINTABLE
from intermodal_compilers.airflow.importer.values import (
    Arguments,
    Bound,
    External,
    Function,
    Instance,
    Native,
    RaisedError,
    Scope,
    Super,
    UserClass,
    is_unknown,
)

CLASSES: dict[str, Any] = {
    "str": str, "int": int, "float": float, "bool": bool, "list": list, "tuple": tuple, "dict": dict,
    "set": set, "bytes": bytes, "datetime": datetime, "date": date, "timedelta": timedelta,
    "Sequence": (list, tuple, str), "Mapping": dict, "Iterable": (list, tuple, set, dict, str),
    "Path": PurePath, "DAG": Dag, "TaskGroup": Group, "BaseOperator": TaskNode, "XComArg": XCom,
}  # fmt: skip


def _is_instance(machine: Machine, arguments: Arguments, node: ast.AST, scope: Scope) -> Any:
    if len(arguments.positional) != 2:
        return machine.unknown("isinstance", node, scope)
    value, kinds = arguments.positional
    results = [_is_one(value, kind) for kind in (kinds if isinstance(kinds, tuple) else (kinds,))]
    if True in results:
        return True
    return machine.unknown("its class is not known", node, scope) if None in results else False


def _is_one(value: Any, kind: Any) -> bool | None:
    if is_unknown(value):
        return None
    if isinstance(kind, UserClass):
        of = getattr(value, "of", None)
        return isinstance(of, UserClass) and kind in of.lineage()
    if isinstance(kind, External) and kind.name in CLASSES:
        return isinstance(value, CLASSES[kind.name])
    plain = (*PRINTABLE, set, bytes)
    return False if isinstance(value, plain) else None


def _has_attribute(machine: Machine, arguments: Arguments, node: ast.AST, scope: Scope) -> Any:
    owner, name = arguments.positional[:2]
    if isinstance(owner, Instance) and isinstance(name, str):
        return name in owner.names or owner.of.find(name) is not None
    return machine.unknown("hasattr", node, scope)


def _get_attribute(machine: Machine, arguments: Arguments, node: ast.AST, scope: Scope) -> Any:
    owner, name, *default = arguments.positional
    if not isinstance(name, str):
        return machine.unknown("an attribute whose name is not known", node, scope)
    try:
        found = machine.attribute(owner, name, node, scope)
    except RaisedError:
        if default:
            return default[0]
        raise
    missing = isinstance(found, Bound) and not found.function
    if default and missing and isinstance(owner, Instance | UserClass):
        kind = owner.of if isinstance(owner, Instance) else owner
        return default[0] if not has_unread_base(kind) else machine.unknown(name, node, scope)
    return found


def _set_attribute(machine: Machine, arguments: Arguments, node: ast.AST, scope: Scope) -> Any:
    from intermodal_compilers.airflow.importer.binding import set_attribute

    owner, name, value = arguments.positional
    if isinstance(name, str):
        place = Argument(None, scope.module.source(node), scope.module.span(node))
        set_attribute(machine, owner, name, value, place)


def _import(machine: Machine, arguments: Arguments, node: ast.AST, scope: Scope) -> Any:
    """`__import__("a.b")`: the first module of the path."""
    from intermodal_compilers.airflow.importer.imports import module_value

    name = arguments.get("name", 0)
    if not isinstance(name, str):
        return machine.unknown("a module whose name is not known", node, scope)
    whole = module_value(machine, name, scope)
    return whole if "." not in name else module_value(machine, name.partition(".")[0], scope)


def _vars(machine: Machine, arguments: Arguments, node: ast.AST, scope: Scope) -> Any:
    if not arguments.positional:
        return scope.names
    return machine.attribute(arguments.positional[0], "__dict__", node, scope)


def _is_subclass(machine: Machine, arguments: Arguments, node: ast.AST, scope: Scope) -> Any:
    if len(arguments.positional) == 2 and isinstance(arguments.positional[0], UserClass):
        kind, wanted = arguments.positional
        lineage = kind.lineage()
        if any(one in lineage for one in (wanted if isinstance(wanted, tuple) else (wanted,))):
            return True
        if isinstance(wanted, UserClass) and not has_unread_base(kind):
            return False
    return machine.unknown("issubclass", node, scope)


def _callable(machine: Machine, arguments: Arguments, node: ast.AST, scope: Scope) -> Any:
    value = arguments.positional[0]
    if is_unknown(value):
        return machine.unknown("callable", node, scope)
    return isinstance(value, Function | Bound | UserClass | Native)


def _type(machine: Machine, arguments: Arguments, node: ast.AST, scope: Scope) -> Any:
    if len(arguments.positional) == 1:
        value = arguments.positional[0]
        if isinstance(value, Instance):
            return value.of
        if isinstance(value, TaskNode) and value.of is not None:
            return value.of
        if isinstance(value, str | int | float | list | dict | tuple):
            return External(f"builtins.{type(value).__name__}")
    if len(arguments.positional) == 3:
        name, bases, names = arguments.positional
        if isinstance(name, str) and isinstance(bases, tuple) and isinstance(names, dict):
            span = scope.module.span(node)
            return UserClass(name, list(bases), dict(names), scope.module, span, span.line)
    return machine.unknown("a class made while running", node, scope)


def _super(machine: Machine, _: Arguments, node: ast.AST, scope: Scope) -> Any:
    place: Scope | None = scope
    while place is not None and place.self_class is None:
        place = place.outer
    if place is None or place.self_class is None:
        return machine.unknown("super() outside a method", node, scope)
    return Super(place.self_class, place.self_value)


def _open(machine: Machine, arguments: Arguments, node: ast.AST, scope: Scope) -> Any:
    from intermodal_compilers.airflow.importer.files import open_file

    return open_file(machine, arguments.get("file", 0), node, scope)


def _names(_: Machine, __: Arguments, ___: ast.AST, scope: Scope) -> Any:
    return scope.module.names


HANDLERS: dict[str, Callable[[Machine, Arguments, ast.AST, Scope], Any]] = {
    "isinstance": _is_instance,
    "hasattr": _has_attribute,
    "getattr": _get_attribute,
    "setattr": _set_attribute,
    "callable": _callable,
    "type": _type,
    "super": _super,
    "open": _open,
    "globals": _names,
    "__import__": _import,
    "vars": _vars,
    "issubclass": _is_subclass,
    "locals": lambda _, __, ___, scope: scope.names,
}
