"""What a worker is told: an attempt to make, or a look to take, with the values it needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from intermodal.analysis import graph
from intermodal.analysis.evaluate import MISSING, as_text, evaluate
from intermodal.ir import (
    Container,
    Expression,
    ItemRef,
    OutputRef,
    RunFact,
    Task,
    TaskState,
    TriggerRun,
    Wait,
)
from intermodal.ir.write import to_data
from intermodal.runtime.events import canonical
from intermodal.runtime.secrets import HIDDEN, is_secret
from intermodal_backends.local.scope import InstanceScope


@dataclass(frozen=True)
class Order:
    """One attempt to make, or one look to take.

    Attributes:
        task: Whose: the task's id.
        index: The instance's index path.
        attempt: The attempt's number.
        inputs: JSON values, references and markers of secrets.
        log: The file for what it prints.
        names: What names in the action stand for, by `name_of`.
        looks: How often a waiting task has looked in this attempt.
        triggered: A run to trigger, as data.
        behind: Whether that run is all there is to do: nobody waits for it.
    """

    task: str
    index: tuple[int, ...]
    attempt: int
    log: str
    inputs: Mapping[str, Any] = field(default_factory=dict)
    names: Mapping[str, Any] = field(default_factory=dict)
    looks: int = 0
    triggered: Mapping[str, Any] | None = None
    behind: bool = False

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Order:
        """The one that `to_data` described."""
        return cls(**{**data, "index": tuple(data["index"])})

    def to_data(self) -> dict[str, Any]:
        """As JSON."""
        return dict(vars(self))


def name_of(expression: Expression) -> str:
    """What a name in an expression is known by."""
    return canonical(to_data(expression, spans=False))


def names_in_action(task: Task, scope: InstanceScope) -> dict[str, Any]:
    """What the names in a container's command stand for, apart from inputs, paths and parameters.

    Raises:
        EvaluationError: One has no value.
    """
    action = task.action.check if isinstance(task.action, Wait) else task.action
    if not isinstance(action, Container):
        return {}
    found: dict[str, Any] = {}
    for value in graph.action_expressions(action):
        for part in graph.parts(value):
            if isinstance(part, OutputRef):
                given = scope.output(part.node, part.output)
                if given is not MISSING:
                    found[name_of(part)] = given
            elif isinstance(part, ItemRef | RunFact | TaskState):
                found[name_of(part)] = evaluate(part, scope)
    return found


def parameters_of(
    action: TriggerRun, scope: InstanceScope, inputs: Mapping[str, Any]
) -> dict[str, Any]:
    """The parameters of the run that a task triggers.

    Raises:
        EvaluationError: One has no value.
    """
    inside = scope.with_inputs(inputs)
    return {name: evaluate(value, inside) for name, value in action.parameters.items()}


def message_of(message: Expression, scope: InstanceScope, inputs: Mapping[str, Any]) -> str:
    """What an approval asks; secrets in it are blacked out.

    Raises:
        EvaluationError: It has no value.
    """
    value = scope.fetch(evaluate(message, scope.with_inputs(inputs)))
    return HIDDEN if is_secret(value) else as_text(value)
