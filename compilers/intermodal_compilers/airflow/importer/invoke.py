"""Calling any value: functions of the file, Python's own, Airflow's, and everybody else's."""

from __future__ import annotations

import ast
from typing import Any

from intermodal_compilers.airflow.importer import contexts, methods, taskflow, tasks
from intermodal_compilers.airflow.importer.builtin_calls import call_builtin, method_of_type
from intermodal_compilers.airflow.importer.calling import call_function, make_instance
from intermodal_compilers.airflow.importer.dags import (
    make_dag,
    make_group,
    other_group,
    own_dag,
    own_group,
)
from intermodal_compilers.airflow.importer.effects import (
    has_unread_base,
    uncertain_edge,
    unread_call,
)
from intermodal_compilers.airflow.importer.graph import (
    NODES,
    Dag,
    EdgeLabel,
    Group,
    TaskNode,
    XCom,
    arrow,
    connect,
)
from intermodal_compilers.airflow.importer.machine import Machine
from intermodal_compilers.airflow.importer.naming import is_operator, is_other_group, meaning
from intermodal_compilers.airflow.importer.operations import binary, check_sides, lost_edge
from intermodal_compilers.airflow.importer.standard import call_standard
from intermodal_compilers.airflow.importer.subscripts import TEXT_ENUMS
from intermodal_compilers.airflow.importer.taskflow import Factory
from intermodal_compilers.airflow.importer.tasks import Partial
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


def call(machine: Machine, value: Any, arguments: Arguments, node: ast.AST, scope: Scope) -> Any:
    """Call a value.

    Raises:
        RaisedError: The file raises here.
    """
    how = CALLS.get(type(value))
    if how is not None:
        return how(machine, value, arguments, node, scope)
    made = _call_unknown(machine, value, "", arguments, node, scope)
    return made or machine.unknown("what is called is not known", node, scope)


def _call_class(
    machine: Machine, value: UserClass, arguments: Arguments, node: ast.AST, scope: Scope
) -> Any:
    if tasks.is_operator_class(value):
        return tasks.make_own(machine, value, arguments, node, scope)
    meanings = {meaning(base.path) for base in value.externals()}
    if "dag" in meanings:
        return own_dag(machine, value, arguments, node, scope)
    if "group" in meanings:
        return own_group(machine, value, arguments, node, scope)
    if "task_id" in arguments.named and has_unread_base(value):
        return tasks.make_own(machine, value, arguments, node, scope)
    return make_instance(machine, value, arguments, node, scope)


def _call_method(
    machine: Machine, value: Bound, arguments: Arguments, node: ast.AST, scope: Scope
) -> Any:
    if isinstance(value.function, Function):
        return call_function(machine, value.function, arguments, node, scope, bound=value.owner)
    try:
        return call_bound(machine, value, arguments, node, scope)
    except (TypeError, ValueError, LookupError, AttributeError) as problem:
        raise _misused(machine, value.name, problem, node, scope) from problem


def _misused(
    machine: Machine, name: str, problem: Exception, node: ast.AST, scope: Scope
) -> Exception:
    """What to raise where something is called with what it cannot take: too little, or other than it has."""
    if machine.inputs.debug:
        return problem
    return RaisedError(type(problem).__name__, f"`{name}`: {problem}", scope.module.span(node))


def _call_object(
    machine: Machine, value: Instance, arguments: Arguments, node: ast.AST, scope: Scope
) -> Any:
    found = value.of.find("__call__")
    if found and isinstance(found[0], Function):
        return call_function(machine, found[0], arguments, node, scope, bound=value)
    made = _call_unknown(machine, value, "", arguments, node, scope)
    return made or machine.unknown("what is called is not known", node, scope)


def _call_unread(
    machine: Machine, value: Symbolic, arguments: Arguments, node: ast.AST, scope: Scope
) -> Any:
    first = arguments.positional[0] if arguments.positional else None
    if value.path.endswith("ExitStack().enter_context") and isinstance(first, Dag | Group):
        contexts.open_node(machine, first)
        return first
    made = _call_unknown(machine, value, value.path, arguments, node, scope)
    return made or machine.symbolic(f"{value.path}()", arguments, node, scope)


def _call_not_known(
    machine: Machine, value: Unknown, arguments: Arguments, node: ast.AST, scope: Scope
) -> Any:
    made = _call_unknown(machine, value, "", arguments, node, scope)
    return made or machine.unknown(value.reason, node, scope)


