"""Runs on this machine: what the embedded engine takes, tells and gives."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast

from intermodal import registry
from intermodal.features import Declares
from intermodal.runtime.context import DEFAULT_STORE

if TYPE_CHECKING:
    from intermodal.findings import Finding
    from intermodal.ir import Pipeline
    from intermodal.trace import Trace

RunState = Literal["succeeded", "failed", "interrupted"]
Answer = Literal["approve", "reject", "nobody"]
"""What people say to an approval; `nobody` lets its timeout pass."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Something that happened to a task instance.

    Attributes:
        instance: Its id: `train`, `predict[0][2]`.
        state: `running`, `retrying` (the attempt failed, another follows), its final state, or
            `notice`: a message to the log channel, which `error` holds.
        attempt: The attempt's number; 0 if it never started.
        seconds: How long the attempt took; with `retrying`, how long until the next one.
        error: Why the attempt failed.
        restored: Whether an earlier run of the same id had done it already.
    """

    instance: str
    state: str
    attempt: int = 0
    seconds: float = 0.0
    error: str = ""
    restored: bool = False


class Listener(Protocol):
    """Is told what happens, in the thread that runs the pipeline; must be quick."""

    def __call__(self, progress: Progress, /) -> None:
        """Take note."""


class Ask(Protocol):
    """Asks a person for an approval; called in a thread of its own, one question at a time."""

    def __call__(self, instance: str, message: str, /) -> bool | None:
        """Whether the person approves; None if there is nobody, which counts as a no."""


def _ignore(progress: Progress, /) -> None:
    """Nobody listens."""


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class RunOptions:
    """How to run.

    Attributes:
        store: URI of the artifact store.
        tracking: Address of the tracker; empty for none.
        workers: Worker processes; as many as there are processors if None.
        resume: Id of a run to go on with.
        run_id: The new run's id; made from the time if empty.
        logical_date: ISO 8601; the time of the start if empty.
        grace: Seconds between asking an attempt to end and killing it.
        environment: Variables of all tasks.
        python_path: Folders to import from.
        experiment: What the tracker groups the run under.
        approvals: Answers to approvals, by task id or instance id.
        ask: Asks for those that are not there; without it, each approval needs an answer beforehand.
        pipelines: Other pipelines by name, for tasks that trigger them.
        pools: Slots by pool; a pool that is not there has no limit.
        chain: Names of the pipelines whose runs led to this one by triggering, outermost first.
        on_event: Is told of progress.
        now: The clock.
        random: Numbers from 0 to 1, for jitter.
    """

    store: str = DEFAULT_STORE
    tracking: str = ""
    workers: int | None = None
    resume: str = ""
    run_id: str = ""
    logical_date: str = ""
    grace: float = 2.0
    environment: Mapping[str, str] = field(default_factory=dict)
    python_path: tuple[Path, ...] = ()
    experiment: str = ""
    approvals: Mapping[str, Answer] = field(default_factory=dict)
    ask: Ask | None = None
    pipelines: Mapping[str, Pipeline] = field(default_factory=dict)
    pools: Mapping[str, int] = field(default_factory=dict)
    chain: tuple[str, ...] = ()
    on_event: Listener = _ignore
    now: Callable[[], datetime] = _now
    random: Callable[[], float] = random.random


@dataclass(frozen=True, slots=True)
class TaskFailure:
    """A task instance that failed for good.

    Attributes:
        instance: Its id.
        attempt: The last attempt; 0 if it never started.
        kind: Whose trouble: `user`, `infrastructure`, `timeout`, `interrupted` or `worker`.
        exception: Name of the exception's class.
        message: Its text.
        traceback: The user's own frames.
        log_tail: The last lines of the attempt's output.
        log: File of the whole output, if there was any.
        finding: The same as a finding.
    """

    instance: str
    attempt: int
    kind: str
    exception: str
    message: str
    traceback: str
    log_tail: str
    log: Path | None
    finding: Finding


@dataclass(frozen=True)
class TaskResult:
    """How a task instance ended, and how long its last attempt took."""

    state: str
    attempts: int = 0
    seconds: float = 0.0
    restored: bool = False
    log: Path | None = None


@dataclass(frozen=True)
class RunResult:
    """What became of a run.

    Attributes:
        pipeline: Its name.
        run_id: Its id.
        state: How it ended.
        folder: Its run folder: `run.json`, `events.jsonl` and the logs.
        parameters: The parameters it ran with.
        outputs: The pipeline's outputs, artifacts as references.
        instances: Task instances by id.
        failures: Those that failed.
        findings: What the user should see, besides failures.
        trace: What happened, in canonical form.
        started: When it began.
        ended: When it ended.
    """

    pipeline: str
    run_id: str
    state: RunState
    folder: Path
    parameters: Mapping[str, Any]
    outputs: Mapping[str, Any]
    instances: Mapping[str, TaskResult]
    failures: tuple[TaskFailure, ...]
    findings: tuple[Finding, ...]
    trace: Trace
    started: datetime
    ended: datetime


class LocalBackend(Declares, Protocol):
    """The backend registered as `local`."""

    def run(
        self, pipeline: Pipeline, parameters: Mapping[str, Any], options: RunOptions
    ) -> RunResult:
        """Run a valid pipeline to its end.

        Raises:
            FindingsError: It could not begin.
        """
        ...


def local_backend() -> LocalBackend:
    """The embedded engine."""
    return cast("LocalBackend", registry.load("backends", "local")())
