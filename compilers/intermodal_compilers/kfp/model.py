"""What a compiled pipeline is made of, before it becomes KFP's own messages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from intermodal.frozen import Frozen
from intermodal.ir import Parameter
from intermodal_compilers.kfp.policies import Machine, RetryPlan


class Constant(Frozen):
    """A value in the specification itself."""

    value: Any


class RunParameter(Frozen):
    """An input of the pipeline, or of the DAG around the task."""

    name: str


class TaskOutput(Frozen):
    """An output of another task of the same DAG."""

    task: str
    key: str


class FinalStatus(Frozen):
    """How another task of the same DAG ended."""

    task: str


Source = Constant | RunParameter | TaskOutput | FinalStatus


class InputPlan(Frozen):
    """One input of a task. `type` is KFP's parameter type, or a schema title for an artifact."""

    key: str
    type: str
    source: Source
    is_artifact: bool = False


class OutputPlan(Frozen):
    """One output of a task, of a DAG or of the pipeline.

    `sources` are those of a DAG: one, or several of which exactly one has a value.
    """

    key: str
    type: str
    is_artifact: bool = False
    sources: tuple[TaskOutput, ...] = ()


class ExecutorPlan(Frozen):
    """A container that runs the program of one or more tasks."""

    image: str
    command: tuple[str, ...]
    args: tuple[str, ...]
    machine: Machine


class IteratorPlan(Frozen):
    """A loop: over the list in an input of the task, or over one in the specification.

    Attributes:
        item_input: The input of the task's DAG that is given the item.
        item_type: KFP's parameter type of that input.
        items_input: The input of the task that is the list.
        raw: The list as JSON text, if it is in the specification.
        limit: The most iterations at once; 0 for no limit.
    """

    item_input: str
    item_type: str
    items_input: str = ""
    raw: str | None = None
    limit: int = 0


@dataclass(slots=True)
class TaskPlan:
    """A task with its component: an executor's, or a DAG.

    Attributes:
        inputs: By key.
        waits_for: Names of siblings, in order.
        condition: CEL over the inputs; false means that the task is skipped.
        runs_always: Whether it runs when what it waits for has ended, however that was.
    """

    name: str
    shown: str
    executor: str = ""
    dag: DagPlan | None = None
    inputs: dict[str, InputPlan] = field(default_factory=dict)
    outputs: tuple[OutputPlan, ...] = ()
    waits_for: dict[str, None] = field(default_factory=dict)
    retry: RetryPlan | None = None
    caches: bool = False
    cache_key: str = ""
    condition: str = ""
    iterator: IteratorPlan | None = None
    runs_always: bool = False

    @property
    def component(self) -> str:
        """The name of its component: one for each task, because kfp.local writes by component."""
        return f"comp-{self.name}"


@dataclass(slots=True)
class DagPlan:
    """A DAG: the pipeline's own, or that of a region."""

    tasks: list[TaskPlan] = field(default_factory=list)
    outputs: dict[str, OutputPlan] = field(default_factory=dict)


@dataclass
class PipelinePlan:
    """The whole pipeline. `date_parameter` is that which a schedule fills in."""

    name: str
    shown: str
    description: str
    parameters: Mapping[str, Parameter]
    date_parameter: str = ""
    root: DagPlan = field(default_factory=DagPlan)
    executors: dict[str, ExecutorPlan] = field(default_factory=dict)
