"""`with`: DAGs, groups, setup and teardown tasks, files, and everything else."""

from __future__ import annotations

import ast
from typing import Any

from intermodal_compilers.airflow.importer.binding import store
from intermodal_compilers.airflow.importer.calling import call_function
from intermodal_compilers.airflow.importer.effects import is_harmless
from intermodal_compilers.airflow.importer.graph import Dag, Group, TaskNode, XCom
from intermodal_compilers.airflow.importer.machine import Machine
from intermodal_compilers.airflow.importer.values import (
    Arguments,
    External,
    Instance,
    Opening,
    RaisedError,
    Scope,
    Symbolic,
    Unknown,
)


def with_statement(machine: Machine, node: ast.With | ast.AsyncWith, scope: Scope) -> Any:
    """`with a as b, c:`; what it opens is closed again even if the body raises."""
    dags, groups = len(machine.open_dags), len(machine.open_groups)
    try:
        return _enter(machine, node, 0, scope)
    finally:
        del machine.open_dags[dags:], machine.open_groups[groups:]


def _enter(machine: Machine, node: ast.With | ast.AsyncWith, number: int, scope: Scope) -> Any:
    if number == len(node.items):
        return machine.execute(node.body, scope)
    item = node.items[number]
    value = machine.evaluate(item.context_expr, scope)
    if isinstance(value, Opening):
        return _open(machine, node, number, value, scope)
    if isinstance(value, Instance) and value.of.find("__enter__"):
        return _enter_own(machine, node, number, value, scope)
    if item.optional_vars is not None:
        store(machine, item.optional_vars, value, scope)
    match value:
        case Dag() | Group():
            open_node(machine, value)
            try:
                return _enter(machine, node, number + 1, scope)
            finally:
                close_node(machine, value)
        case Unknown() | Symbolic() | External() if not is_harmless(getattr(value, "path", "")):
            return _unread(machine, node, number, value, scope)
        case Symbolic(path="contextlib.suppress"):
            try:
                return _enter(machine, node, number + 1, scope)
            except RaisedError:
                return None
    tasks = _tasks(value)
    if tasks and all(task.setup or task.teardown for task in tasks):
        return _with_tasks(machine, tasks, lambda: _enter(machine, node, number + 1, scope))
    return _enter(machine, node, number + 1, scope)


def open_node(machine: Machine, value: Dag | Group) -> None:
    """The start of the `with` of a DAG or group."""
    if isinstance(value, Group):
        machine.open_groups.append(value)
        return
    value.registered = True
    machine.open_dags.append(value)


def close_node(machine: Machine, value: Dag | Group) -> None:
    """The end of the `with` of a DAG or group."""
    many: list[Any] = machine.open_groups if isinstance(value, Group) else machine.open_dags
    if value in many:
        del many[len(many) - 1 - many[::-1].index(value) :]


def _enter_own(
    machine: Machine, node: ast.With | ast.AsyncWith, number: int, value: Instance, scope: Scope
) -> Any:
    """A `with` of an object of the user's: `__enter__`, the body, `__exit__`."""
    given = machine.attribute(value, "__enter__", node, scope)
    opened = machine.call(given, Arguments([], {}), node, scope)
    target = node.items[number].optional_vars
    if target is not None:
        store(machine, target, opened, scope)
    flow = _enter(machine, node, number + 1, scope)
    if value.of.find("__exit__"):
        leave = machine.attribute(value, "__exit__", node, scope)
        machine.call(leave, Arguments([None, None, None], {}), node, scope)
    return flow


def _unread(
    machine: Machine, node: ast.With | ast.AsyncWith, number: int, value: Any, scope: Scope
) -> Any:
    """A `with` that is not read: it may open a DAG or group for the tasks that are made in it."""
    before = len(machine.tasks)
    flow = _enter(machine, node, number + 1, scope)
    made = machine.tasks[before:]
    if made:
        why = value.reason if isinstance(value, Unknown) else f"`{value.path}` is not read"
        source = scope.module.source(node.items[number].context_expr)[:80]
        what = f"what `with {source}` does to the tasks in it is not known"
        machine.hole("PORT804", what, scope.module.span(node), why)
        for task in made:
            task.holes.append(f"what `with {source}` does: {why}")
    return flow


def _open(
    machine: Machine,
    node: ast.With | ast.AsyncWith,
    number: int,
    opening: Opening,
    scope: Scope,
) -> Any:
    """A `with` of the user's own: its body runs where the function yields."""
    flows: list[Any] = []

    def body(value: Any) -> None:
        target = node.items[number].optional_vars
        if target is not None:
            store(machine, target, value, scope)
        flows.append(_enter(machine, node, number + 1, scope))

    call_function(
        machine,
        opening.function,
        opening.arguments,
        node,
        scope,
        bound=opening.bound,
        at_yield=body,
    )
    return flows[0] if flows else None


def _tasks(value: Any) -> list[TaskNode]:
    many = value if isinstance(value, list | tuple) else [value]
    found: list[TaskNode] = []
    for one in many:
        if isinstance(one, TaskNode | XCom):
            found += one.roots()
    return found


def _with_tasks(machine: Machine, tasks: list[TaskNode], body: Any) -> Any:
    machine.context.open(tasks)
    try:
        return body()
    finally:
        machine.context.close()