def _call_native(
    machine: Machine, value: Native, arguments: Arguments, node: ast.AST, scope: Scope
) -> Any:
    try:
        done = value.run(*arguments.positional, **arguments.named)
    except (TypeError, ValueError, LookupError, AttributeError) as problem:
        raise _misused(machine, value.name, problem, node, scope) from problem
    return _placed(machine, done, node, scope)


def _placed(machine: Machine, value: Any, node: ast.AST, scope: Scope) -> Any:
    """An Unknown that came without its place gets that of the call."""
    known = not isinstance(value, Unknown) or value.span is not None
    return value if known else machine.unknown(value.reason, node, scope)


def _call_unknown(
    machine: Machine, value: Any, path: str, arguments: Arguments, node: ast.AST, scope: Scope
) -> TaskNode | None:
    """Call what is not known: given a `task_id`, it is the class of a task; otherwise it may do anything."""
    why = value.reason if isinstance(value, Unknown) else f"`{path or 'it'}` is not read"
    if "task_id" in arguments.named:
        task = tasks.new_task(machine, path or "unknown", arguments, node, scope)
        task.holes.append(f"its class is not known: {why}")
        machine.hole("PORT803", f"the class of task `{task.id}` is not known", task.span, why)
        return task
    unread_call(machine, path, why, arguments, node, scope)
    return None


def call_external(
    machine: Machine, value: External, arguments: Arguments, node: ast.AST, scope: Scope
) -> Any:
    """Call something of a package that is not read."""
    path = value.path
    try:
        if path.startswith("builtins."):
            name = path.removeprefix("builtins.")
            how = method_of_type if "." in name else call_builtin
            return how(machine, name, arguments, node, scope)
        known, result = call_standard(machine, path, arguments, node, scope)
    except (TypeError, ValueError, LookupError, AttributeError) as problem:
        raise _misused(machine, path, problem, node, scope) from problem
    if known:
        return result
    if path.endswith(TEXT_ENUMS) and path.startswith("airflow.") and arguments.positional:
        return arguments.positional[0]
    special = AIRFLOW.get(meaning(path))
    if special is not None:
        return special(machine, path, arguments, node, scope)
    if is_other_group(path, arguments.named) and machine.dag is not None:
        return other_group(machine, path, arguments, node, scope)
    owner, _, last = path.rpartition(".")
    if last == "partial" and is_operator(owner):
        return tasks.make_partial(machine, owner, None, arguments)
    if last == "__init__" and arguments.positional:
        rest = Arguments(arguments.positional[1:], arguments.named, arguments.nodes, arguments.rest)
        _initialize(machine, arguments.positional[0], rest, node, scope)
        return None
    if is_operator(path, arguments.named):
        below = arguments.named.get("subdag")
        if isinstance(below, Dag) and machine.main is not None:
            below.registered, below.module = True, machine.main.name
        task = tasks.new_task(machine, path, arguments, node, scope)
        if below is not None and not isinstance(below, Dag):
            why = f"its subdag is not known: {tasks.opaque(below)}"
            task.holes.append(why)
            machine.hole("PORT803", f"the tasks inside `{task.id}` are not known", task.span, why)
        return task
    unread_call(machine, path, f"`{path}` is not read", arguments, node, scope)
    return machine.symbolic(path, arguments, node, scope)


def _lineage(machine: Machine, path: str, arguments: Arguments, node: ast.AST, scope: Scope) -> Any:
    name = path.rpartition(".")[2]
    machine.assume(f"what `{name}` sets for lineage is left out", scope.module.span(node))
    return arguments.get("obj", 0)


def _initialize(
    machine: Machine, value: Any, arguments: Arguments, node: ast.AST, scope: Scope
) -> None:
    """`__init__` of Airflow's own class, called from a class of the user's."""
    match value:
        case TaskNode():
            tasks.start_task(machine, value, arguments, node, scope)
        case Dag():
            make_dag(machine, arguments, node, scope, value)
        case Group():
            make_group(machine, arguments, node, scope, own=value)


def _venv(machine: Machine, _: str, __: Arguments, node: ast.AST, scope: Scope) -> bool:
    machine.assume("`virtualenv` is taken as installed", scope.module.span(node))
    return True


