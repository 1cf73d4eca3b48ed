"""`owner.name` for every kind of value."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from pathlib import PurePath
from typing import Any

from intermodal_compilers.airflow.importer import imports
from intermodal_compilers.airflow.importer.graph import Dag, Group, TaskNode, XCom
from intermodal_compilers.airflow.importer.machine import Machine
from intermodal_compilers.airflow.importer.modules import Module
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
    Symbolic,
    Unknown,
    UserClass,
)

PLAIN = (str, bytes, int, float, list, tuple, dict, set, frozenset)
DATES = (datetime, date, time, timedelta)
DATE_FIELDS = frozenset(
    [
        "year",
        "month",
        "day",
        "hour",
        "minute",
        "second",
        "microsecond",
        "tzinfo",
        "days",
        "seconds",
        "microseconds",
        "max",
        "min",
    ]
)
PATH_FIELDS = frozenset(
    ["name", "stem", "suffix", "suffixes", "parent", "parents", "parts", "anchor", "root"]
)


def attribute(machine: Machine, owner: Any, name: str, node: ast.AST, scope: Scope) -> Any:
    """The attribute, a method not yet called, or Unknown."""
    how = OWNERS.get(type(owner))
    if how is not None:
        return how(machine, owner, name, node, scope)
    if isinstance(owner, DATES) and name in DATE_FIELDS and hasattr(owner, name):
        return getattr(owner, name)
    if isinstance(owner, PurePath) and name in PATH_FIELDS:
        found = getattr(owner, name)
        return list(found) if name == "parents" else found
    if isinstance(owner, str) and name == "value":
        return owner  # a member of one of Airflow's text enums
    if hasattr(owner, "attribute_of_reader"):
        found = owner.attribute_of_reader(name)
        if isinstance(found, Unknown):
            return machine.unknown(found.reason, node, scope)
        return found
    if isinstance(owner, PLAIN) and not hasattr(owner, name):
        return machine.unknown(f"`.{name}` of what is read as plain data", node, scope)
    return Bound(owner, name)


def _of_symbolic(_: Machine, owner: Symbolic, name: str, __: ast.AST, ___: Scope) -> Any:
    return Symbolic(
        f"{owner.path}().{name}", owner.arguments, owner.named, owner.span, owner.source
    )


def _of_function(_: Machine, owner: Function, name: str, __: ast.AST, ___: Scope) -> Any:
    if name in ("__name__", "__qualname__"):
        return owner.name
    if name == "__doc__":
        return None if isinstance(owner.node, ast.Lambda) else ast.get_docstring(owner.node)
    return Bound(owner, name)


def _of_instance(
    machine: Machine,
    owner: Any,
    names: dict[str, Any],
    kind: UserClass,
    name: str,
    node: ast.AST,
    scope: Scope,
) -> Any:
    if name in names:
        return names[name]
    if name == "__class__":
        return kind
    if name == "__dict__":
        return names
    found = kind.find(name)
    if found is None:
        getter = kind.find("__getattr__")
        if kind.externals() or getter or any(isinstance(b, Unknown) for b in kind.bases):
            if getter and isinstance(getter[0], Function):
                method = Bound(owner, "__getattr__", getter[0])
                return machine.call(method, Arguments([name], {}), node, scope)
            return Bound(owner, name)
        raise RaisedError(
            "AttributeError", f"`{kind.name}` has no `{name}`", scope.module.span(node)
        )
    value = found[0]
    if not isinstance(value, Function):
        return value
    if value.kind in ("property", "cached_property"):
        return machine.call(Bound(owner, name, value), Arguments([], {}), node, scope)
    if value.kind == "staticmethod":
        return value
    return Bound(kind if value.kind == "classmethod" else owner, name, value)


def _of_class(owner: UserClass, name: str) -> Any:
    if name in ("__name__", "__qualname__"):
        return owner.name
    if name == "__bases__":
        return tuple(owner.bases)
    if name == "__subclasses__":
        return Native(name, lambda: list(owner.subclasses))
    if name == "__members__":
        return {k: v for k, v in owner.names.items() if isinstance(v, Instance) and v.of is owner}
    found = owner.find(name)
    if found is None:
        return Bound(owner, name)
    value = found[0]
    if isinstance(value, Function) and value.kind == "classmethod":
        return Bound(owner, name, value)
    return value


def _of_super(owner: Super, name: str) -> Any:
    kind = owner.value.of if isinstance(owner.value, Instance | TaskNode | Dag | Group) else None
    lineage = (kind or owner.of).lineage()
    after = (
        lineage[lineage.index(owner.of) + 1 :] if owner.of in lineage else owner.of.lineage()[1:]
    )
    for base in after:
        if name in base.names:
            value = base.names[name]
            return Bound(owner.value, name, value) if isinstance(value, Function) else value
    return Bound(owner, name)


def _of_task(machine: Machine, owner: TaskNode, name: str, node: ast.AST, scope: Scope) -> Any:
    simple: dict[str, Any] = {
        "task_id": owner.id,
        "node_id": owner.id,
        "label": owner.id.rpartition(".")[2],
        "dag": owner.dag,
        "task_group": owner.group,
        "upstream_task_ids": set(owner.upstream),
        "downstream_task_ids": set(owner.downstream),
        "upstream_list": list(owner.upstream.values()),
        "downstream_list": list(owner.downstream.values()),
        "operator": owner,
        "roots": [owner],
        "leaves": [owner],
        "is_setup": owner.setup,
        "is_teardown": owner.teardown,
    }
    if name in simple:
        return simple[name]
    if name == "output":
        return XCom((owner,))
    if name == "dag_id":
        return owner.dag.id if owner.dag else None
    if name in owner.names or (owner.of is not None and owner.of.find(name)):
        return _of_instance(machine, owner, owner.names, owner.of, name, node, scope)
    if name in owner.arguments:
        return owner.arguments[name].value
    return Bound(owner, name)


def _of_dag(machine: Machine, owner: Dag, name: str, node: ast.AST, scope: Scope) -> Any:
    simple: dict[str, Any] = {
        "dag_id": owner.id,
        "tasks": list(owner.tasks.values()),
        "task_ids": list(owner.tasks),
        "task_dict": dict(owner.tasks),
        "default_args": owner.default_args,
        "task_group": owner.root,
        "roots": [t for t in owner.tasks.values() if not t.upstream],
        "leaves": [t for t in owner.tasks.values() if not t.downstream],
    }
    if name in owner.attributes:
        return owner.attributes[name]
    if owner.of is not None and owner.of.find(name):
        return _of_instance(machine, owner, owner.attributes, owner.of, name, node, scope)
    if name in simple:
        return simple[name]
    if name in owner.arguments:
        return owner.arguments[name].value
    if name in ("start_date", "schedule", "schedule_interval", "params", "catchup", "timezone"):
        return machine.unknown(f"`{name}` of the DAG", node, scope)
    return Bound(owner, name)


def _of_group(machine: Machine, owner: Group, name: str, node: ast.AST, scope: Scope) -> Any:
    if name in owner.names or (owner.of is not None and owner.of.find(name)):
        return _of_instance(machine, owner, owner.names, owner.of, name, node, scope)
    if name in ("group_id", "node_id"):
        return owner.id
    if name == "children":
        return dict(owner.children)
    if name in ("roots", "leaves"):
        return owner.roots() if name == "roots" else owner.leaves()
    if name == "dag":
        return owner.dag
    return Bound(owner, name)


def _of_output(machine: Machine, owner: XCom, name: str, node: ast.AST, scope: Scope) -> Any:
    if name == "operator":
        return owner.nodes[0]
    if name == "key":
        return owner.key or "return_value"
    if name in ("roots", "leaves"):
        return list(owner.nodes)
    if name in ("map", "zip", "concat", "set_upstream", "set_downstream", "as_setup"):
        return Bound(owner, name)
    if name in ("as_teardown", "update_relative"):
        return Bound(owner, name)
    return _of_task(machine, owner.nodes[0], name, node, scope)


OWNERS: Mapping[type, Callable[[Machine, Any, str, ast.AST, Scope], Any]] = {
    External: lambda machine, owner, name, node, scope: imports.versioned(
        machine, f"{owner.path}.{name}", node, scope
    ),
    Module: lambda machine, owner, name, node, scope: imports.member(
        machine, owner, owner.name, name, node, scope
    ),
    Unknown: lambda machine, owner, _, node, scope: machine.unknown(owner.reason, node, scope),
    Symbolic: _of_symbolic,
    Function: _of_function,
    Instance: lambda machine, owner, name, node, scope: _of_instance(
        machine, owner, owner.names, owner.of, name, node, scope
    ),
    UserClass: lambda _, owner, name, *__: _of_class(owner, name),
    Super: lambda _, owner, name, *__: _of_super(owner, name),
    TaskNode: _of_task,
    Dag: _of_dag,
    Group: _of_group,
    XCom: _of_output,
}
