"""Tasks of operator classes: ids, default arguments, data edges, mapping."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Any

from intermodal_compilers.airflow.importer.graph import (
    Argument,
    Dag,
    Group,
    TaskNode,
    connect,
    references,
)
from intermodal_compilers.airflow.importer.machine import Machine
from intermodal_compilers.airflow.importer.values import (
    Arguments,
    External,
    Function,
    Scope,
    Symbolic,
    Unknown,
    UserClass,
    plain_member,
)

# Not templated in any operator: an output in here is no data edge.
NEVER_TEMPLATED = frozenset(
    [
        "task_id",
        "dag",
        "task_group",
        "default_args",
        "trigger_rule",
        "retries",
        "retry_delay",
        "pool",
        "queue",
        "owner",
        "depends_on_past",
        "on_failure_callback",
        "on_success_callback",
        "on_retry_callback",
        "on_execute_callback",
    ]
)


@dataclass(eq=False, repr=False, slots=True)
class Partial:
    """`Operator.partial(...)`, waiting for `.expand(...)`."""

    operator: str
    of: UserClass | None
    arguments: Arguments
    id: Any
    dag: Dag | None
    group: Group | None


def as_arguments(
    arguments: Arguments, scope: Scope, node: ast.AST, origin: str = "call"
) -> dict[str, Argument]:
    """Named arguments with their sources; positional ones are named by their number."""
    found: dict[str, Argument] = {}
    module = scope.module
    values: dict[str | int, Any] = dict(enumerate(arguments.positional))
    values.update(arguments.named)
    for name, value in values.items():
        place = arguments.nodes.get(name)
        source = module.source(place) if place is not None else ""
        found[str(name)] = Argument(value, source, module.span(place or node), origin)
    return found


def home(machine: Machine, arguments: Arguments) -> tuple[Dag | None, Group | None]:
    """The DAG and group a new task belongs to."""
    group = arguments.named.get("task_group")
    dag = arguments.named.get("dag")
    if isinstance(group, Group) and not isinstance(dag, Dag):
        return group.dag, group
    if not isinstance(dag, Dag):
        dag = machine.dag
    if not isinstance(group, Group):
        group = machine.group(dag)
    return dag, group


def new_task(  # noqa: PLR0913 - what settles where a task goes
    machine: Machine,
    operator: str,
    arguments: Arguments,
    node: ast.AST,
    scope: Scope,
    *,
    of: UserClass | None = None,
    unique: str | None = None,
    full_id: str | None = None,
    place: tuple[Dag | None, Group | None] | None = None,
) -> TaskNode:
    """Make a task and put it where it belongs.

    `unique` is a label to make unique, for TaskFlow; otherwise the id is the argument `task_id`. `full_id` and
    `place` (DAG and group) are given where they are known already.

    Raises:
        RaisedError: The id is taken.
    """
    task = TaskNode("", operator, scope.module.span(node), {}, of=of)
    if of is not None:
        task.bases = tuple(base.path for base in of.externals())
    start_task(machine, task, arguments, node, scope, unique=unique, full_id=full_id, place=place)
    return task


def start_task(
    machine: Machine,
    task: TaskNode,
    arguments: Arguments,
    node: ast.AST,
    scope: Scope,
    *,
    unique: str | None = None,
    full_id: str | None = None,
    place: tuple[Dag | None, Group | None] | None = None,
) -> None:
    """What `BaseOperator.__init__` does.

    Raises:
        RaisedError: The id is taken.
    """
    dag, group = place or home(machine, arguments)
    task.started = True
    machine.made(task)
    defaults = merged_defaults(dag, group, arguments.named.get("default_args"))
    by_default = {
        name: Argument(value, "", scope.module.span(node), "default_args")
        for name, value in defaults.items()
    }
    task.called = by_default | task.called
    task.arguments = (
        by_default
        | task.arguments
        | as_arguments(arguments, scope, node, "super" if task.arguments else "call")
    )
    task.id = full_id or _full_id(machine, task, dag, group, unique)
    rule = task.arguments.get("trigger_rule")
    if rule is not None and task.trigger_rule is None:
        set_rule(machine, task, rule.value)
    _tell_holes(machine, task, arguments)
    task.group = group
    if dag is not None:
        dag.add(task)
    machine.tasks.append(task)
    link_data(task)
    machine.context.add(task)


def set_rule(machine: Machine, task: TaskNode, rule: Any) -> None:
    """Give a task its trigger rule; one that is not known makes a hole."""
    rule = plain_member(rule)
    task.trigger_rule = rule
    ours = isinstance(rule, External) and rule.path.startswith("airflow.")
    if rule is not None and not ours and not isinstance(rule, str):
        why = opaque(rule)
        task.holes.append(f"its trigger rule is not known: {why}")
        what = f"the trigger rule of task `{task.id}` is not known"
        machine.hole("PORT803", what, task.span, why)


def _tell_holes(machine: Machine, task: TaskNode, arguments: Arguments) -> None:
    """Why a task is not known in full, noted at the task and told to the user."""
    if arguments.rest is not None:
        why = arguments.rest.reason
        task.holes.append(f"not all arguments are known: {why}")
        what = f"not all arguments of task `{task.id}` are known"
        machine.hole("PORT803", what, task.span, why)
    if machine.uncertain:
        why = machine.uncertain[-1]
        task.holes.append(f"whether the task exists {why}")
        machine.hole("PORT803", f"task `{task.id}` may or may not exist", task.span, why)
    for argument in task.arguments.values():
        doubt = machine.doubted(argument.value)
        if doubt is not None:
            argument.value = Unknown(doubt, argument.span, argument.source)


def _full_id(
    machine: Machine,
    task: TaskNode,
    dag: Dag | None,
    group: Group | None,
    unique: str | None,
) -> str:
    label: Any = unique
    if label is None:
        given = task.arguments.get("task_id") or task.arguments.get("0")
        label = given.value if given else None
    label = plain_member(label)
    if not isinstance(label, str):
        why = label.reason if isinstance(label, Unknown) else "its id is not given as text"
        machine.hole("PORT803", "the id of a task is not known", task.span, why)
        task.holes.append(f"its id is not known: {why}")
        label, unique = f"unknown_{task.span.line}", "yes"
    if unique is not None and dag is not None:
        label = dag.unique(label, group)
    return group.child_id(label) if group else label


def merged_defaults(dag: Dag | None, group: Group | None, given: Any) -> dict[str, Any]:
    """Default arguments of the DAG, its groups and the call, the nearest winning."""
    layers: list[Any] = [given]
    place = group
    while place is not None:
        layers.append(place.default_args)
        place = place.parent
    layers.append(dag.default_args if dag else None)
    found: dict[str, Any] = {}
    for layer in reversed(layers):
        if isinstance(layer, dict):
            found.update({k: v for k, v in layer.items() if isinstance(k, str)})
    return found


def link_data(task: TaskNode) -> None:
    """Edges from the tasks whose outputs stand in the arguments."""
    for name, argument in task.arguments.items():
        if name in NEVER_TEMPLATED:
            continue
        for above in references(argument.value):
            if above is not task:
                connect(above, task)


def make_partial(
    machine: Machine,
    operator: str,
    of: UserClass | None,
    arguments: Arguments,
) -> Partial:
    """`Operator.partial(...)`: the id is settled here, as in Airflow."""
    dag, group = home(machine, arguments)
    label = plain_member(arguments.named.get("task_id"))
    full = group.child_id(label) if group and isinstance(label, str) else label
    return Partial(operator, of, arguments, full, dag, group)


def expand_partial(
    machine: Machine,
    partial: Partial,
    name: str,
    arguments: Arguments,
    node: ast.AST,
    scope: Scope,
) -> TaskNode:
    """`.expand(...)` and `.expand_kwargs(...)` of a partial operator."""
    full = partial.id if isinstance(partial.id, str) else None
    task = new_task(
        machine,
        partial.operator,
        partial.arguments,
        node,
        scope,
        of=partial.of,
        full_id=full,
        place=(partial.dag, partial.group),
    )
    mark_mapped(task, name, arguments, node, scope)
    machine.context.forget(task)
    return task


def mark_mapped(
    task: TaskNode, name: str, arguments: Arguments, node: ast.AST, scope: Scope
) -> None:
    """Note what a task is expanded over."""
    task.mapped = True
    expanded = as_arguments(arguments, scope, node, "expand")
    if name == "expand_kwargs":
        expanded = {f"expand_kwargs:{key}": value for key, value in expanded.items()}
    task.arguments |= expanded
    link_data(task)


def path_of_class(kind: UserClass) -> str:
    """The full path of a user's class."""
    return f"{kind.module.name}.{kind.name}"


