"""Whose records these are: one attempt of one task instance of one pipeline run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

KINDS: Mapping[str, type | tuple[type, ...]] = {
    "index": (list, tuple),
    "attempt": int,
    "parameters": dict,
    "tags": dict,
    "last": (bool, type(None)),
    "given": dict,
}
"""What the fields of an identity are in a log, where they are no texts."""


@dataclass(frozen=True)
class TaskIdentity:
    """What a tracker finds the runs of a pipeline run and of a task again by.

    Attributes:
        pipeline: Name of the pipeline.
        run_id: The orchestrator's own id of the pipeline run, the same in all of its tasks.
        task: Task id; empty when the pipeline run itself is meant.
        index: Index path of the instance in loops, outermost first.
        attempt: Counts starts from 1. An engine that does not tell may leave it at 1: attempts are
            then told apart by `session`.
        pipeline_hash: Hash of the pipeline's IR.
        target: What the pipeline runs on.
        parameters: Parameters of the pipeline run.
        link: Address of the task's attempt in the orchestrator's user interface.
        run_link: Address of the pipeline run there.
        experiment: Name to group the runs under; the pipeline's name if empty.
        tags: Labels of the pipeline run, and of it alone.
        last: Whether the pipeline run may end with this task, where nothing else tells the tracker that
            it ended: the run's status then follows from its tasks. None where an engine tells.
        code_hash: SHA-256 of what the task does.
        given: Ids of what the engine itself made in the tracker: of the pipeline run as `run`, of this
            task as `task`.
        session: Names this physical attempt. `session()` makes one; a log carries it, so that a
            replay finds the same tracker run.
    """

    pipeline: str
    run_id: str
    task: str
    index: tuple[int | str, ...] = ()
    attempt: int = 1
    pipeline_hash: str = ""
    target: str = "local"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    link: str = ""
    run_link: str = ""
    experiment: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    last: bool | None = None
    code_hash: str = ""
    given: Mapping[str, str] = field(default_factory=dict)
    session: str = ""

    @classmethod
    def from_json(cls, value: Any) -> TaskIdentity:
        """Read back what `dataclasses.asdict` wrote. Raises ValueError if it does not fit."""
        known = {f.name for f in fields(cls)}
        if not isinstance(value, dict) or not {"pipeline", "run_id", "task"} <= set(value) <= known:
            raise ValueError("the identity in the log's header has missing or unknown fields")
        if not all(isinstance(part, KINDS.get(name, str)) for name, part in value.items()):
            raise ValueError("the identity in the log's header has fields of the wrong kind")
        if not all(isinstance(part, int | str) for part in value.get("index", ())):
            raise ValueError("the identity in the log's header has an index of something else")
        return cls(**{**value, "index": tuple(value.get("index", ()))})

    @property
    def of_run(self) -> TaskIdentity:
        """The identity of the pipeline run that this task belongs to."""
        return replace(self, task="", index=(), attempt=1, last=None, code_hash="", session="")

    @property
    def instance_name(self) -> str:
        """The task id and its index path: `train`, `predict[0][2]`."""
        return self.task + "".join(f"[{part}]" for part in self.index)

    @property
    def run_key(self) -> str:
        """A short text that is the same for all tasks of a run and safe in any query."""
        return _digest(self.pipeline, self.run_id)

    @property
    def instance_key(self) -> str:
        """A short text that is the same for all attempts of a task instance."""
        return _digest(self.pipeline, self.run_id, self.task, *self.index)


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]
