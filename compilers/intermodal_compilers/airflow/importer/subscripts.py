"""`owner[key]` for everything that has items."""

from __future__ import annotations

import ast
from typing import Any

from intermodal_compilers.airflow.importer.graph import Group, XCom
from intermodal_compilers.airflow.importer.machine import Machine
from intermodal_compilers.airflow.importer.values import (
    External,
    Instance,
    RaisedError,
    Scope,
    Unknown,
    UserClass,
    is_unknown,
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


def environment(machine: Machine, key: Any, node: ast.AST, scope: Scope, *default: Any) -> Any:
    """An environment variable: as given, or its default with the assumption told."""
    if not isinstance(key, str):
        return machine.unknown("an environment variable whose name is not known", node, scope)
    given = machine.inputs.environment
    if key in given:
        return given[key]
    if key == "AIRFLOW_HOME" and not default:
        default = ("/opt/airflow",)
    told = "give its value with `--env FILE`"
    span = scope.module.span(node)
    if default and not isinstance(default[0], Unknown):
        machine.assume(f"environment variable `{key}` is taken as {default[0]!r}", span, told)
        return default[0]
    machine.assume(f"environment variable `{key}` is not known", span, told)
    return machine.unknown(f"environment variable `{key}` is not given", node, scope)
