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

# Enums of Airflow's whose members are text.
TEXT_ENUMS = (".TriggerRule", ".WeightRule")


def item_of(machine: Machine, owner: Any, key: Any, node: ast.AST, scope: Scope) -> Any:
    """The item.

    Raises:
        RaisedError: There is none.
    """
    if isinstance(owner, External):
        known, found = _of_external(machine, owner, key, node, scope)
        if known:
            return found
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
        except (KeyError, IndexError, TypeError, ValueError) as problem:
            if why is not None:
                return machine.unknown(why, node, scope)
            raise RaisedError(
                type(problem).__name__, f"{key!r}"[:80], scope.module.span(node)
            ) from problem
    return machine.unknown("items of an object", node, scope)


def _of_external(
    machine: Machine, owner: External, key: Any, node: ast.AST, scope: Scope
) -> tuple[bool, Any]:
    """Whether the item of something external is known, and which it is."""
    if owner.path == "os.environ":
        return True, environment(machine, key, node, scope)
    if owner.path == "sys.modules" and isinstance(key, str) and key in machine.modules:
        return True, machine.modules[key]
    if owner.path.endswith(TEXT_ENUMS) and isinstance(key, str):
        return True, key.lower()
    # A generic class keeps its name; an item of a constant is not known.
    ours = owner.path.startswith("airflow.")
    if owner.name.isupper() or (ours and owner.name.islower()):
        return False, None
    return ours or owner.path.startswith(("typing.", "collections.", "builtins.")), owner
