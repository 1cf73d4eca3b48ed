"""What trackers know of runs, read back in one form whichever tracker it was."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    from intermodal.tracking.registry import ModelVersion

RunState = Literal["running", "finished", "failed", "killed", "unknown"]
"""As a tracker keeps it; `unknown` where only the artifacts of the run are known."""

TaskState = Literal["running", "finished", "failed", "killed", "skipped"]
"""As a run's, and tasks that were left out; trackers do not know of those."""


@dataclass(frozen=True)
class OutputFact:
    """An artifact that a task gave or took, by reference; its size in bytes, where it is known."""

    uri: str
    sha256: str
    kind: str
    size: int | None = None


@dataclass(frozen=True)
class TaskFacts:
    """The newest attempt of one task instance.

    Attributes:
        task: Task id.
        index: Index path of the instance in loops, outermost first.
        attempt: Counts starts from 1.
        state: How the attempt stands.
        parameters: As the tracker keeps them, which is text.
        metrics: The last value of each.
        code_hash: SHA-256 of the task's code; empty if it is not known.
        outputs: By output name.
        inputs: By input name; the further artifacts of one that took several as `name[1]`, ...
        started: Milliseconds since the epoch; None if it is not known.
        ended: The same; None while it runs.
        cached: Whether it reused the outputs of an earlier success.
        page: Address of its page in the tracker; empty if there is none.
    """

    task: str
    index: tuple[int | str, ...] = ()
    attempt: int = 1
    state: TaskState = "running"
    parameters: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    code_hash: str = ""
    outputs: Mapping[str, OutputFact] = field(default_factory=dict)
    inputs: Mapping[str, OutputFact] = field(default_factory=dict)
    started: int | None = None
    ended: int | None = None
    cached: bool = False
    page: str = ""

    @property
    def instance(self) -> str:
        """The task id and its index path: `train`, `predict[0][2]`."""
        return self.task + "".join(f"[{part}]" for part in self.index)


@dataclass(frozen=True)
class RunFacts:
    """One pipeline run.

    Attributes:
        pipeline: Name of the pipeline.
        run_id: The orchestrator's id of the run.
        target: What the pipeline runs on; empty if it is not known.
        state: How the run stands.
        parameters: Of the pipeline run, as text.
        tasks: The newest attempt of each task instance, sorted by task and index.
        pipeline_hash: Hash of the pipeline's IR; empty if it is not known.
        tracker_id: The tracker's own id of the run; empty if it has none.
        started: Milliseconds since the epoch; None if it is not known.
        ended: The same; None while it runs.
        page: Address of its page in the tracker; empty if there is none.
    """

    pipeline: str
    run_id: str
    target: str = ""
    state: RunState = "running"
    parameters: Mapping[str, str] = field(default_factory=dict)
    tasks: tuple[TaskFacts, ...] = ()
    pipeline_hash: str = ""
    tracker_id: str = ""
    started: int | None = None
    ended: int | None = None
    page: str = ""


def numbered(names: Iterable[str]) -> Iterator[str]:
    """Names that differ: the second of a kind becomes `name[1]`, and so on."""
    counts: dict[str, int] = {}
    for name in names:
        count = counts[name] = counts.get(name, -1) + 1
        yield f"{name}[{count}]" if count else name


@runtime_checkable
class ReadableTracker(Protocol):
    """A tracker that runs can be read back from."""

    def find_runs(self, run_id: str, pipeline: str | None = None) -> list[RunFacts]:
        """The live runs that an id means, newest first; none if there is no such run.

        Args:
            run_id: The orchestrator's id of a pipeline run, or the tracker's own, whole. Only where no
                run has it, the beginning of the orchestrator's id.
            pipeline: Only runs of this pipeline.

        Raises:
            TrackerError: The tracker cannot be reached.
        """
        ...


@runtime_checkable
class UsageTracker(Protocol):
    """A tracker that tells what is in use. Any exception means: it cannot be told now."""

    def find_open_runs(self) -> list[RunFacts]:
        """The pipeline runs that have not ended, without their tasks."""
        ...

    def find_versions(self) -> list[ModelVersion]:
        """All versions of all registered models; their aliases may be missing."""
        ...
