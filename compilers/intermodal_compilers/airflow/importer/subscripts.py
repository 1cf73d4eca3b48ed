"""`owner[key]` for everything that has items."""

from __future__ import annotations

import ast
from typing import Any

from intermodal_compilers.airflow.importer.graph import Group, XCom
from intermodal_compilers.airflow.importer.machine import Machine
from intermodal_compilers.airflow.importer.surroundings import environment
from intermodal_compilers.airflow.importer.values import (
    External,
    Instance,
    RaisedError,
    Scope,
    Unknown,
    UserClass,
    is_unknown,
    plain_member,
)


def item_of(machine: Machine, owner: Any, key: Any, node: ast.AST, scope: Scope) -> Any:
    """The item.

    Raises:
        RaisedError: There is none.
    """
    if isinstance(owner, External):
        if owner.path == "os.environ":
            return environment(machine, key, node, scope)
        if owner.path.startswith(("typing.", "collections.", "builtins.", "airflow.")):
            return owner
    if isinstance(owner, XCom):
        return XCom(owner.nodes, key if isinstance(key, str) else None, owner.how)
    if isinstance(owner, Group) and isinstance(key, str):
        return owner.children.get(key) or owner.children.get(owner.child_id(key))
    if isinstance(owner, UserClass):
        found = owner.names.get(key) if isinstance(key, str) else None
        return found if found is not None else owner
    if isinstance(owner, Instance) and (found_method := owner.of.find("__getitem__")):
        from intermodal_compilers.airflow.importer.values import Arguments, Bound

        method = Bound(owner, "__getitem__", found_method[0])
        return machine.call(method, Arguments([key], {}), node, scope)
    if isinstance(owner, Instance) and owner.of.is_tuple() and isinstance(key, int | slice):
        owner = tuple(owner.names[name] for name in owner.of.fields)
    key = plain_member(key)
    if is_unknown(owner) or is_unknown(key):
        unknown = owner if isinstance(owner, Unknown) else key
        reason = unknown.reason if isinstance(unknown, Unknown) else "items of something external"
        return machine.unknown(reason, node, scope)
    if isinstance(owner, dict | list | tuple | str | bytes | range):
        why = machine.doubted(owner)
        if why is not None and isinstance(owner, list):
            return machine.unknown(why, node, scope)
        try:
            return owner[key]
        except (KeyError, IndexError, TypeError) as problem:
            if why is not None:
                return machine.unknown(why, node, scope)
            raise RaisedError(
                type(problem).__name__, f"{key!r}"[:80], scope.module.span(node)
            ) from problem
    return machine.unknown("items of an object", node, scope)
