"""What every engine driver takes and gives: a compiled pipeline in, what happened out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, Self

if TYPE_CHECKING:
    from pathlib import Path

    from intermodal.engines import Waits
    from intermodal_backends.engines.environment import EngineEnvironment

# The states of an instance that drivers give; engines' own words are mapped to them as far as they
# have a counterpart, and kept as they are otherwise.
SUCCEEDED = "succeeded"
CACHED = "cached"
FAILED = "failed"
SKIPPED = "skipped"
UPSTREAM_FAILED = "upstream_failed"


@dataclass(frozen=True, slots=True)
class EngineCase:
    """One run of one compiled pipeline.

    Attributes:
        folder: The compiler's output for this pipeline, and nothing else.
        pipeline: The pipeline's name.
        parameters: Its parameters, as JSON values.
        environment: Environment variables that its tasks see, beside the engine's own.
        python_path: Folders that its tasks import from.
        timeout: Seconds after which everything the case started is killed.
        others: Folders of other pipelines' compiled output, which this one may trigger, by name.
        approvals: What people answer, `approve`, `reject` or `nobody`, by emitted task name.
    """

    folder: Path
    pipeline: str
    parameters: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    python_path: tuple[Path, ...] = ()
    timeout: float = 120.0
    others: dict[str, Path] = field(default_factory=dict)
    approvals: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class InstanceRecord:
    """What an engine's own database holds of one task instance.

    Attributes:
        task: The task's name in the engine.
        index: Its place in a mapped task; empty if it is not mapped.
        state: As drivers give it.
        tries: How often it started.
        span: Start and end of the last try, in seconds since the epoch; None if it never started.
        outputs: What it returned as `return`, as JSON, unless it returned nothing.
    """

    task: str
    index: tuple[int, ...]
    state: str
    tries: int
    span: tuple[float, float] | None = None
    outputs: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EngineResult:
    """What an engine says about a run. Engines are wrong in known ways: compare traces, not this.

    Attributes:
        succeeded: Whether the engine calls the run a success.
        states: Instance id to state, as far as the engine knows; mapped instances are `task[0]`.
        log: The end of what the run printed, for humans.
        timed_out: Whether the case was killed at its timeout.
        records: What its database holds, if it has one to rely on: for tasks that run no code of ours.
        waits: What each of its tasks waits for, where it tells.
    """

    succeeded: bool
    states: dict[str, str]
    log: str
    timed_out: bool = False
    records: tuple[InstanceRecord, ...] = ()
    waits: dict[str, Waits] = field(default_factory=dict)


class Engine(Protocol):
    """A driver: a context manager that keeps one warm process of a real engine."""

    name: str

    def __init__(self, environment: EngineEnvironment) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc: object) -> None: ...

    def run(self, case: EngineCase) -> EngineResult:
        """Run the compiled pipeline once, to its end or to the case's timeout."""

    def load(self, case: EngineCase) -> list[str]:
        """Read the compiled output with the engine's own loader; its error and warning lines."""
