"""DAGs inside DAGs: how values and waiting pass through the borders between them."""

from __future__ import annotations

from dataclasses import dataclass

from intermodal.frozen import Frozen
from intermodal.ir import ArtifactType
from intermodal_compilers.kfp.encoding import ARTIFACT_SCHEMAS, EachOf, Wire, parameter_type
from intermodal_compilers.kfp.model import (
    Constant,
    DagPlan,
    InputPlan,
    OutputPlan,
    RunParameter,
    Source,
    TaskOutput,
    TaskPlan,
)
from intermodal_compilers.kfp.names import Names, key


@dataclass(frozen=True, slots=True, eq=False)
class Value:
    """A value, where it comes into being.

    Attributes:
        home: The DAG that `source` is of.
        wire: How it travels.
        hint: What inputs that carry it are called.
        from_run: Whether a person gives it.
        is_stored: Whether a large value may come as a reference.
    """

    home: Scope
    source: Source
    wire: Wire
    hint: str
    from_run: bool = False
    is_stored: bool = False

    @property
    def is_artifact(self) -> bool:
        """Whether it travels as an artifact of KFP."""
        return isinstance(self.wire, ArtifactType)

    @property
    def type(self) -> str:
        """KFP's parameter type, or a schema title for an artifact."""
        if isinstance(self.wire, ArtifactType):
            return ARTIFACT_SCHEMAS[self.wire.artifact]
        return parameter_type(self.wire)


class Scope:
    """One DAG while it is built.

    Attributes:
        dag: Its tasks and outputs.
        parent: The DAG around it.
        task: Its task there.
        is_loop: Whether its task goes over items, so that what it gives is collected.
        depth: How many templates of the engine it stands in: a loop is two.
        keys: Names of its inputs.
        inputs: Values that come in, with the names of the inputs that they come in by.
    """

    def __init__(
        self,
        dag: DagPlan,
        parent: Scope | None = None,
        task: TaskPlan | None = None,
        *,
        is_loop: bool = False,
    ) -> None:
        self.dag = dag
        self.parent = parent
        self.task = task
        self.is_loop = is_loop
        self.depth: int = parent.depth + 1 + is_loop if parent is not None else 0
        self.keys = Names()
        self._outputs = Names()
        self.inputs: dict[Value, str] = {}
        self._exported: dict[tuple[TaskOutput, ...], OutputPlan] = {}

    def source_of(self, value: Value) -> Source:
        """Where a task of this DAG takes a value from; it comes in from outside where it has to."""
        if value.home is self:
            return value.source
        if isinstance(value.source, Constant):
            return value.source
        if value not in self.inputs:
            self.adopt(value, self.keys.take(safe_key(value.hint)))
        return RunParameter(self.inputs[value])

    def adopt(self, value: Value, name: str) -> None:
        """Let a value come in as the input `name`."""
        if self.parent is None or self.task is None:
            raise LookupError(f"{value.hint} is not visible here")
        source = self.parent.source_of(value)
        self.task.inputs[name] = InputPlan(name, value.type, source, value.is_artifact)
        if isinstance(source, TaskOutput):
            wait(self.task, source.task)
        self.inputs[value] = name

    def export(self, sources: tuple[TaskOutput, ...], value: Value) -> Value:
        """Let outputs of tasks of this DAG, of which one has a value, be an output of it.

        Args:
            sources: The outputs.
            value: One of them, for its type.

        Returns:
            The value as the DAG around this one sees it.
        """
        if self.parent is None or self.task is None:
            raise LookupError("the outermost DAG has nothing around it")
        wire: Wire = EachOf(value.wire) if self.is_loop else value.wire
        plan = self._exported.get(sources)
        if plan is None:
            name = self._outputs.take(safe_key(value.hint))
            kind = "LIST" if self.is_loop else value.type
            plan = OutputPlan(name, kind, value.is_artifact, sources)
            self._exported[sources] = plan
            self.dag.outputs[name] = plan
        return Value(
            self.parent,
            TaskOutput(self.task.name, plan.key),
            wire,
            value.hint,
            is_stored=value.is_stored,
        )

    def around(self) -> list[Scope]:
        """This DAG and those around it, innermost first."""
        found = []
        scope: Scope | None = self
        while scope is not None:
            found.append(scope)
            scope = scope.parent
        return found


class Location(Frozen):
    """Where a task stands."""

    scope: Scope
    task: TaskPlan


def wait(task: TaskPlan, name: str) -> None:
    """Let a task wait for a sibling."""
    if name != task.name:
        task.waits_for[name] = None


def link(task: Location, upstream: Location) -> None:
    """Let a task, or the region around it that does not hold the other one, wait for another task."""
    places = {id(upstream.scope): upstream.task}
    scope = upstream.scope
    while scope.parent is not None and scope.task is not None:
        places[id(scope.parent)] = scope.task
        scope = scope.parent
    plan, scope = task.task, task.scope
    while id(scope) not in places:
        if scope.parent is None or scope.task is None:
            raise LookupError(f"{plan.name} and {upstream.task.name} have no DAG in common")
        plan, scope = scope.task, scope.parent
    wait(plan, places[id(scope)].name)


def safe_key(text: str) -> str:
    """A key that kfp.local does not take for one of the SDK's own: it reads meaning into those."""
    return key(text.replace("--", "-").replace("-Output", "-output").replace("loop-item", "item"))