def _decorator(kind: str) -> Any:
    def run(_: Machine, path: str, arguments: Arguments, __: ast.AST, ___: Scope) -> Any:
        return taskflow.decorate(kind, path, arguments)

    return run


def _mark(which: str) -> Any:
    def run(_: Machine, __: str, arguments: Arguments, ___: ast.AST, ____: Scope) -> Any:
        return taskflow.mark(which, arguments)

    return run


def _label(_: Machine, __: str, arguments: Arguments, ___: ast.AST, ____: Scope) -> Any:
    return EdgeLabel(arguments.get("label", 0))


def _xcom(_: Machine, __: str, arguments: Arguments, ___: ast.AST, ____: Scope) -> Any:
    task = arguments.get("operator", 0)
    key = arguments.get("key", 1)
    return XCom(tuple(task.roots()), key) if isinstance(task, TaskNode | XCom) else task


def _chain(machine: Machine, _: str, arguments: Arguments, node: ast.AST, scope: Scope) -> Any:
    if arguments.rest is not None:
        lost_edge(machine, node, scope, arguments.rest)
        return None
    for above, below in zip(arguments.positional, arguments.positional[1:], strict=False):
        _chain_pair(machine, above, below, node, scope)
    return None


def _chain_pair(machine: Machine, above: Any, below: Any, node: ast.AST, scope: Scope) -> None:
    check_sides(machine, (above, below), node, scope)
    uncertain_edge(machine, (above, below), node, scope)
    if isinstance(above, NODES):
        arrow(above, below, lead="left")
    elif isinstance(below, NODES):
        arrow(above, below, lead="right")
    elif isinstance(above, list | tuple) and isinstance(below, list | tuple):
        if len(above) != len(below):
            lost_edge(machine, node, scope)
        for one, other in zip(above, below, strict=False):
            if isinstance(one, NODES):
                arrow(one, other, lead="left")


def _chain_linear(
    machine: Machine, _: str, arguments: Arguments, node: ast.AST, scope: Scope
) -> Any:
    previous: list[Any] = []
    for element in arguments.positional:
        many = list(element) if isinstance(element, list | tuple) else [element]
        check_sides(machine, (element,), node, scope)
        uncertain_edge(machine, (previous, many), node, scope)
        for above in previous:
            if isinstance(above, NODES):
                arrow(above, many, lead="left")
        previous = many


def _cross(machine: Machine, _: str, arguments: Arguments, node: ast.AST, scope: Scope) -> Any:
    first, second = arguments.get("from_tasks", 0), arguments.get("to_tasks", 1)
    check_sides(machine, (first, second), node, scope)
    uncertain_edge(machine, (first, second), node, scope)
    for above in first if isinstance(first, list | tuple) else [first]:
        if isinstance(above, NODES):
            arrow(above, second, lead="left")


AIRFLOW: dict[str, Any] = {
    "dag": lambda m, _, a, n, s: make_dag(m, a, n, s),
    "group": lambda m, _, a, n, s: make_group(m, a, n, s),
    "task decorator": _decorator("task"),
    "group decorator": _decorator("group"),
    "dag decorator": _decorator("dag"),
    "asset decorator": lambda m, _, a, n, s: taskflow.asset_decorator(m, a, n, s),
    "setup": _mark("setup"),
    "teardown": _mark("teardown"),
    "label": _label,
    "xcom": _xcom,
    "chain": _chain,
    "chain_linear": _chain_linear,
    "cross": _cross,
    "lineage": _lineage,
    "venv": _venv,
}


CALLS: dict[type, Any] = {
    Function: call_function,
    UserClass: _call_class,
    Bound: _call_method,
    Factory: taskflow.call_factory,
    Native: _call_native,
    Instance: _call_object,
    Symbolic: _call_unread,
    Unknown: _call_not_known,
    External: call_external,
}


