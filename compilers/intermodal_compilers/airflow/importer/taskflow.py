"""`@task`, `@task_group`, `@dag`, `@setup`, `@teardown`: decorators and what calling their functions does."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field, replace
from typing import Any

from intermodal_compilers.airflow.importer.calling import parameter_names
from intermodal_compilers.airflow.importer.dags import close_group, make_dag, make_group
from intermodal_compilers.airflow.importer.graph import Argument, Dag, TaskNode, XCom, references
from intermodal_compilers.airflow.importer.machine import Machine
from intermodal_compilers.airflow.importer.naming import VARIANTS, variant_of
from intermodal_compilers.airflow.importer.tasks import as_arguments, mark_mapped, new_task
from intermodal_compilers.airflow.importer.values import (
    Arguments,
    Bound,
    Function,
    Native,
    Scope,
    Symbolic,
)


@dataclass(eq=False, repr=False)
class Factory:
    """A decorated function: `kind` is `task`, `group` or `dag`; calling it makes one."""

    kind: str
    variant: str
    function: Any
    settings: Arguments
    partial: dict[str, Any] = field(default_factory=dict)
    setup: bool = False
    teardown: bool = False

    def attribute_of_reader(self, name: str) -> Any:
        """Attributes that files use."""
        if name in ("function", "__wrapped__"):
            return self.function
        if name == "__name__":
            return getattr(self.function, "name", "task")
        if name in ("is_setup", "is_teardown"):
            return getattr(self, name.removeprefix("is_"))
        return Bound(self, name)


def decorate(kind: str, path: str, arguments: Arguments) -> Any:
    """`@task` with or without arguments; gives the factory, or the decorator that makes it."""
    variant = variant_of(path) if kind == "task" else ""
    first = arguments.positional[0] if arguments.positional else None
    if callable_value(first):
        settings = Arguments([], arguments.named, arguments.nodes, arguments.rest)
        return Factory(kind, variant, first, settings)

    def run(function: Any) -> Any:
        return Factory(kind, variant, function, arguments)

    return Native(f"@{kind}", run)


def callable_value(value: Any) -> bool:
    """Whether a decorator was given the function itself."""
    return isinstance(value, Function | Factory | Native | Bound)


def mark(which: str, arguments: Arguments) -> Any:
    """`@setup` and `@teardown`."""

    def run(function: Any) -> Any:
        made = function
        if not isinstance(made, Factory):
            made = Factory("task", "python", function, Arguments([], {}))
        setattr(made, which, True)
        return made

    first = arguments.positional[0] if arguments.positional else None
    return run(first) if callable_value(first) else Native(f"@{which}", run)


def call_factory(
    machine: Machine, factory: Factory, arguments: Arguments, node: ast.AST, scope: Scope
) -> Any:
    """Call a decorated function."""
    match factory.kind:
        case "task":
            return XCom((_make_task(machine, factory, arguments, node, scope),))
        case "group":
            return _make_group(machine, factory, arguments, node, scope)
        case _:
            return _make_dag(machine, factory, arguments, node, scope)


def call_method(
    machine: Machine,
    factory: Factory,
    name: str,
    arguments: Arguments,
    node: ast.AST,
    scope: Scope,
) -> Any:
    """`.override`, `.partial`, `.expand`, `.expand_kwargs` of a decorated function."""
    match name:
        case "override":
            named = factory.settings.named | arguments.named
            nodes = factory.settings.nodes | arguments.nodes
            return replace(factory, settings=Arguments(factory.settings.positional, named, nodes))
        case "partial":
            return replace(factory, partial=factory.partial | arguments.named)
        case "expand" | "expand_kwargs" if factory.kind == "group":
            return _expand_group(machine, factory, name, arguments, node, scope)
        case "expand" | "expand_kwargs":
            whole = Arguments([], dict(factory.partial))
            task = _make_task(machine, factory, whole, node, scope)
            mark_mapped(task, name, arguments, node, scope)
            machine.context.forget(task)
            return XCom((task,))
        case _:
            return machine.unknown(f"`.{name}` of a decorated function", node, scope)


def _make_task(
    machine: Machine, factory: Factory, arguments: Arguments, node: ast.AST, scope: Scope
) -> TaskNode:
    settings = dict(factory.settings.named)
    label = settings.get("task_id")
    if label is None:
        label = getattr(factory.function, "name", "task")
    given = Arguments([], settings, dict(factory.settings.nodes), factory.settings.rest)
    given.named["op_args"] = list(arguments.positional)
    given.named["op_kwargs"] = {**factory.partial, **arguments.named}
    operator = VARIANTS.get(factory.variant, f"airflow.task.{factory.variant}")
    task = new_task(
        machine, operator, given, node, scope, unique=label if isinstance(label, str) else None
    )
    if arguments.rest is not None:
        task.holes.append(f"not all arguments are known: {arguments.rest.reason}")
    task.function = factory.function
    task.setup, task.teardown = factory.setup, factory.teardown
    if task.teardown:
        task.trigger_rule = "all_done_setup_success"
    return task


def _make_group(
    machine: Machine,
    factory: Factory,
    arguments: Arguments,
    node: ast.AST,
    scope: Scope,
    inputs: list[TaskNode] | None = None,
) -> Any:
    named = {"group_id": getattr(factory.function, "name", "group")} | factory.settings.named
    settings = Arguments(factory.settings.positional, named, factory.settings.nodes)
    group = make_group(machine, settings, node, scope, suffix=True)
    group.mapped = inputs is not None
    _document(factory.function, group.arguments, ("tooltip", "doc_md"))
    machine.open_groups.append(group)
    try:
        whole = Arguments(
            arguments.positional, factory.partial | arguments.named, {}, arguments.rest
        )
        value = machine.call(factory.function, whole, node, scope)
    finally:
        machine.open_groups.pop()
    close_group(group, inputs or [])
    return group if value is None else value


def _expand_group(
    machine: Machine,
    factory: Factory,
    name: str,
    arguments: Arguments,
    node: ast.AST,
    scope: Scope,
) -> Any:
    inputs = list(references([*arguments.positional, *arguments.named.values()]))
    names = list(arguments.named)
    if name == "expand_kwargs" and isinstance(factory.function, Function):
        names = [n for n in parameter_names(factory.function) if n not in factory.partial]
    items = {one: XCom(tuple(inputs), one, "item") for one in names}
    before = list(machine.dag.groups) if machine.dag else []
    made = _make_group(machine, factory, Arguments([], dict(items)), node, scope, inputs)
    new = [g for g in machine.dag.groups if g not in before] if machine.dag else []
    if machine.dag and new:
        machine.dag.groups[new[0]].arguments |= _expanded(name, arguments, node, scope)
    return made


def _expanded(name: str, arguments: Arguments, node: ast.AST, scope: Scope) -> dict[str, Argument]:
    """What a group is mapped over, beside its own arguments."""
    found = as_arguments(arguments, scope, node, "expand")
    return {f"{name}:{key}": value for key, value in found.items()}


def _make_dag(
    machine: Machine, factory: Factory, arguments: Arguments, node: ast.AST, scope: Scope
) -> Any:
    named = dict(factory.settings.named)
    positional = factory.settings.positional
    if "dag_id" not in named and not positional:
        named["dag_id"] = getattr(factory.function, "name", "dag")
    settings = Arguments(positional, named, factory.settings.nodes, factory.settings.rest)
    dag = make_dag(machine, settings, node, scope)
    dag.registered = True
    function = factory.function
    given = Arguments([], {})
    _document(function, dag.arguments, ("doc_md",))
    if isinstance(function, Function):
        values = _parameters(function, arguments)
        given.named = {
            one: Symbolic("airflow.dag.param", (one, values.get(one)), {}, dag.span, one)
            for one in parameter_names(function)
        }
        _add_parameters(dag, values)
        dag.attributes["function_parameters"] = values
    machine.open_dags.append(dag)
    try:
        machine.call(function, given, node, scope)
    finally:
        machine.open_dags.pop()
    return dag


def _document(function: Any, arguments: dict[str, Argument], names: tuple[str, ...]) -> None:
    """A function's docstring, where Airflow takes it for what it documents."""
    if not isinstance(function, Function) or isinstance(function.node, ast.Lambda):
        return
    text = ast.get_docstring(function.node, clean=False)
    for name in names:
        known = arguments.get(name)
        if text and (known is None or not known.value):
            span = function.scope.module.span(function.node)
            arguments[name] = Argument(text, "", span)


