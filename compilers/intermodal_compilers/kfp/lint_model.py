"""A typed view of a pipeline spec, as its lints need it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Any

from intermodal.frozen import Frozen
from intermodal_compilers.kfp.problems import Path
from intermodal_compilers.kfp.spec import SpecFile

UNTYPED = ""
_OLD_TYPES = {"INT": "NUMBER_INTEGER", "DOUBLE": "NUMBER_DOUBLE", "STRING": "STRING"}


class Kind(StrEnum):
    """How a value travels."""

    PARAMETER = "parameter"
    ARTIFACT = "artifact"

    @property
    def field(self) -> str:
        """The name of the map that holds values of this kind."""
        return f"{self.value}s"

    @property
    def other(self) -> Kind:
        """The kind that this is not."""
        return Kind.ARTIFACT if self is Kind.PARAMETER else Kind.PARAMETER


class Slot(Frozen):
    """One input or output that a component declares.

    `type` is the name of a parameter type, or an artifact's schema title.
    """

    kind: Kind
    type: str
    path: Path
    is_optional: bool = False
    is_list: bool = False
    version: str = ""
    has_default: bool = False
    default: Any = None
    literals: tuple[Any, ...] = ()


Slots = dict[Kind, dict[str, Slot]]


class TaskOutput(Frozen):
    """A value from another task of the same DAG."""

    producer: str
    key: str


class DagInput(Frozen):
    """A value from an input of the DAG around the task."""

    name: str


class Constant(Frozen):
    """A value in the spec itself."""

    value: Any


class FinalStatus(Frozen):
    """How another task of the same DAG ended."""

    producer: str


Source = TaskOutput | DagInput | Constant | FinalStatus | None


class Argument(Frozen):
    """What a task gives to one input."""

    name: str
    kind: Kind
    source: Source
    path: Path
    selector: str = ""

    @property
    def producer(self) -> str | None:
        """The sibling task that the value comes from."""
        return self.source.producer if isinstance(self.source, TaskOutput | FinalStatus) else None


class Iteration(Frozen):
    """A loop over the items of one input, or over a JSON list."""

    kind: Kind
    item_input: str
    path: Path
    items_input: str = ""
    raw: str | None = None


class Task(Frozen):
    """One task of a DAG. `message` is the official one, for the plain settings."""

    name: str
    component: str
    after: tuple[str, ...]
    arguments: dict[Kind, dict[str, Argument]]
    iteration: Iteration | None
    condition: str
    is_exit: bool
    path: Path
    message: Any

    def all_arguments(self) -> Iterator[Argument]:
        """Parameters, then artifacts."""
        for arguments in self.arguments.values():
            yield from arguments.values()

    def has_argument(self, name: str) -> bool:
        """Whether it gives an input of this name, of either kind."""
        return any(name in arguments for arguments in self.arguments.values())


class Selector(Frozen):
    """An output of a task that becomes an output of its DAG."""

    subtask: str
    key: str
    path: Path


class Selection(Frozen):
    """Where a DAG's output comes from: one selector, or several of which one has a value."""

    name: str
    kind: Kind
    selectors: tuple[Selector, ...]
    path: Path


class Component(Frozen):
    """A component: a DAG if it has `tasks`, else something an executor runs."""

    name: str
    path: Path
    inputs: Slots
    outputs: Slots
    executor: str
    tasks: dict[str, Task] | None
    selections: tuple[Selection, ...]

    @property
    def title(self) -> str:
        """The name as findings show it."""
        return "the root" if self.name == ROOT else f"`{self.name}`"


ROOT = ""
"""The root's name among the components: no key of the map can be empty and sound."""


class Executor(Frozen):
    """One entry of `deploymentSpec.executors`."""

    name: str
    kind: str
    message: Any
    path: Path


