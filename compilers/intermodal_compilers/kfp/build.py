"""What is known of a pipeline while its specification is built."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from intermodal.analysis import graph
from intermodal.analysis.typing import TypeChecker
from intermodal.compiling import Settings, Target
from intermodal.findings import Finding
from intermodal.ir import (
    AnyType,
    ArtifactType,
    BooleanType,
    Expression,
    ForEach,
    OutputRef,
    Pipeline,
    Type,
)
from intermodal_compilers.kfp.encoding import ARTIFACT_SCHEMAS, Status, Wire, parameter_type
from intermodal_compilers.kfp.ending import ending_tasks
from intermodal_compilers.kfp.facts import Facts
from intermodal_compilers.kfp.gates import Gate
from intermodal_compilers.kfp.lift import Lifted
from intermodal_compilers.kfp.model import (
    FinalStatus,
    OutputPlan,
    PipelinePlan,
    RunParameter,
    TaskOutput,
    TaskPlan,
)
from intermodal_compilers.kfp.names import Names, dashed, key
from intermodal_compilers.kfp.scopes import Location, Scope, Value, link
from intermodal_compilers.tracked import is_tracked

EXIT_HANDLER = "exit-handler-1"


class Types(TypeChecker):
    """Types of expressions that may use what the compiler added to nodes: whether they ran."""

    def type_of(self, value: Expression) -> Type:
        """The type of an expression."""
        if isinstance(value, OutputRef):
            node = self.nodes.get(value.node)
            if node is None or value.output not in node.outputs:
                return AnyType.of() if value.output.startswith("each") else BooleanType.of()
        return super().type_of(value)


class LetsOut(Protocol):
    """Lets values out of a DAG that may be skipped."""

    def let_out(self, value: Value) -> Value:
        """The value as the DAG around sees it."""


@dataclass
class Build:
    """The state of one compilation.

    Attributes:
        pipeline: With groups dissolved and compound expressions moved into tasks.
        lifted: What was moved.
        facts: Which tasks use the runtime, and which loops number their items.
        names: KFP's name of each task, by id.
        outputs: KFP's names of each task's outputs.
        locations: Where nodes stand.
        produced: Outputs of nodes, where they come into being.
        missing: Outputs that may be missing although their node ran.
        runs: When a node runs, if not always.
        items: The items of loops.
        groups: What lets values out of a DAG that may be skipped, by the DAG.
        dates: The logical date, if anything uses it.
    """

    pipeline: Pipeline
    target: Target
    settings: Settings
    lifted: Lifted
    facts: Facts
    plan: PipelinePlan
    findings: list[Finding] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    locations: dict[str, Location] = field(default_factory=dict)
    produced: dict[tuple[str, str], Value] = field(default_factory=dict)
    missing: set[tuple[str, str]] = field(default_factory=set)
    runs: dict[str, Gate] = field(default_factory=dict)
    items: dict[str, Value] = field(default_factory=dict)
    groups: dict[int, LetsOut] = field(default_factory=dict)
    dates: Value | None = None

    def __post_init__(self) -> None:
        self.runtime_tasks, self.tracked = self.facts.runtime_tasks, self.facts.tracked
        self.reports = is_tracked(self.pipeline, self.settings)
        self.ending = ending_tasks(self.pipeline, self.runtime_tasks)
        pipeline = self.pipeline
        self.tasks = {task.id: task for task in graph.tasks(pipeline)}
        nodes = {placed.node.id: placed for placed in graph.walk(pipeline)}
        self.loops = {
            name: tuple(r for r, _ in placed.scope if isinstance(nodes[r].node, ForEach))
            for name, placed in nodes.items()
        }
        known = {name: placed.node for name, placed in nodes.items()}
        known.update({task.id: task for task in pipeline.exit_tasks})
        self.nodes = known
        self.waited = {up for node in known.values() for up in graph.upstreams(node)}
        self.types = Types(pipeline, known)
        self.root = self.body = Scope(self.plan.root)
        self._parameters: dict[str, Value] = {}
        self._left: dict[Value, Value] = {}
        self._status: Value | None = None
        self.exit_handler = EXIT_HANDLER
        self._name_everything()

    def _name_everything(self) -> None:
        self.task_names, self.executor_names, parameters = Names(), Names(), Names()
        self.names = {identity: self.task_names.take(dashed(identity)) for identity in self.tasks}
        known = self.pipeline.parameters
        self.parameters = {n: parameters.take(parameter_key(n), "_") for n in known}
        self.item_names = Names(self.parameters.values())
        self.root.keys = parameters
        self.outputs = {task.id: keys_of(task.outputs) for task in self.tasks.values()}

    def parameter(self, name: str) -> Value:
        """A parameter of the pipeline."""
        if name not in self._parameters:
            source = RunParameter(self.parameters[name])
            wire = self.pipeline.parameters[name].type
            value = Value(self.root, source, wire, self.parameters[name], from_run=True)
            self._parameters[name] = value
        return self._parameters[name]

    def output(self, node: str, output: str, scope: Scope) -> Value:
        """An output, as a value that can come into this DAG."""
        value = self.produced[node, output]
        around = {id(one) for one in scope.around()}
        while id(value.home) not in around:
            if value not in self._left:
                self._left[value] = self.groups[id(value.home)].let_out(value)
            value = self._left[value]
        return value

    def may_miss(self, node: str, output: str) -> bool:
        """Whether a task that may use the output may find it missing."""
        return (node, output) in self.missing or node in self.runs

    def status(self, scope: Scope) -> Value:
        """How the body ended."""
        del scope
        if self._status is None:
            self._status = Value(self.root, FinalStatus(self.exit_handler), Status(), "status")
        return self._status

    def date(self, scope: Scope) -> Value:
        """The logical date, from which the ends of the data interval do not differ."""
        del scope
        if self.dates is None:
            raise LookupError("nothing was prepared to tell dates")
        return self.dates

    def after(self, location: Location, upstream: str) -> None:
        """Let a task wait for a node."""
        link(location, self.locations[upstream])

    def add(self, scope: Scope, plan: TaskPlan) -> Location:
        """Put a task into a DAG."""
        scope.dag.tasks.append(plan)
        return Location(scope, plan)


def parameter_key(name: str) -> str:
    """KFP's name of a parameter; its backend takes one that is called so for the item of a loop."""
    found = key(name)
    is_item = found.startswith("loop-item") or found.endswith("loop-item")
    return f"_{found}_" if is_item else found


def keys_of(names: Iterable[str]) -> dict[str, str]:
    """KFP's names of some inputs or outputs."""
    taken = Names()
    return {name: taken.take(key(name), "_") for name in names}


def output_plan(name: str, wire: Wire, sources: tuple[TaskOutput, ...] = ()) -> OutputPlan:
    """An output as KFP declares it."""
    if isinstance(wire, ArtifactType):
        return OutputPlan(name, ARTIFACT_SCHEMAS[wire.artifact], True, sources)
    return OutputPlan(name, parameter_type(wire), False, sources)
