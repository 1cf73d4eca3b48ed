"""What a compiled pipeline is made of, before it becomes KFP's own messages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from intermodal.ir import Parameter
from intermodal_compilers.kfp.policies import Machine, RetryPlan


@dataclass(frozen=True, slots=True)
class Constant:
    """A value in the specification itself."""

    value: Any


@dataclass(frozen=True, slots=True)
class RunParameter:
    """An input of the pipeline."""

    name: str


@dataclass(frozen=True, slots=True)
class TaskOutput:
    """An output of another task."""

    task: str
    key: str


@dataclass(frozen=True, slots=True)
class InputPlan:
    """One input of a task. `type` is KFP's parameter type, or a schema title for an artifact."""

    key: str
    type: str
    source: Constant | RunParameter | TaskOutput
    is_artifact: bool = False


@dataclass(frozen=True, slots=True)
class OutputPlan:
    """One output of a task or of the pipeline; `source` is given for the pipeline's."""

    key: str
    type: str
    is_artifact: bool = False
    source: TaskOutput | None = None


@dataclass(frozen=True, slots=True)
class ExecutorPlan:
    """A container that runs the program of one or more tasks."""

    image: str
    command: tuple[str, ...]
    args: tuple[str, ...]
    machine: Machine


@dataclass(frozen=True, slots=True)
class TaskPlan:
    """A task with its component."""

    name: str
    shown: str
    executor: str
    inputs: tuple[InputPlan, ...]
    outputs: tuple[OutputPlan, ...]
    waits_for: tuple[str, ...]
    retry: RetryPlan | None = None
    caches: bool = False
    cache_key: str = ""

    @property
    def component(self) -> str:
        """The name of its component: one for each task, because kfp.local writes by component."""
        return f"comp-{self.name}"


@dataclass
class PipelinePlan:
    """The whole pipeline."""

    name: str
    shown: str
    description: str
    parameters: Mapping[str, Parameter]
    tasks: list[TaskPlan] = field(default_factory=list)
    executors: dict[str, ExecutorPlan] = field(default_factory=dict)
    outputs: list[OutputPlan] = field(default_factory=list)
