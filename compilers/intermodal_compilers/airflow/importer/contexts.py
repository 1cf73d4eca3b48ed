"""`with`: DAGs, groups, setup and teardown tasks, files, and everything else."""

from __future__ import annotations

import ast
from typing import Any

from intermodal_compilers.airflow.importer.binding import store
from intermodal_compilers.airflow.importer.calling import call_function
from intermodal_compilers.airflow.importer.graph import Dag, Group, TaskNode, XCom, connect
from intermodal_compilers.airflow.importer.machine import Machine, ScopedTasks
from intermodal_compilers.airflow.importer.values import Opening, RaisedError, Scope, Symbolic


def with_statement(machine: Machine, node: ast.With | ast.AsyncWith, scope: Scope) -> Any:
    """`with a as b, c:`; what it opens is closed again even if the body raises."""
    return _enter(machine, node, 0, scope)


def _enter(machine: Machine, node: ast.With | ast.AsyncWith, number: int, scope: Scope) -> Any:
    if number == len(node.items):
        return machine.execute(node.body, scope)
    item = node.items[number]
    value = machine.evaluate(item.context_expr, scope)
    if isinstance(value, Opening):
        return _open(machine, node, number, value, scope)
    if item.optional_vars is not None:
        store(machine, item.optional_vars, value, scope)
    match value:
        case Dag():
            value.registered = True
            machine.open_dags.append(value)
            try:
                return _enter(machine, node, number + 1, scope)
            finally:
                machine.open_dags.pop()
        case Group():
            machine.open_groups.append(value)
            try:
                return _enter(machine, node, number + 1, scope)
            finally:
                machine.open_groups.pop()
        case Symbolic(path="contextlib.suppress"):
            try:
                return _enter(machine, node, number + 1, scope)
            except RaisedError:
                return None
    tasks = _tasks(value)
    if tasks and all(task.setup or task.teardown for task in tasks):
        return _with_tasks(machine, tasks, lambda: _enter(machine, node, number + 1, scope))
    return _enter(machine, node, number + 1, scope)


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
    context = ScopedTasks(tasks)
    # As Airflow: partners are looked for when the `with` opens.
    partners = _partners(tasks)
    machine.scoped.append(context)
    try:
        flow = body()
    finally:
        machine.scoped.pop()
    inside = [t for t in context.inside if not t.setup and not t.teardown]
    if inside:
        roots = [t for t in inside if not t.upstream]
        leaves = [t for t in inside if not t.downstream]
        _surround(tasks, partners, inside, roots, leaves)
    if machine.scoped:
        _nest(machine.scoped[-1].tasks, tasks, partners)
    return flow


def _surround(
    tasks: list[TaskNode],
    partners: list[TaskNode],
    inside: list[TaskNode],
    roots: list[TaskNode],
    leaves: list[TaskNode],
) -> None:
    """Setups before the work, teardowns after it."""
    setups = tasks if tasks[0].setup else partners
    teardowns = partners if tasks[0].setup else tasks
    for setup in setups:
        for task in roots or inside[:1]:
            connect(setup, task)
    for teardown in teardowns:
        for task in leaves or inside[-1:]:
            connect(task, teardown)


def _nest(outer: list[TaskNode], inner: list[TaskNode], inner_partners: list[TaskNode]) -> None:
    """Inner setups come after outer ones, inner teardowns before outer ones."""
    outer_partners = _partners(outer)
    for kind, first, second in (("setup", outer, inner), ("teardown", inner, outer)):
        before = [
            t
            for t in (*first, *_other(first, outer, outer_partners, inner_partners))
            if getattr(t, kind)
        ]
        after = [
            t
            for t in (*second, *_other(second, outer, outer_partners, inner_partners))
            if getattr(t, kind)
        ]
        for one in before:
            for other in after:
                connect(one, other)


def _other(
    side: list[TaskNode],
    outer: list[TaskNode],
    outer_partners: list[TaskNode],
    inner: list[TaskNode],
) -> list[TaskNode]:
    return outer_partners if side is outer else inner


def _partners(tasks: list[TaskNode]) -> list[TaskNode]:
    """The teardowns below setups, or the setups above teardowns."""
    wanted = "teardown" if tasks[0].setup else "setup"
    below = tasks[0].downstream if tasks[0].setup else tasks[0].upstream
    pending, seen = list(below.values()), {tasks[0].id}
    while pending:
        found = [t for t in pending if getattr(t, wanted)]
        if found:
            return found
        seen |= {t.id for t in pending}
        pending = [
            n
            for t in pending
            for n in (*t.downstream.values(), *t.upstream.values())
            if n.id not in seen
        ]
    return []
