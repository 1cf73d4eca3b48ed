"""What names in a pipeline's expressions stand for while it runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from intermodal.analysis.evaluate import EvaluationError
from intermodal.runtime.secrets import is_secret, joined_marker, secret_marker

if TYPE_CHECKING:
    from intermodal_backends.local.scheduler import Key, Scheduler


@dataclass(frozen=True)
class Run:
    """What all instances of a run have in common; `state` is set once the body has ended."""

    pipeline: str
    run_id: str
    parameters: Mapping[str, Any]
    logical_date: str
    state: str = ""

    def ended(self, state: str) -> Run:
        """The run as exit tasks see it."""
        return replace(self, state=state)

    def fact(self, name: str) -> Any:
        """A run fact. A run that no schedule started covers the moment of its logical date."""
        facts = {
            "run_id": self.run_id,
            "pipeline": self.pipeline,
            "logical_date": self.logical_date,
            "data_interval_start": self.logical_date,
            "data_interval_end": self.logical_date,
            "state": self.state,
        }
        return facts[name]


class InstanceScope:
    """The scope of one instance's expressions; `inputs` are those of its task, for its action."""

    def __init__(
        self,
        scheduler: Scheduler,
        key: Key,
        attempt: int,
        inputs: Mapping[str, Any] | None = None,
    ) -> None:
        self._scheduler = scheduler
        self._index = key[1]
        self._attempt = attempt
        self._inputs = inputs

    def parameter(self, name: str) -> Any:
        """A parameter of the run."""
        return self._scheduler.run.parameters[name]

    def output(self, node: str, output: str) -> Any:
        """An output, or MISSING."""
        return self._scheduler.output_of(node, output, self._index)

    def item(self, loop: str) -> Any:
        """The item of a loop around the instance."""
        return self._scheduler.item_of(loop, self._index)

    def fact(self, fact: str) -> Any:
        """A run fact; the attempt is the instance's own."""
        return self._attempt if fact == "attempt" else self._scheduler.run.fact(fact)

    def state(self, node: str) -> str:
        """The final state of a task."""
        return self._scheduler.state_of(node, self._index)

    def secret(self, name: str, key: str | None) -> Any:
        """A marker, which the worker takes the secret for."""
        return secret_marker(name, key)

    def input(self, name: str) -> Any:
        """An input of the task, inside its action."""
        if self._inputs is None:
            raise EvaluationError(f"input `{name}` is known inside the task's action only")
        return self._inputs[name]

    def path(self, direction: str, name: str) -> str:
        """Not here."""
        raise EvaluationError(f"the path of {direction} `{name}` is known inside the action only")

    def with_inputs(self, inputs: Mapping[str, Any]) -> InstanceScope:
        """The same scope inside the task's action."""
        key = ("", self._index)
        return InstanceScope(self._scheduler, key, self._attempt, inputs)

    def fetch(self, value: Any) -> Any:
        """The value in place of a reference."""
        return self._scheduler.fetch(value)

    def join_secret(self, parts: list[Any]) -> Any | None:
        """A marker for a text with secrets among its parts."""
        from intermodal.analysis.evaluate import as_text

        if not any(is_secret(part) for part in parts):
            return None
        return joined_marker([part if is_secret(part) else as_text(part) for part in parts])