def call_bound(
    machine: Machine, value: Bound, arguments: Arguments, node: ast.AST, scope: Scope
) -> Any:
    """Call a method that is not the user's own."""
    owner, name = value.owner, value.name
    match owner:
        case Super():
            if name == "__init__":
                _initialize(machine, owner.value, arguments, node, scope)
            if name == "__new__" and isinstance(owner.value, UserClass):
                return machine.made(Instance(owner.value, {}))
            return None
        case Factory():
            return taskflow.call_method(machine, owner, name, arguments, node, scope)
        case Partial():
            return tasks.expand_partial(machine, owner, name, arguments, node, scope)
        case UserClass() if name == "partial":
            operator = tasks.path_of_class(owner)
            return tasks.make_partial(machine, operator, owner, arguments)
        case Dag() | Group() if name in ("__enter__", "__exit__"):
            (contexts.open_node if name == "__enter__" else contexts.close_node)(machine, owner)
            return owner if name == "__enter__" else None
        case TaskNode() | XCom() | Group() | EdgeLabel():
            return _of_node(machine, owner, name, arguments, node, scope)
        case Dag():
            return _of_dag(machine, owner, name, arguments, node, scope)
        case _:
            return methods.call_method(machine, owner, name, arguments, node, scope)


SHIFTS: dict[str, ast.operator] = {
    "__rshift__": ast.RShift(),
    "__lshift__": ast.LShift(),
    "__rrshift__": ast.RShift(),
    "__rlshift__": ast.LShift(),
}


def _of_node(
    machine: Machine, owner: Any, name: str, arguments: Arguments, node: ast.AST, scope: Scope
) -> Any:
    first = (
        arguments.positional[0]
        if arguments.positional
        else next(iter(arguments.named.values()), None)
    )
    if name in SHIFTS and len(arguments.positional) == 1:
        left, right = (
            (first, owner) if name.startswith("__r") and name != "__rshift__" else (owner, first)
        )
        return binary(machine, left, right, SHIFTS[name], node, scope)
    if name in ("set_downstream", "set_upstream"):
        check_sides(machine, (first,), node, scope)
        below = name == "set_downstream"
        label = arguments.get("edge_modifier", 1)
        text = label.label if isinstance(label, EdgeLabel) else None
        sides = (owner, first) if below else (first, owner)
        arrow(*sides, lead="left" if below else "right", label=text)
        uncertain_edge(machine, sides, node, scope)
        return None
    if name == "as_setup":
        for task in owner.roots():
            task.setup = True
        return owner
    if name == "as_teardown":
        _teardown(owner, arguments)
        return owner
    if name == "add_task" and isinstance(first, TaskNode | XCom):
        for task in first.roots():
            machine.context.add(task)
        return None
    if name == "get_child_by_label" and isinstance(owner, Group) and isinstance(first, str):
        child = owner.children.get(owner.child_id(first))
        return child or machine.unknown("no task of this label", node, scope)
    if name == "add" and isinstance(owner, Group) and isinstance(first, TaskNode):
        return first
    if isinstance(owner, XCom) and name == "map":
        return XCom(owner.nodes, owner.key, "map", first)
    if isinstance(owner, XCom) and name in ("zip", "concat"):
        others = [n for x in arguments.positional if isinstance(x, XCom) for n in x.nodes]
        return XCom((*owner.nodes, *others), None, name)
    return machine.unknown(f"`.{name}(...)` of a task", node, scope)


def _teardown(owner: Any, arguments: Arguments) -> None:
    setups = arguments.named.get("setups")
    for task in owner.roots():
        task.teardown = True
        task.trigger_rule = "all_done_setup_success"
        for one in setups if isinstance(setups, list | tuple) else [setups]:
            if isinstance(one, TaskNode | XCom):
                for setup in one.roots():
                    setup.setup = True
                    connect(setup, task)


def _of_dag(
    machine: Machine, dag: Dag, name: str, arguments: Arguments, node: ast.AST, scope: Scope
) -> Any:
    first = arguments.positional[0] if arguments.positional else None
    if name in ("add_task", "add_tasks"):
        for task in first if isinstance(first, list | tuple) else [first]:
            if isinstance(task, TaskNode) and task.dag is None:
                dag.add(task)
        return None
    if name == "get_task" and isinstance(first, str):
        return dag.tasks.get(first) or machine.unknown("no task of this id", node, scope)
    if name == "has_task" and isinstance(first, str):
        return first in dag.tasks
    if name == "set_dependency":
        above, below = (dag.tasks.get(str(v)) for v in arguments.positional[:2])
        if above and below:
            connect(above, below)
            return None
        lost_edge(machine, node, scope)
        return None
    if name == "task":
        return taskflow.decorate("task", "airflow.decorators.task", arguments)
    return machine.symbolic(f"airflow.DAG().{name}", arguments, node, scope)