def is_operator_class(kind: UserClass) -> bool:
    """Whether objects of a user's class are tasks."""
    from intermodal_compilers.airflow.importer.naming import is_operator

    return any(is_operator(base.path) for base in kind.externals())


def make_own(
    machine: Machine, kind: UserClass, arguments: Arguments, node: ast.AST, scope: Scope
) -> TaskNode:
    """A task of a user's operator class: its `__init__` runs, down to Airflow's own."""
    from intermodal_compilers.airflow.importer.calling import call_function, parameter_names

    task = TaskNode("", path_of_class(kind), scope.module.span(node), {}, of=kind)
    machine.made(task)
    task.bases = tuple(base.path for base in kind.externals())
    task.arguments = task.called = as_arguments(arguments, scope, node)
    found = kind.find("__init__")
    if found and isinstance(found[0], Function):
        dag, group = home(machine, arguments)
        defaults = merged_defaults(dag, group, arguments.named.get("default_args"))
        accepted = parameter_names(found[0])
        taken = accepted[1 : len(arguments.positional) + 1]
        named = {k: v for k, v in defaults.items() if k in accepted and k not in taken}
        whole = Arguments(
            arguments.positional, named | arguments.named, arguments.nodes, arguments.rest
        )
        call_function(machine, found[0], whole, node, scope, bound=task)
    if not task.started:
        start_task(machine, task, arguments, node, scope)
    return task


def opaque(value: Any) -> str:
    """Why a value that should be a task is none."""
    if isinstance(value, Unknown):
        return value.reason
    return f"`{value.path}` is not read" if isinstance(value, Symbolic | External) else "no task"
