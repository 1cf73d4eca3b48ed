"""What a unit of the plan knows of the others: what it may be given, and what it must fetch."""

from __future__ import annotations

from collections.abc import Iterator

from intermodal.analysis import graph
from intermodal.analysis.needs import needs_runtime
from intermodal.ir import (
    AnyType,
    BooleanType,
    Compare,
    DateFormat,
    DateShift,
    Expression,
    Format,
    InputRef,
    ItemRef,
    Literal_,
    Logic,
    OutputRef,
    ParameterRef,
    PathRef,
    Pipeline,
    PythonCall,
    RunFact,
    Shell,
    StringType,
    Task,
    TaskState,
    TimestampType,
    Type,
)
from intermodal_compilers.airflow.plan import (
    Check,
    Choose,
    Collect,
    Give,
    ListItems,
    Plan,
    Unit,
)
from intermodal_compilers.pysource import Expr, Value, call

DATES = ("logical_date", "data_interval_start", "data_interval_end")


class PlanView:
    """The plan's units, and which of them the runtime runs."""

    def __init__(self, pipeline: Pipeline, plan: Plan, *, tracked: bool) -> None:
        self.pipeline = pipeline
        self.plan = plan
        self.tracked = tracked
        self._references: dict[str, bool] = {}

    def needs_runtime(self, task: Task) -> bool:
        """Whether Intermodal's runtime runs the task."""
        return isinstance(task.action, (PythonCall, Shell)) and (
            needs_runtime(task, tracking=self.tracked) or is_cached(task)
        )

    def gives_references(self, unit: Unit) -> bool:
        """Whether what a unit gives may be a reference to the artifact store."""
        known = self._references.get(unit.id)
        if known is None:
            self._references[unit.id] = False
            known = self.needs_runtime(unit.task) or any(
                self.gives_references(self.plan.units[ref.node])
                for ref in graph.references(work_expressions(unit))
                if isinstance(ref, OutputRef)
            )
            self._references[unit.id] = known
        return known


class TaskView:
    """The surroundings of one unit's expressions."""

    def __init__(self, plan: PlanView, unit: Unit) -> None:
        self.view = plan
        self.plan = plan.plan
        self.unit = unit
        self.loop = self.plan.mapped(unit)
        self.waits = frozenset(unit.waits)

    def is_passed(self, node: str) -> bool:
        """Whether the task may be given outputs of a unit as arguments: it has an edge from it."""
        return node in self.waits

    def is_there(self, node: str) -> bool:
        """Whether an output of the unit exists for sure when the task runs."""
        return self.unit.always_there and node in self.waits

    def fetched(self, reference: OutputRef) -> Expr:
        """What fetches the output of a unit that the task has no edge from."""
        key = () if reference.output == "return" else (Value(reference.output),)
        return call("output_of", Value(reference.node), *key, here=self._here(reference.node))

    def state_of(self, node: str) -> Expr:
        """The final state of a unit."""
        return call("state_of", Value(node), here=self._here(node))

    def _here(self, node: str) -> Expr | None:
        """Whether the same iteration's instance is meant, if the unit is in the same mapped loop."""
        same = self.loop and self.loop in self.plan.units[node].place
        return Value(True) if same else None

    def item_name(self, loop: str) -> str:
        """What to call an item of the loop."""
        return "item" if loop in self.plan.loops else "items"

    def may_be_reference(self, expression: Expression) -> bool:
        """Whether a value may be a reference to the artifact store."""
        match expression:
            case OutputRef(node=node):
                return self.view.gives_references(self.plan.units[node])
            case ItemRef(loop=loop):
                return self.may_be_reference(self.plan.loops[loop].items)
            case _:
                return False

    def type_of(self, expression: Expression) -> Type:
        """The type of an expression, as far as it is known."""
        match expression:
            case OutputRef(node=node, output=output):
                return self.plan.units[node].task.outputs.get(output, AnyType.of())
            case ParameterRef(name=name):
                return self.view.pipeline.parameters[name].type
            case ItemRef(loop=loop):
                return self.plan.loops[loop].item_type
            case RunFact(fact=fact) if fact in DATES:
                return TimestampType.of()
            case DateShift():
                return TimestampType.of()
            case Compare() | Logic():
                return BooleanType.of()
            case Format() | DateFormat() | TaskState():
                return StringType.of()
            case _:
                return AnyType.of()


def expressions_of(unit: Unit) -> Iterator[Expression]:
    """All expressions of a unit."""
    yield from unit.task.inputs.values()
    yield from graph.action_expressions(unit.task.action)
    if unit.guard is not None:
        yield unit.guard
    yield from work_expressions(unit)


def work_expressions(unit: Unit) -> Iterator[Expression]:
    """The expressions of what a unit does that is none of the user's."""
    match unit.work:
        case Give(values=values):
            yield from values.values()
        case Choose(ways=ways, chooser=chooser):
            yield from (way.condition for way in ways if way.condition is not None)
            yield from () if chooser is None else (chooser,)
        case Check(condition=condition):
            yield condition
        case ListItems(lists=lists):
            yield from lists
        case Collect() as collect:
            for output in collect.outputs.values():
                yield from output.single
                yield from () if output.mapped is None else (output.mapped,)
            yield from (e for e in (collect.items, collect.any_done) if e is not None)
        case _:
            return


def is_cached(task: Task) -> bool:
    """Whether the task's outputs are reused."""
    return task.cache is not None and task.cache.enabled


def is_direct(expression: Expression, view: TaskView) -> bool:
    """Whether an input can be passed by the call that makes the task."""
    match expression:
        case Literal_() | ParameterRef() | ItemRef():
            return True
        case OutputRef(node=node):
            return view.is_passed(node)
        case RunFact(fact=fact):
            return fact != "attempt"
        case Format(parts=parts):
            return all(is_text_part(part, view) for part in parts)
        case _:
            return False


def is_text_part(expression: Expression, view: TaskView) -> bool:
    """Whether a template can write a part of a text."""
    match expression:
        case Format(parts=parts):
            return all(is_text_part(part, view) for part in parts)
        case OutputRef(node=node):
            unit = view.plan.units[node]
            return not view.plan.mapped(unit) and view.is_there(node)
        case RunFact(fact=fact):
            return fact != "attempt"
        case _:
            return isinstance(expression, (Literal_, ParameterRef, InputRef, PathRef))
