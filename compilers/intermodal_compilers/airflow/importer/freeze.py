"""From what was put together to the frozen model."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta, tzinfo
from pathlib import PurePath
from typing import Any

from intermodal.findings import Span
from intermodal_compilers.airflow.importer.graph import (
    Argument,
    Dag,
    EdgeLabel,
    Group,
    TaskNode,
    XCom,
)
from intermodal_compilers.airflow.importer.model import (
    Built,
    FunctionSource,
    NotKnown,
    ReadArgument,
    ReadDag,
    ReadGroup,
    ReadTask,
    Reference,
    SetOf,
    TaskOutput,
)
from intermodal_compilers.airflow.importer.modules import Module
from intermodal_compilers.airflow.importer.sizes import is_bulky
from intermodal_compilers.airflow.importer.taskflow import Factory
from intermodal_compilers.airflow.importer.values import (
    External,
    Function,
    Instance,
    Scope,
    Symbolic,
    Unknown,
    UserClass,
)

PLAIN = (str, bytes, bool, int, float, type(None), datetime, date, time, timedelta, tzinfo)
MADE = (Dag, Group, TaskNode, XCom)
DEEPEST = 24


def freeze_dag(dag: Dag, module: Module, local: Iterable[str]) -> ReadDag:
    """A DAG as it is now, at the end of its module; `local` names the modules that were read."""
    held = {id(v.function): f"{n}.function" for n, v in module.names.items() if _is_task(v)}
    return ReadDag(
        id=dag.id,
        span=dag.span,
        arguments=_arguments(dag.arguments),
        tasks={task.id: _task(task, held) for task in dag.tasks.values()},
        groups={group.id: _group(group) for group in dag.groups.values()},
        labels=dict(dag.labels),
        holes=tuple(dict.fromkeys(dag.holes)),
        group_arrows=tuple(dag.group_arrows),
        file=str(module.path),
        module=module.name,
        local=frozenset(local) - {module.name},
        made=frozenset(name for name, value in module.names.items() if isinstance(value, MADE)),
    )


def _is_task(value: Any) -> bool:
    return isinstance(value, Factory) and value.kind == "task"


def _task(task: TaskNode, held: dict[int, str]) -> ReadTask:
    own = task.of is not None
    holes = tuple(dict.fromkeys(task.holes))
    function = task.function
    if function is None and "python_callable" in task.arguments:
        function = task.arguments["python_callable"].value
    frozen = freeze(function) if function is not None else None
    rule = text_of_rule(task.trigger_rule)
    return ReadTask(
        id=task.id,
        operator=task.operator,
        span=task.span,
        bases=task.bases,
        arguments=_arguments({**task.arguments, **task.called} if own else task.arguments),
        upstream=tuple(sorted(task.upstream)),
        downstream=tuple(sorted(task.downstream)),
        group=_path(task.group),
        mapped=task.mapped,
        trigger_rule=rule,
        setup=task.setup,
        teardown=task.teardown,
        function=frozen if isinstance(frozen, FunctionSource) else None,
        held_as=held.get(id(function), ""),
        own=freeze(task.of) if own else None,
        holes=holes,
    )


def text_of_rule(rule: Any) -> str:
    """A trigger rule as text: given as such, or as a member of `TriggerRule`."""
    if isinstance(rule, str):
        return rule
    if isinstance(rule, External) and rule.path.startswith("airflow."):
        return rule.name.lower()
    return "all_success" if rule is None else "unknown"


def _path(group: Group | None) -> tuple[str, ...]:
    found: list[str] = []
    while group is not None and group.label:
        found.append(group.id)
        group = group.parent
    return tuple(reversed(found))


def _group(group: Group) -> ReadGroup:
    tasks = tuple(task.id for task in group.tasks())
    return ReadGroup(group.id, tasks, group.mapped, _arguments(group.arguments), _path(group))


def _arguments(arguments: dict[str, Argument]) -> dict[str, ReadArgument]:
    return {
        name: ReadArgument(_frozen(one), one.source, one.span, one.origin)
        for name, one in arguments.items()
        if name not in ("dag", "task_group")
    }


def _frozen(argument: Argument) -> Any:
    if is_bulky(argument.value):
        return NotKnown("it is too large to keep", argument.source[:80], argument.span)
    return freeze(argument.value)


def freeze(value: Any, depth: int = 0) -> Any:
    """A value of the model; see model.py."""
    if isinstance(value, PLAIN):
        return value
    if depth > DEEPEST:
        return NotKnown("nests too deep", "", Span(""))
    match value:
        case list() | tuple() | range():
            return tuple(freeze(item, depth + 1) for item in value)
        case set() | frozenset():
            if all(isinstance(item, PLAIN) for item in value):
                return frozenset(value)
            return SetOf(tuple(sorted((freeze(item, depth + 1) for item in value), key=repr)))
        case dict():
            return {_key(key, depth): freeze(item, depth + 1) for key, item in value.items()}
        case PurePath():
            return str(value)
        case XCom():
            key = value.key if isinstance(value.key, str) else None
            return TaskOutput(tuple(task.id for task in value.nodes), key, value.how)
        case TaskNode():
            return TaskOutput((value.id,), None, "task")
        case _:
            return _freeze_object(value, depth)


def _key(key: Any, depth: int) -> Any:
    """A key of a dict; constants of a package stay what they refer to."""
    if isinstance(key, External | tuple | Unknown):
        return freeze(key, depth + 1)
    return key if isinstance(key, PLAIN) else NotKnown("a key that is no data", "", Span(""))


def _freeze_object(value: Any, depth: int) -> Any:
    match value:
        case Unknown():
            return NotKnown(value.reason, value.source, value.span)
        case External():
            return Reference(value.path)
        case Symbolic(changed=True):
            return NotKnown("it is changed after it is made", "", value.span)
        case Symbolic():
            return Built(
                value.path,
                tuple(freeze(item, depth + 1) for item in value.arguments),
                {name: freeze(item, depth + 1) for name, item in value.named.items()},
            )
        case Function():
            return _freeze_function(value, depth)
        case UserClass():
            module = value.module
            return FunctionSource(
                value.name,
                value.span,
                value.last_line,
                str(module.path),
                module.name,
                at_top=module.names.get(value.name) is value,
            )
        case Factory():
            return freeze(value.function, depth + 1)
        case Instance() if value.names.keys() == {"name", "value"}:
            return freeze(value.names["value"], depth + 1)
        case Instance():
            return NotKnown(f"an object of `{value.of.name}`", "", value.of.span)
        case EdgeLabel():
            return freeze(value.label, depth + 1)
        case _:
            return NotKnown(f"a {type(value).__name__.lower()}", "", Span(""))


def _freeze_function(value: Function, depth: int) -> FunctionSource:
    module = value.scope.module
    is_lambda = isinstance(value.node, ast.Lambda)
    return FunctionSource(
        value.name,
        module.span(value.node),
        _last(value.node),
        str(module.path),
        module.name,
        module.source(value.node) if is_lambda else "",
        _closure(value, depth),
        not is_lambda and _at_top(module.names.get(value.name), value),
        isinstance(module.names.get(value.name), Factory),
    )


def _at_top(held: Any, function: Function) -> bool:
    return held is function or (isinstance(held, Factory) and held.function is function)


def _closure(value: Function, depth: int) -> dict[str, Any]:
    """Values of names that a function takes from those around it; names of the module are left out."""
    scopes = []
    place: Scope | None = value.scope
    while place is not None and place.outer is not None:
        if not place.is_class:
            scopes.append(place.names)
        place = place.outer
    if not scopes:
        return {}
    loaded = {part.id for part in ast.walk(value.node) if isinstance(part, ast.Name)}
    found: dict[str, Any] = {}
    for names in scopes:
        for name in sorted(loaded & names.keys() - found.keys()):
            if names[name] is not value:
                found[name] = freeze(names[name], depth + 8)
    return found


def _last(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> int:
    return node.end_lineno or node.lineno
