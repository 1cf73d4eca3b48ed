"""DAGs and task groups: making them, and opening and closing their `with`."""

from __future__ import annotations

import ast
import re

from intermodal_compilers.airflow.importer.calling import call_function
from intermodal_compilers.airflow.importer.graph import Dag, Group, TaskNode, arrow
from intermodal_compilers.airflow.importer.machine import Machine
from intermodal_compilers.airflow.importer.standard import copied
from intermodal_compilers.airflow.importer.tasks import as_arguments
from intermodal_compilers.airflow.importer.values import (
    Arguments,
    External,
    Function,
    RaisedError,
    Scope,
    Symbolic,
    Unknown,
    UserClass,
    plain_member,
)

POSITIONS = ("dag_id", "description", "schedule", "start_date", "end_date")


def make_dag(
    machine: Machine, arguments: Arguments, node: ast.AST, scope: Scope, own: Dag | None = None
) -> Dag:
    """`DAG(...)`; `own` is an object of the user's own class that this is the base of."""
    found = as_arguments(arguments, scope, node)
    for number, name in enumerate(POSITIONS):
        if str(number) in found:
            found[name] = found.pop(str(number))
    name = plain_member(arguments.get("dag_id", 0))
    holes: list[str] = []
    span = scope.module.span(node)
    if not isinstance(name, str):
        why = name.reason if isinstance(name, Unknown) else "it is not given as text"
        machine.hole("PORT809", "the id of a DAG is not known", span, why)
        holes.append(f"its id is not known: {why}")
        name = f"unknown_{span.line}"
    if arguments.rest is not None:
        holes.append(f"not all arguments are known: {arguments.rest.reason}")
        machine.hole(
            "PORT809", f"not all arguments of DAG `{name}` are known", span, arguments.rest.reason
        )
    if machine.uncertain:
        holes.append(f"whether the DAG exists {machine.uncertain[-1]}")
        machine.hole("PORT809", f"DAG `{name}` may or may not exist", span, machine.uncertain[-1])
    defaults = arguments.named.get("default_args")
    if isinstance(defaults, Unknown | Symbolic | External):
        why = defaults.reason if isinstance(defaults, Unknown) else f"`{defaults.path}` is not read"
        machine.hole("PORT803", f"the default arguments of DAG `{name}` are not known", span, why)
    module = machine.loading[-1].name if machine.loading else scope.module.name
    dag = own or Dag(name, span, found, None, module)
    dag.id, dag.arguments, dag.default_args, dag.started = name, found, copied(defaults), True
    dag.holes += holes
    machine.dags.append(machine.made(dag))
    return dag


def make_group(
    machine: Machine,
    arguments: Arguments,
    node: ast.AST,
    scope: Scope,
    *,
    suffix: bool = False,
    own: Group | None = None,
) -> Group:
    """`TaskGroup(...)`; `own` is an object of the user's own class that this is the base of.

    Raises:
        RaisedError: There is no DAG, or the id is taken.
    """
    parent = arguments.named.get("parent_group")
    dag = arguments.named.get("dag")
    if not isinstance(dag, Dag):
        dag = parent.dag if isinstance(parent, Group) else machine.dag
    if dag is None:
        raise RaisedError("RuntimeError", "a TaskGroup outside a DAG", scope.module.span(node))
    if not isinstance(parent, Group):
        parent = machine.group(dag)
    label = plain_member(arguments.get("group_id", 0))
    holes = ""
    if not isinstance(label, str):
        holes = label.reason if isinstance(label, Unknown) else "it is not given as text"
        machine.hole("PORT803", "the id of a group is not known", scope.module.span(node), holes)
        label = f"unknown_{scope.module.span(node).line}"
        suffix = True
        dag.holes.append(f"the id of a group: {holes}")
    prefix = arguments.get("prefix_group_id", 1, default=True)
    group = own or Group(label, parent, dag, prefix=True)
    group.label, group.parent, group.dag, group.started = label, parent, dag, True
    group.prefix = prefix is not False
    group.default_args = copied(arguments.named.get("default_args"))
    group.arguments = as_arguments(arguments, scope, node)
    if group.id in dag.used_groups:
        if not suffix and arguments.named.get("add_suffix_on_collision") is not True:
            raise RaisedError(
                "DuplicateTaskIdFound", f"group `{group.id}` exists", scope.module.span(node)
            )
        base = re.split(r"__\d+$", label)[0]
        number = dag.group_numbers.get(base)
        group.label = f"{label}__1" if number is None else f"{base}__{number + 1}"
    stem, _, last = group.id.rpartition("__")
    if last.isdigit():
        dag.group_numbers[stem] = max(dag.group_numbers.get(stem, 0), int(last[:9]))
    dag.used_groups.add(group.id)
    dag.groups[group.id] = group
    if parent is not None:
        parent.children[group.id] = group
    return group


def own_dag(
    machine: Machine, kind: UserClass, arguments: Arguments, node: ast.AST, scope: Scope
) -> Dag:
    """A DAG of a user's class: its `__init__` runs, down to Airflow's own."""
    module = machine.loading[-1].name if machine.loading else scope.module.name
    dag = Dag("", scope.module.span(node), {}, None, module, of=kind)
    _initialize(machine, dag, kind, arguments, node, scope)
    return dag if dag.started else make_dag(machine, arguments, node, scope, dag)


def own_group(
    machine: Machine, kind: UserClass, arguments: Arguments, node: ast.AST, scope: Scope
) -> Group:
    """A group of a user's class: its `__init__` runs, down to Airflow's own.

    Raises:
        RaisedError: There is no DAG, or the id is taken.
    """
    dag = arguments.named.get("dag")
    place = dag if isinstance(dag, Dag) else machine.dag
    if place is None:
        raise RaisedError("RuntimeError", "a TaskGroup outside a DAG", scope.module.span(node))
    group = Group("", None, place, prefix=True, of=kind)
    _initialize(machine, group, kind, arguments, node, scope)
    return group if group.started else make_group(machine, arguments, node, scope, own=group)


def _initialize(
    machine: Machine,
    made: Dag | Group,
    kind: UserClass,
    arguments: Arguments,
    node: ast.AST,
    scope: Scope,
) -> None:
    machine.made(made)
    found = kind.find("__init__")
    if found and isinstance(found[0], Function):
        call_function(machine, found[0], arguments, node, scope, bound=made)


def other_group(
    machine: Machine, path: str, arguments: Arguments, node: ast.AST, scope: Scope
) -> Group:
    """A group of a class that is not read: tasks made in it are known, those that it adds are not.

    Raises:
        RaisedError: The id is taken.
    """
    # Positions are the class's own; the id of the group is given by name.
    named = Arguments([], arguments.named, arguments.nodes, arguments.rest)
    group = make_group(machine, named, node, scope)
    reason = f"what `{path.rpartition('.')[2]}` adds to its tasks is not known"
    machine.hole("PORT804", f"group `{group.id}`: {reason}", scope.module.span(node))
    group.dag.holes.append(reason)
    return group


def close_group(group: Group, inputs: list[TaskNode]) -> None:
    """The end of a group's `with`; a mapped one waits for what it is mapped over."""
    for task in inputs:
        arrow(task, group, lead="right")
