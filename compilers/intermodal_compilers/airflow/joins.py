"""Join rules and guards of tasks, as trigger rules and tasks that skip."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from intermodal.analysis import graph
from intermodal.ir import (
    AnyType,
    Approval,
    Branch,
    Compare,
    Expression,
    Format,
    Http,
    Join,
    ListOf,
    Literal_,
    Logic,
    OutputRef,
    ParameterRef,
    PythonCall,
    Sql,
    StringType,
    Task,
    TaskState,
    TriggerRun,
    Type,
)
from intermodal_compilers.airflow.connections import taken_by, with_taken
from intermodal_compilers.airflow.plan import Check, Decide, Give, Unit

if TYPE_CHECKING:
    from intermodal_compilers.airflow.region import Region
    from intermodal_compilers.airflow.structure import Structure

# Rules that may find that a task cannot run because others failed; the rest run it or skip it.
MAY_FAIL = (Join.NONE_FAILED, Join.NONE_FAILED_MIN_ONE_SUCCESS, Join.ONE_SUCCESS)


GIVEN = "What the next task is given."

# States by which these rules let a task run, and the rule that a task which looks at them has. In a
# mapped task group, Airflow before 3.3 looks at the wrong iterations for them.
BY_STATES: Mapping[Join, tuple[tuple[str, ...], Join]] = {
    Join.NONE_FAILED_MIN_ONE_SUCCESS: (("succeeded",), Join.NONE_FAILED),
    Join.ONE_FAILED: (("failed", "upstream_failed"), Join.ALL_DONE),
    Join.ONE_DONE: (("succeeded", "failed"), Join.ALL_DONE),
}


def add_task(structure: Structure, task: Task, region: Region, inherited: tuple[str, ...]) -> None:
    """Add a task, and what decides beside its trigger rule whether it runs."""
    here = structure.task_here(task, region)
    unit = Unit(here, place=region.place, origin=task.id, index=region.index)
    teardown = task.pairing is not None and task.pairing.role == "teardown"
    direct = None if task.guard or teardown else _arms_before(structure, task, region, inherited)
    if direct:
        unit.waits, unit.rule = direct, Join.NONE_FAILED_MIN_ONE_SUCCESS
    else:
        ups = structure.ups(task, region, inherited)
        guard = None if task.guard is None else structure.resolved(task.guard, region)
        decide(structure, unit, ups, guard, region, rule=task.join)
    if isinstance(here.action, (Approval, TriggerRun, Sql, Http)):
        _compute_before(structure, unit, region)
    structure.add_unit(unit)
    structure.ends[here.id] = lambda: here.id


def decide(
    structure: Structure,
    unit: Unit,
    ups: tuple[str, ...],
    guard: Expression | None,
    region: Region,
    *,
    rule: Join,
) -> None:
    """Give a unit its edges and trigger rule, with the units before it that they take.

    A unit of its own stands for a join rule wherever another edge would change what the rule counts:
    in an arm of a branch, and behind a guard.
    """
    task = unit.task
    plain = rule is Join.ALL_SUCCESS or not ups or _is_teardown(task)
    if (
        guard is not None
        and plain
        and not _is_teardown(task)
        and _can_look(unit, ups, guard, structure)
    ):
        unit.guard, guard = guard, None
    if region.mapped and ups and not _is_teardown(task):
        decided = _decided(structure, unit, ups, guard, region, rule)
        if decided:
            unit.waits = (decided,)
            return
    # Airflow has no rule `always` in mapped groups; their first tasks run at once.
    lacks = unreliable(structure, rule, region) or (rule is Join.ALWAYS and bool(region.mapped))
    own = plain or not (_would_count(structure, ups, region) or lacks)
    if guard is None and own:
        unit.waits = structure.gated(ups, region)
        unit.rule = Join.ALL_SUCCESS if not ups else rule
        return
    early = plain or rule in MAY_FAIL
    looks_twice = early and not any(graph.references([guard] if guard is not None else []))
    later = None if looks_twice else guard
    waits = list(ups) if plain else _join_unit(structure, task, ups, later, region, rule)
    if guard is not None and early:
        waits.append(_guard_unit(structure, task, guard, region, known=not plain))
    unit.waits = structure.gated(waits, region)
    if _is_teardown(task):
        unit.rule = rule


def _decided(
    structure: Structure,
    unit: Unit,
    ups: tuple[str, ...],
    guard: Expression | None,
    region: Region,
    rule: Join,
) -> str:
    """A unit that decides by states, in a mapped loop where edges cannot say it; or nothing."""
    first = _decides_alone(structure, unit, ups, guard, region, rule)
    if not first and not (rule is Join.ONE_SUCCESS and unreliable(structure, rule, region)):
        return ""
    name = structure.helper_id(unit.id, "join")
    work = Decide(tuple(first), ups, rule)
    structure.add(work, name, (*first, *ups), region, rule=Join.ALL_DONE)
    return name


def _decides_alone(
    structure: Structure,
    unit: Unit,
    ups: tuple[str, ...],
    guard: Expression | None,
    region: Region,
    rule: Join,
) -> list[str]:
    """What skips a task of a mapped loop, whatever others that it waits for have come to.

    Elsewhere Airflow marks what a branch or short circuit skips; in a mapped group it does not.
    """
    gate = region.gate
    outside = gate and not all(structure.is_behind(up, gate) for up in ups)
    beside = guard is not None and not set(ups) <= set(structure.output_units([guard]))
    if rule is Join.ALWAYS or not (outside or beside):
        return []
    first = [gate] if gate else []
    if guard is not None:
        known = rule is not Join.ALL_SUCCESS
        first.append(_guard_unit(structure, unit.task, guard, region, known=known))
    return first


def _join_unit(
    structure: Structure,
    task: Task,
    ups: tuple[str, ...],
    guard: Expression | None,
    region: Region,
    rule: Join,
) -> list[str]:
    """A unit that runs where the join rule holds, and the guard if there is one; none for `always`."""
    if rule is Join.ALWAYS and guard is None:
        return []
    if region.mapped and not any(region.mapped in structure.plan.units[up].place for up in ups):
        # The first tasks of a mapped group wait for its items, which would count.
        before = region.place[: region.place.index(region.mapped)]
        region = replace(region, place=before, mapped="", index=())
    name = structure.helper_id(task.id, "join")
    if unreliable(structure, rule, region) and rule in BY_STATES:
        add_by_states(structure, name, rule, ups, region, guard)
        return [name]
    work = None if guard is None else Check(guard, skips_itself=bool(region.mapped))
    waits = () if rule is Join.ALWAYS else ups
    kept = Join.ALL_SUCCESS if rule is Join.ALWAYS else rule
    structure.add(work, name, waits, region, rule=kept)
    return [name]


def _compute_before(structure: Structure, unit: Unit, region: Region) -> None:
    """Let a task of its own compute what an operator takes, where a call cannot pass it."""
    action = unit.task.action
    if isinstance(action, (Sql, Http)):
        _compute_request(structure, unit, action, region)
        return
    if all(_can_pass(e, unit, region) for e in graph.action_expressions(action)):
        return
    name = structure.helper_id(unit.id, "inputs")
    values: dict[str, Expression] = {}
    changed: dict[str, object] = {}
    if isinstance(action, Approval):
        values["return"] = action.message
        changed["message"] = OutputRef.of(node=name, output="return")
    elif isinstance(action, TriggerRun):
        values |= action.parameters
        changed["parameters"] = {key: OutputRef.of(node=name, output=key) for key in values}
    outputs: dict[str, Type] = {key: AnyType.of() for key in values}
    structure.add(Give(values, GIVEN), name, unit.waits, region, rule=unit.rule, outputs=outputs)
    unit.waits, unit.rule = (name,), Join.ALL_SUCCESS
    unit.task = unit.task.model_copy(update={"action": action.model_copy(update=changed)})


def _compute_request(structure: Structure, unit: Unit, action: Sql | Http, region: Region) -> None:
    """Let a task of its own compute what a statement or a request takes, where a call cannot pass it."""
    values = {
        key: value
        for key, value in taken_by(action).items()
        if not _can_give(value, action, unit, region)
    }
    if not values:
        return
    type_: Type = AnyType.of()
    if isinstance(action, Http):
        type_ = StringType.of()
        values = {key: Format.of(parts=(value,)) for key, value in values.items()}
    outputs = {"return" if len(values) == 1 else key: type_ for key in values}
    name = structure.helper_id(unit.id, "inputs")
    found: dict[str, Expression] = {
        key: OutputRef.of(node=name, output=output)
        for key, output in zip(values, outputs, strict=True)
    }
    given = dict(zip(outputs, values.values(), strict=True))
    structure.add(Give(given, GIVEN), name, unit.waits, region, rule=unit.rule, outputs=outputs)
    unit.waits, unit.rule = (name,), Join.ALL_SUCCESS
    unit.task = unit.task.model_copy(update={"action": with_taken(action, found)})


def _can_give(expression: Expression, action: Sql | Http, unit: Unit, region: Region) -> bool:
    """Whether an operator can be given an expression. What a request is made of becomes text."""
    if isinstance(action, Http) and isinstance(expression, OutputRef):
        plain = unit.rule is Join.ALL_SUCCESS and not region.mapped
        return plain and _can_pass(expression, unit, region)
    return _can_pass(expression, unit, region)


def _can_pass(expression: Expression, unit: Unit, region: Region) -> bool:
    """Whether the call that makes an operator can be given an expression: as it is, or as a template."""
    if isinstance(expression, Format):
        plain = unit.rule is Join.ALL_SUCCESS and not region.mapped
        return plain and all(_can_pass(part, unit, region) for part in expression.parts)
    if isinstance(expression, OutputRef):
        return expression.node in unit.waits
    return isinstance(expression, (Literal_, ParameterRef))


def _guard_unit(
    structure: Structure, task: Task, guard: Expression, region: Region, *, known: bool
) -> str:
    """A unit that skips the task if the guard does not hold."""
    refs = structure.output_units([guard])
    name = structure.helper_id(task.id, "guard")
    waits = structure.gated(refs, region)
    rule = Join.ALL_DONE if known and waits else Join.ALL_SUCCESS
    structure.add(
        Check(guard, known, skips_itself=bool(region.mapped)), name, waits, region, rule=rule
    )
    return name


def _would_count(structure: Structure, ups: tuple[str, ...], region: Region) -> bool:
    """Whether the trigger rule of a task here would count more than what it waits for."""
    if region.gate:
        return True
    return bool(region.mapped) and not any(
        region.mapped in structure.plan.units[up].place for up in ups
    )


def _can_look(unit: Unit, ups: tuple[str, ...], guard: Expression, structure: Structure) -> bool:
    """Whether the task's own function can look at the guard: it waits for nothing but that."""
    return isinstance(unit.task.action, PythonCall) and set(ups) <= set(
        structure.output_units([guard])
    )