def _parameters(function: Function, arguments: Arguments) -> dict[str, Any]:
    """Values of the parameters of a function under `@dag`: given, or its defaults."""
    node = function.node
    places = [a.arg for a in (*node.args.posonlyargs, *node.args.args)]
    first = len(places) - len(function.defaults)
    found = dict(zip(places[first:], function.defaults, strict=True)) | function.named_defaults
    found |= dict(zip(parameter_names(function), arguments.positional, strict=False))
    return found | arguments.named


def _add_parameters(dag: Dag, values: dict[str, Any]) -> None:
    """What `dag.param` does: a function's parameters are the DAG's."""
    known = dag.arguments.get("params")
    if values and (known is None or isinstance(known.value, dict)):
        merged = {**(known.value if known else {}), **values}
        dag.arguments["params"] = Argument(merged, "", known.span if known else dag.span)


# Arguments of `@asset` that are those of its DAG; the others are the asset's own.
ASSET_DAG = frozenset(
    [
        "schedule",
        "is_paused_upon_creation",
        "dag_id",
        "dag_display_name",
        "description",
        "params",
        "on_success_callback",
        "on_failure_callback",
        "access_control",
        "owner_links",
        "tags",
    ]
)


def asset_decorator(machine: Machine, arguments: Arguments, node: ast.AST, scope: Scope) -> Any:
    """`@asset(...)`: a DAG of one task that the function's name gives."""

    def run(function: Any) -> Any:
        name = getattr(function, "name", "asset")
        named = arguments.named
        label = named.get("name")
        label = label if isinstance(label, str) else name
        of_dag = {key: value for key, value in named.items() if key in ASSET_DAG}
        dag_id = named.get("dag_id")
        of_dag["dag_id"] = dag_id if isinstance(dag_id, str) else label
        dag = make_dag(machine, Arguments([], of_dag, arguments.nodes), node, scope)
        dag.registered = True
        operator = "airflow.sdk.definitions.asset.decorators._AssetMainOperator"
        of_task = {key: value for key, value in named.items() if key not in of_dag}
        given = Arguments([], {**of_task, "task_id": name, "dag": dag}, arguments.nodes)
        task = new_task(machine, operator, given, node, scope)
        task.function = function
        of_asset: dict[str, Any] = {k: named[k] for k in ("group", "extra") if k in named}
        whole: dict[str, Any] = {"name": label, "uri": named.get("uri") or label, **of_asset}
        return Symbolic("airflow.sdk.Asset", (), whole, dag.span, "")

    first = arguments.positional[0] if arguments.positional else None
    return run(first) if callable_value(first) else Native("@asset", run)