class Spec(Frozen):
    """The whole spec."""

    messages: SpecFile
    root: Component
    components: dict[str, Component]
    executors: dict[str, Executor]

    def all_components(self) -> Iterator[Component]:
        """The root, then the others by name."""
        yield self.root
        yield from self.components.values()

    def dags(self) -> Iterator[tuple[Component, dict[str, Task]]]:
        """Every component that is a DAG, with its tasks."""
        for component in self.all_components():
            if component.tasks is not None:
                yield component, component.tasks

    def tasks(self) -> Iterator[tuple[Component, Task]]:
        """Every task with the DAG around it."""
        for component, tasks in self.dags():
            for task in tasks.values():
                yield component, task


def build(messages: SpecFile) -> Spec:
    """The view of these messages. Maps are in the order of their keys."""
    pipeline = messages.pipeline
    components = {
        name: _component(name, message, (0, "components", name))
        for name, message in sorted(pipeline.components.items())
    }
    executors = {
        name: Executor(
            name,
            message.WhichOneof("spec") or "",
            message,
            (0, "deploymentSpec", "executors", name),
        )
        for name, message in sorted(messages.deployment.executors.items())
    }
    return Spec(messages, _component(ROOT, pipeline.root, (0, "root")), components, executors)


def _component(name: str, message: Any, path: Path) -> Component:
    is_dag = message.WhichOneof("implementation") == "dag"
    tasks: dict[str, Task] | None = None
    selections: tuple[Selection, ...] = ()
    if is_dag:
        dag_path = (*path, "dag")
        tasks = {
            key: _task(key, task, (*dag_path, "tasks", key))
            for key, task in sorted(message.dag.tasks.items())
        }
        selections = tuple(_selections(message.dag.outputs, (*dag_path, "outputs")))
    return Component(
        name,
        path,
        _slots(message.input_definitions, (*path, "inputDefinitions"), is_input=True),
        _slots(message.output_definitions, (*path, "outputDefinitions"), is_input=False),
        message.executor_label,
        tasks,
        selections,
    )


def _slots(definitions: Any, path: Path, *, is_input: bool) -> Slots:
    makers: dict[Kind, Callable[[Any, Path], Slot]] = {
        Kind.PARAMETER: _input_parameter if is_input else _output_parameter,
        Kind.ARTIFACT: _artifact,
    }
    return {
        kind: {
            name: make(message, (*path, kind.field, name))
            for name, message in sorted(getattr(definitions, kind.field).items())
        }
        for kind, make in makers.items()
    }


def _output_parameter(message: Any, path: Path) -> Slot:
    return Slot(Kind.PARAMETER, _parameter_type(message), path)


def _input_parameter(message: Any, path: Path) -> Slot:
    has_default = message.HasField("default_value")
    return Slot(
        Kind.PARAMETER,
        _parameter_type(message),
        path,
        is_optional=message.is_optional,
        has_default=has_default,
        default=plain_value(message.default_value) if has_default else None,
        literals=tuple(plain_value(literal) for literal in message.literals),
    )


def _parameter_type(message: Any) -> str:
    enum = message.DESCRIPTOR.fields_by_name["parameter_type"].enum_type
    known = enum.values_by_number.get(message.parameter_type)
    if known is not None and known.number:
        return str(known.name)
    old = message.DESCRIPTOR.fields_by_name["type"].enum_type.values_by_number.get(message.type)
    return _OLD_TYPES.get(old.name, UNTYPED) if old is not None else UNTYPED


def _artifact(message: Any, path: Path) -> Slot:
    schema = message.artifact_type
    kind = schema.WhichOneof("kind")
    return Slot(
        Kind.ARTIFACT,
        getattr(schema, kind) if kind else UNTYPED,
        path,
        is_optional=getattr(message, "is_optional", False),
        is_list=message.is_artifact_list,
        version=schema.schema_version,
    )


def _task(name: str, message: Any, path: Path) -> Task:
    inputs_path = (*path, "inputs")
    return Task(
        name,
        message.component_ref.name,
        tuple(message.dependent_tasks),
        {
            Kind.PARAMETER: {
                key: _parameter_argument(key, value, (*inputs_path, "parameters", key))
                for key, value in sorted(message.inputs.parameters.items())
            },
            Kind.ARTIFACT: {
                key: _artifact_argument(key, value, (*inputs_path, "artifacts", key))
                for key, value in sorted(message.inputs.artifacts.items())
            },
        },
        _iteration(message, path),
        message.trigger_policy.condition,
        message.trigger_policy.strategy == message.TriggerPolicy.ALL_UPSTREAM_TASKS_COMPLETED,
        path,
        message,
    )