def _is_teardown(task: Task) -> bool:
    return task.pairing is not None and task.pairing.role == "teardown"


def _arms_before(
    structure: Structure, task: Task, region: Region, inherited: tuple[str, ...]
) -> tuple[str, ...] | None:
    """The last tasks of a branch's arms, where a task waits for that branch only."""
    ups = structure.shape.ups(task)
    if task.join is not Join.ALL_SUCCESS or inherited or len(ups) != 1 or region.gate:
        return None
    if unreliable(structure, Join.NONE_FAILED_MIN_ONE_SUCCESS, region):
        return None
    if not isinstance(structure.shape.nodes[ups[0]], Branch):
        return None
    if graph.data_upstreams(task):
        return None
    return tuple(structure.leaf_units[region.key(ups[0])]())


def unreliable(structure: Structure, rule: Join, region: Region) -> bool:
    """Whether this version of Airflow gets the rule wrong in a mapped task group."""
    if not region.mapped or structure.dialect.rules_in_groups:
        return False
    return rule in BY_STATES or rule is Join.ONE_SUCCESS


def add_by_states(
    structure: Structure,
    name: str,
    rule: Join,
    ups: Iterable[str],
    region: Region,
    guard: Expression | None = None,
) -> None:
    """Add a task that looks at the states of its upstreams itself, and is skipped or not."""
    states, waits_for = BY_STATES[rule]
    found = ListOf.of(items=tuple(TaskState.of(node=up) for up in ups))
    seen = [Compare.of(left=Literal_.of(value=s), right=found, operator="in") for s in states]
    holds: Expression = seen[0]
    if len(seen) > 1:
        holds = Logic.of(operator="or", operands=tuple(seen))
    if guard is not None:
        holds = Logic.of(operator="and", operands=(holds, guard))
    structure.add(Check(holds, skips_itself=True), name, ups, region, rule=waits_for)
