"""The items of a value that a loop goes through."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import Any

from intermodal_compilers.airflow.importer.files import OpenFile
from intermodal_compilers.airflow.importer.graph import Group, TaskNode, XCom
from intermodal_compilers.airflow.importer.machine import Machine
from intermodal_compilers.airflow.importer.values import (
    Generated,
    Instance,
    RaisedError,
    Scope,
    Unknown,
    UserClass,
)

SCALARS = (str, bytes, int, float, type(None))
PLAIN = (list, tuple, set, frozenset, dict, str, range, bytes)


def items_of(machine: Machine, value: Any, node: ast.AST, scope: Scope) -> Iterable[Any] | Unknown:
    """The items, copied so that a body may change the list; Unknown if they cannot be told."""
    if isinstance(value, Generated):
        return _taken(value)
    if isinstance(value, range):
        return value
    if isinstance(value, set | frozenset):
        return sorted(value, key=order_of)
    if isinstance(value, PLAIN):
        return list(value)
    if isinstance(value, Group):
        return list(value.tasks())
    if isinstance(value, XCom | TaskNode):
        raise RaisedError(
            "TypeError", "a task's output cannot be looped over", scope.module.span(node)
        )
    if isinstance(value, UserClass):
        return list(_members(value))
    if isinstance(value, OpenFile):
        return value.text.splitlines(keepends=True)
    if isinstance(value, Instance) and value.of.is_tuple():
        return [value.names[name] for name in value.of.fields]
    if isinstance(value, Instance) and (method := value.of.find("__iter__")):
        from intermodal_compilers.airflow.importer.values import Arguments, Bound

        made = machine.call(Bound(value, "__iter__", method[0]), Arguments([], {}), node, scope)
        return made if isinstance(made, Unknown) else items_of(machine, made, node, scope)
    if isinstance(value, Unknown):
        return value
    return machine.unknown("its items are not known", node, scope)


def order_of(item: Any) -> str:
    """What the items of a set are put in order by, as they have none of their own."""
    if isinstance(item, TaskNode | Group):
        return item.id
    return repr(item) if isinstance(item, SCALARS) else type(item).__name__


def _taken(value: Generated) -> Iterator[Any]:
    """The items, each gone once it is taken."""
    while value:
        yield value.pop(0)


def _members(kind: UserClass) -> Iterable[Any]:
    """The members of an enum."""
    return [v for name, v in kind.names.items() if isinstance(v, Instance) and name[0] != "_"]
