"""Storing a value under a name, an attribute, an item, or several of them."""

from __future__ import annotations

import ast
from typing import Any

from intermodal_compilers.airflow.importer.graph import Argument, Dag, Group, TaskNode, XCom
from intermodal_compilers.airflow.importer.iteration import items_of
from intermodal_compilers.airflow.importer.machine import Machine
from intermodal_compilers.airflow.importer.modules import Module
from intermodal_compilers.airflow.importer.sizes import is_bulky
from intermodal_compilers.airflow.importer.surroundings import set_environment
from intermodal_compilers.airflow.importer.tasks import set_rule
from intermodal_compilers.airflow.importer.truth import same
from intermodal_compilers.airflow.importer.values import (
    Arguments,
    Bound,
    External,
    Function,
    Instance,
    RaisedError,
    Scope,
    Symbolic,
    Unknown,
    UserClass,
    is_unknown,
)

# What Airflow takes from a task or DAG after it is made, not only where it is made.
TASK_ATTRIBUTES = frozenset(
    """
    depends_on_past doc doc_json doc_md doc_rst doc_yaml do_xcom_push email email_on_failure email_on_retry
    end_date executor executor_config execution_timeout ignore_first_depends_on_past inlets
    max_active_tis_per_dag max_active_tis_per_dagrun max_retry_delay on_execute_callback on_failure_callback
    on_retry_callback on_skipped_callback on_success_callback outlets owner params pool pool_slots
    priority_weight queue resources retries retry_delay retry_exponential_backoff run_as_user sla start_date
    task_display_name wait_for_downstream wait_for_past_depends_before_skipping weight_rule
    """.split()  # noqa: SIM905 - a table of words
)
DAG_ATTRIBUTES = frozenset(
    """
    access_control catchup dag_display_name dagrun_timeout description doc_md end_date fail_fast fail_stop
    is_paused_upon_creation jinja_environment_kwargs max_active_runs max_active_tasks
    max_consecutive_failed_dag_runs on_failure_callback on_success_callback orientation owner_links params
    render_template_as_native_obj sla_miss_callback start_date tags template_searchpath template_undefined
    user_defined_filters user_defined_macros default_view
    """.split()  # noqa: SIM905 - a table of words
)


def store(machine: Machine, target: ast.expr, value: Any, scope: Scope) -> None:
    """Store a value where the target says."""
    if isinstance(target, ast.Name):
        home = _home(scope, target.id)
        if home is not scope.names and machine.uncertain and not same(home.get(target.id), value):
            value = machine.unknown(machine.uncertain[-1], target, scope)
        home[target.id] = value
    elif isinstance(target, ast.Tuple | ast.List):
        _unpack(machine, target, value, scope)
    elif isinstance(target, ast.Attribute):
        note_change(target, scope)
        owner = machine.evaluate(target.value, scope)
        _tell_of_class(machine, owner, target, scope)
        setter = _setter(owner, target.attr)
        if setter is not None:
            machine.call(Bound(owner, target.attr, setter), Arguments([value], {}), target, scope)
        else:
            set_attribute(machine, owner, target.attr, value, _place(target, scope))
    elif isinstance(target, ast.Subscript):
        note_change(target, scope)
        owner = machine.evaluate(target.value, scope)
        key = machine.evaluate(target.slice, scope)
        _set_item(machine, owner, key, value, _place(target, scope))
    elif isinstance(target, ast.Starred):
        store(machine, target.value, value, scope)


def note_change(target: ast.expr, scope: Scope) -> None:
    """Note that a part of what a name stands for is set, where that is something external."""
    place = target
    while isinstance(place, ast.Attribute | ast.Subscript):
        place = place.value
    if isinstance(place, ast.Name):
        _, value = lookup(scope, place.id)
        if isinstance(value, Symbolic):
            value.changed = True


def _tell_of_class(machine: Machine, owner: Any, target: ast.Attribute, scope: Scope) -> None:
    """Tell of a class of a package that is changed: all its objects see it, and it is not taken along."""
    if isinstance(owner, External) and owner.name[:1].isupper():
        what = f"`{owner.name}.{target.attr}` is set, which is not taken along"
        machine.hole("PORT804", what, scope.module.span(target), "it changes a class of a package")


def _setter(owner: Any, name: str) -> Function | None:
    """The function that takes what is assigned to a property of an object of the user's."""
    kind = getattr(owner, "of", None)
    found = kind.find(name) if isinstance(kind, UserClass) else None
    return found[0].setter if found and isinstance(found[0], Function) else None


def _place(target: ast.expr, scope: Scope) -> Argument:
    module = scope.module
    return Argument(None, module.source(target), module.span(target))