def _parameter_argument(name: str, message: Any, path: Path) -> Argument:
    kind = message.WhichOneof("kind")
    source: Source = None
    if kind == "task_output_parameter":
        output = message.task_output_parameter
        source = TaskOutput(output.producer_task, output.output_parameter_key)
    elif kind == "component_input_parameter":
        source = DagInput(message.component_input_parameter)
    elif kind == "task_final_status":
        source = FinalStatus(message.task_final_status.producer_task)
    elif kind == "runtime_value":
        source = value_or_parameter(message.runtime_value)
    return Argument(name, Kind.PARAMETER, source, path, message.parameter_expression_selector)


def _artifact_argument(name: str, message: Any, path: Path) -> Argument:
    kind = message.WhichOneof("kind")
    source: Source = None
    if kind == "task_output_artifact":
        output = message.task_output_artifact
        source = TaskOutput(output.producer_task, output.output_artifact_key)
    elif kind == "component_input_artifact":
        source = DagInput(message.component_input_artifact)
    return Argument(name, Kind.ARTIFACT, source, path)


def value_or_parameter(message: Any) -> Constant | DagInput | None:
    """What a `ValueOrRuntimeParameter` holds."""
    kind = message.WhichOneof("value")
    if kind == "constant":
        return Constant(plain_value(message.constant))
    if kind == "runtime_parameter":
        return DagInput(message.runtime_parameter)
    if kind == "constant_value" and (which := message.constant_value.WhichOneof("value")):
        return Constant(getattr(message.constant_value, which))
    return None


def plain_value(message: Any) -> Any:
    """A free value as plain data; its numbers are floats."""
    from google.protobuf import json_format

    kind = message.WhichOneof("kind")
    if kind in {"struct_value", "list_value"}:
        return json_format.MessageToDict(message)
    return None if kind in {None, "null_value"} else getattr(message, kind)


def _iteration(message: Any, path: Path) -> Iteration | None:
    kind = message.WhichOneof("iterator")
    if kind == "artifact_iterator":
        iterator = message.artifact_iterator
        iterator_path = (*path, "artifactIterator")
        items = iterator.items.input_artifact
        return Iteration(Kind.ARTIFACT, iterator.item_input, iterator_path, items)
    if kind == "parameter_iterator":
        iterator = message.parameter_iterator
        is_raw = iterator.items.WhichOneof("kind") == "raw"
        return Iteration(
            Kind.PARAMETER,
            iterator.item_input,
            (*path, "parameterIterator"),
            iterator.items.input_parameter,
            iterator.items.raw if is_raw else None,
        )
    return None


def _selections(outputs: Any, path: Path) -> Iterator[Selection]:
    for name, message in sorted(outputs.artifacts.items()):
        at = (*path, "artifacts", name)
        selectors = tuple(
            Selector(s.producer_subtask, s.output_artifact_key, (*at, "artifactSelectors", index))
            for index, s in enumerate(message.artifact_selectors)
        )
        yield Selection(name, Kind.ARTIFACT, selectors, at)
    for name, message in sorted(outputs.parameters.items()):
        at = (*path, "parameters", name)
        one, several = message.value_from_parameter, message.value_from_oneof.parameter_selectors
        chosen = {
            "value_from_parameter": [(one, (*at, "valueFromParameter"))],
            "value_from_oneof": [
                (s, (*at, "valueFromOneof", "parameterSelectors", index))
                for index, s in enumerate(several)
            ],
        }.get(message.WhichOneof("kind"), [])
        selectors = tuple(
            Selector(s.producer_subtask, s.output_parameter_key, place) for s, place in chosen
        )
        yield Selection(name, Kind.PARAMETER, selectors, at)
