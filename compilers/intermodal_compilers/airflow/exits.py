"""Exit tasks: after everything else, whatever became of it, and without hiding what failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from intermodal.analysis import graph
from intermodal.analysis.expressions import map_expression
from intermodal.ir import (
    AnyType,
    Default,
    Expression,
    Join,
    Literal_,
    OutputRef,
    RunFact,
    Task,
)
from intermodal_compilers.airflow.joins import decide
from intermodal_compilers.airflow.plan import Check, Choose, Say, Unit
from intermodal_compilers.airflow.region import Region

if TYPE_CHECKING:
    from intermodal_compilers.airflow.structure import Structure

# Rules by which a unit is over only if all that it waits for is.
WAITS_FOR_ALL = (Join.ALL_DONE,)


def add_exits(structure: Structure) -> None:
    """Add the exit tasks, and what keeps the run's state that of the body and of all of them."""
    body = list(structure.plan.units.values())
    loops = structure.plan.loops.values()
    mapped = {loop.items.node for loop in loops if isinstance(loop.items, OutputRef)}
    last = [name for name in _last_of(body) if name not in mapped]
    open_ends = tuple(name for name in _not_waited_for(body) if name not in mapped)
    needs_state = any(_uses_state(task) for task in structure.pipeline.exit_tasks)
    outcome = _add_outcome(structure, last, pushes=needs_state) if body else ""
    exits: list[str] = []
    for task in graph.topological(structure.pipeline.exit_tasks):
        assert isinstance(task, Task)
        uses = (outcome,) if outcome and _uses_state(task) else ()
        exits.append(_add_exit(structure, task, (*open_ends, *uses), outcome))
    if needs_state and outcome:
        name = structure.helper_id(structure.pipeline.name, "end")
        docs = "Fails the run if the pipeline or one of its exit tasks failed."
        waits = (outcome, *exits)
        structure.add(None, name, waits, Region(), rule=Join.NONE_FAILED, docs=docs)


def _add_outcome(structure: Structure, last: list[str], *, pushes: bool) -> str:
    """A task that runs only if nothing that decides how the run ends has failed."""
    name = structure.helper_id(structure.pipeline.name, "outcome")
    if pushes:
        work = Say("succeeded", "Only runs if the pipeline succeeded.")
        outputs = {"return": AnyType.of()}
        return structure.add(work, name, last, Region(), rule=Join.NONE_FAILED, outputs=outputs).id
    docs = "Fails the run if the pipeline failed, whatever its exit tasks do."
    return structure.add(None, name, last, Region(), rule=Join.NONE_FAILED, docs=docs).id


def _add_exit(structure: Structure, task: Task, everything: tuple[str, ...], outcome: str) -> str:
    region = Region()
    exits = {other.id for other in structure.pipeline.exit_tasks}

    def with_state(expression: Expression) -> Expression:
        return map_expression(structure.resolved(expression, region), state)

    def state(part: Expression) -> Expression:
        if not isinstance(part, RunFact) or part.fact != "state":
            return part
        if not outcome:
            return Literal_.of(value="succeeded")
        given = OutputRef.of(node=outcome, output="return")
        return Default.of(value=given, fallback=Literal_.of(value="failed"))

    here = structure.task_here(task, region)
    inputs = {name: with_state(value) for name, value in task.inputs.items()}
    unit = Unit(here.model_copy(update={"inputs": inputs}), origin=task.id)
    guard = None if task.guard is None else with_state(task.guard)
    before = [up for up in structure.shape.ups(task) if up in exits]
    head = not before or task.join is Join.ALWAYS
    if head:
        data = structure.output_units([*inputs.values(), *([guard] if guard else [])])
        ups = tuple(dict.fromkeys((*everything, *data)))
        decide(structure, unit, ups, guard, region, rule=Join.ALL_DONE)
    else:
        ups = tuple(structure.end(up, region) for up in before)
        decide(structure, unit, ups, guard, region, rule=task.join)
    structure.add_unit(unit)
    structure.ends[task.id] = lambda: task.id
    return task.id


def _uses_state(task: Task) -> bool:
    values = [*graph.expressions(task)]
    return any(
        isinstance(part, RunFact) and part.fact == "state"
        for value in values
        for part in graph.parts(value)
    )


def _last_of(units: list[Unit]) -> list[str]:
    """Units that decide how the run ends: nothing but teardowns waits for them."""
    waited = {up for unit in units if not _is_teardown(unit) for up in unit.waits}
    return [unit.id for unit in units if unit.id not in waited and not _is_teardown(unit)]


def _not_waited_for(units: list[Unit]) -> tuple[str, ...]:
    """Units that may still run when all others are over.

    A task that waits for several may be over before they are, because one of them failed. Tasks that
    skip what comes next are left out: they would skip the exit tasks, too.
    """
    waited = {
        unit.waits[0] if len(unit.waits) == 1 else up
        for unit in units
        if len(unit.waits) == 1 or unit.rule in WAITS_FOR_ALL or _is_teardown(unit)
        for up in unit.waits
        if unit.rule is not Join.ALWAYS
    }
    return tuple(
        unit.id
        for unit in units
        if unit.id not in waited and not isinstance(unit.work, (Check, Choose))
    )


def _is_teardown(unit: Unit) -> bool:
    pairing = unit.task.pairing
    return pairing is not None and pairing.role == "teardown"