def lookup(scope: Scope, name: str) -> tuple[bool, Any]:
    """Whether a name is bound in a scope or around it, and its value."""
    place: Scope | None = scope
    while place is not None:
        if (place is scope or not place.is_class) and name in place.names:
            return True, place.names[name]
        place = place.outer
    names = scope.module.names
    return (True, names[name]) if name in names else (False, None)


def _home(scope: Scope, name: str) -> dict[str, Any]:
    if name in scope.global_names:
        return scope.module.names
    if name in scope.outer_names:
        place = scope.outer
        while place is not None:
            if name in place.names:
                return place.names
            place = place.outer
    return scope.names


def set_attribute(machine: Machine, owner: Any, name: str, value: Any, place: Argument) -> None:
    """`owner.name = value`, for owners that keep attributes; `place` is where that stands."""
    if isinstance(owner, XCom) and len(owner.nodes) == 1:
        owner = owner.nodes[0]
    if not isinstance(owner, Instance | UserClass | TaskNode | Dag | Group | Module):
        _tell_stored_dag(machine, value, place)
        return
    kept: dict[str, Any] = owner.attributes if isinstance(owner, Dag) else owner.names
    if machine.uncertain and not machine.certain_to(owner) and not same(kept.get(name), value):
        value = Unknown(machine.uncertain[-1], place.span, place.source)
    kept[name] = value
    given = Argument(value, place.source, place.span, "attribute")
    if isinstance(owner, TaskNode):
        _set_on_task(machine, owner, name, given)
    elif isinstance(owner, Dag) and name in DAG_ATTRIBUTES:
        owner.arguments[name] = given


def _tell_stored_dag(machine: Machine, value: Any, place: Argument) -> None:
    """A DAG that is put where it cannot be followed: Airflow may find it there."""
    if isinstance(value, Dag):
        what = f"whether Airflow finds DAG `{value.id}` is not known"
        machine.hole("PORT809", what, place.span, f"`{place.source[:80]}` is not known")


def _set_on_task(machine: Machine, task: TaskNode, name: str, given: Argument) -> None:
    if name == "trigger_rule":
        set_rule(machine, task, given.value)
    elif name in ("is_setup", "is_teardown"):
        setattr(task, name.removeprefix("is_"), bool(given.value))
    elif task.started and (name in TASK_ATTRIBUTES or (task.of is None and name[:1] != "_")):
        task.arguments[name] = given
        if name in task.called:
            task.called[name] = given


def _set_item(machine: Machine, owner: Any, key: Any, value: Any, place: Argument) -> None:
    if isinstance(owner, External) and owner.path == "os.environ":
        set_environment(machine, key, value, place.span)
        return
    if not isinstance(owner, dict | list):
        _tell_stored_dag(machine, value, place)
        return
    if is_unknown(key) or is_bulky(key):
        machine.doubt(owner, "an item is set whose key is not known")
        return
    if not machine.certain_to(owner):
        machine.doubt(owner)
        if not isinstance(key, slice):
            value = Unknown(machine.uncertain[-1], place.span, place.source)
    try:
        owner[key] = value
    except (IndexError, ValueError, TypeError) as problem:
        raise RaisedError(type(problem).__name__, str(problem), place.span) from problem


def delete_item(machine: Machine, owner: Any, key: Any, node: ast.AST, scope: Scope) -> None:
    """`del owner[key]`.

    Raises:
        RaisedError: There is no such item.
    """
    if not machine.certain_to(owner):
        machine.doubt(owner)
        if isinstance(owner, dict) and not isinstance(key, slice) and key in owner:
            owner[key] = machine.unknown(machine.uncertain[-1], node, scope)
        return
    try:
        del owner[key]
    except (KeyError, IndexError, TypeError, ValueError) as problem:
        if machine.doubted(owner) is None:
            raise RaisedError(
                type(problem).__name__, str(problem), scope.module.span(node)
            ) from problem


def _unpack(machine: Machine, target: ast.Tuple | ast.List, value: Any, scope: Scope) -> None:
    items = items_of(machine, value, target, scope)
    if isinstance(items, Unknown):
        for one in target.elts:
            store(machine, one, items, scope)
        return
    values = list(items)
    starred = [i for i, one in enumerate(target.elts) if isinstance(one, ast.Starred)]
    if starred:
        first, after = starred[0], len(target.elts) - starred[0] - 1
        middle = values[first : len(values) - after]
        values = [*values[:first], middle, *values[len(values) - after :]]
    if len(values) != len(target.elts):
        raise RaisedError(
            "ValueError", "wrong number of values to unpack", scope.module.span(target)
        )
    for one, item in zip(target.elts, values, strict=True):
        store(machine, one, item, scope)


def as_load(target: ast.expr) -> ast.expr:
    """The expression that reads what a target writes; contexts do not matter to the reader."""
    return target
