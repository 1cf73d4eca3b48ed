"""Tracking one attempt of a task: its log is current inside, and sent when it ends.

    with session(identity, tracking_uri, folder) as tracked:
        tracked.record_inputs({"trees": 200})
        result = function(**inputs)
        tracked.record_metrics("", {"accuracy": 0.97})
    for finding in tracked.findings: ...

A short task sends nothing before its end, so a tracker that is slow or away delays no task's start; of
a longer one, `live.py` sends what there is every few seconds.

The run of the pipeline itself is marked as running when it is made, by `open_run` or by the first task
that is sent. Whoever sees the pipeline end (an engine of ours, a hook of Airflow or Prefect) ends it with
`close_run`. Where nobody does (Kubeflow), its status follows from its tasks; see `TaskIdentity.last`.
"""

from __future__ import annotations

import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from intermodal.tracking import active
from intermodal.tracking.budget import seconds, within
from intermodal.tracking.keeping import add_to, bare_address
from intermodal.tracking.log import EventLog
from intermodal.tracking.records import State, Status, now
from intermodal.tracking.spool import FOLDER, Sending, as_warnings, deliver, unavailable
from intermodal.tracking.tracker import TaskIdentity, is_off, resolve

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import TracebackType

    from intermodal.findings import Finding
    from intermodal.tracking.live import Live

DURATION = "intermodal.duration_seconds"
UNDELIVERED = ("PORT500", "PORT503", "PORT505", "PORT520")


def session(identity: TaskIdentity, tracking_uri: str, folder: Path) -> Session:
    """Track one attempt of a task.

    Args:
        identity: Whose records these are. An empty `session` gets a new id.
        tracking_uri: Where to send them; empty or `none` records nothing.
        folder: The attempt's own working folder; what cannot be sent is kept in `folder/spool`.

    Neither entering nor leaving raises because of tracking; `Session.findings` tells, after leaving.
    """
    if not identity.session:
        identity = replace(identity, session=os.urandom(16).hex())
    return Session(_without_secrets(identity), tracking_uri, folder)


class Session:
    """One tracked attempt; made by `session()`, used as a context manager, once."""

    def __init__(self, identity: TaskIdentity, tracking_uri: str, folder: Path) -> None:
        self.identity = identity
        self.findings: list[Finding] = []
        self._uri = tracking_uri
        self._folder = folder
        self._log = EventLog(None)
        self._before: EventLog | None = None
        self._process = os.getpid()
        self._started = 0.0
        self._state: State | None = None
        self._error = ""
        self._sending = Sending()
        self._live: Live | None = None

    @property
    def url(self) -> str:
        """Where the tracker shows the attempt, known after leaving; empty if nowhere."""
        return self._sending.pages.task

    @property
    def run_url(self) -> str:
        """Where the tracker shows the pipeline run, known after leaving; empty if nowhere."""
        return self._sending.pages.run

    def record_inputs(self, parameters: Mapping[str, Any]) -> None:
        """Record the task's inputs that are parameters; not artifacts, and never secrets."""
        self._log.params(parameters)

    def record_metrics(self, output: str, metrics: Mapping[str, Any]) -> None:
        """Record a `Metrics` output.

        Args:
            output: Put before each name with a dot; pass "" for the task's only output.
            metrics: Numbers by name; nested maps are joined with dots.
        """
        self._log.flat_metrics(output, metrics)

    def record_reference(self, output: str, uri: str, sha256: str, kind: str) -> None:
        """Record an artifact output by reference: it is in the store and is not uploaded again."""
        self._log.reference(output, uri, sha256, kind)

    def record_used(self, name: str, uri: str, sha256: str, kind: str) -> None:
        """Record an input that is in the artifact store."""
        self._log.used(name, uri, sha256, kind)

    def record_environment(self, facts: Mapping[str, str], packages: Mapping[str, str]) -> None:
        """Record what the attempt runs on, as `surroundings.py` finds it."""
        from intermodal.tracking import recording

        recording.environment(self._log, facts, packages)

    def know(self, value: Any, uri: str, written: str = "") -> None:
        """Tell where an input or output is stored, and in which format, so that the task can name it."""
        self._log.know(value, uri, written)

    def set_tag(self, name: str, value: Any) -> None:
        """Label the attempt, `intermodal.` names included."""
        self._log.tag(name, value, own=True)

    def mark(self, state: State, error: str = "") -> None:
        """Say how the attempt ended, where an exception that leaves the block does not say it."""
        self._state = state
        self._error = error

    def require_delivery(self) -> None:
        """Fail the task, after leaving, if a tracker did not get all of its records.

        Raises:
            InfrastructureError: PORT521. What is kept then tells that the attempt failed.
        """
        missing = next((f for f in self.findings if f.code in UNDELIVERED), None)
        if missing is None:
            return
        from intermodal.runtime.problems import InfrastructureError

        if self._log.path is not None and self._log.path.exists():
            add_to(self._log.path, Status("failed", now(), InfrastructureError.__name__))
        why = f" ({missing.why})" if missing.why else ""
        raise InfrastructureError(
            f"PORT521: the records of `{self.identity.instance_name}` were not delivered, and tracking "
            f"is strict: {missing.what}{why}"
        )

    def park(self, store: str) -> list[Finding]:
        """Move what was not delivered to the artifact store, after leaving, if that is elsewhere."""
        if not any(finding.code in UNDELIVERED for finding in self.findings):
            return []
        from intermodal.tracking.parking import park

        return park(self._log.path, store)

    def __enter__(self) -> Self:
        self._started = time.monotonic()
        if not is_off(self._uri):
            self._open()
        self._log.tracker = self._uri
        self._before = active.activate(self._log)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if os.getpid() != self._process:
            return  # a forked child that left the block: the parent owns the log
        active.deactivate(self._log, self._before)
        if not self._log.is_open or self._log.path is None:
            return
        if self._state is None:
            self.mark(state_of(problem), "" if kind is None else kind.__name__)
        self._log.metric(DURATION, time.monotonic() - self._started)
        self._log.status(self._state or "finished", self._error)
        self._log.close()
        self.findings += _as_findings(self._log)
        if self._live is not None:
            self._sending = self._live.stop()
        self._sending.tail = self._log.tail
        self.findings += deliver(self._log.path, self._uri, self._sending)

    def _open(self) -> None:
        self._log = EventLog(self._folder / FOLDER / f"{self.identity.session}.jsonl")
        self._log.begin(self.identity, now(), bare_address(self._uri))
        if self._log.path is not None and self._log.on_disk:
            from intermodal.tracking.live import Live

            self._live = Live(self._log.path, self._uri, self._sending)
            self._live.start()


def state_of(problem: BaseException | None) -> State:
    """How an attempt ended that this exception left, in the words of the engines' own events."""
    if problem is None:
        return "finished"
    from intermodal.runtime.problems import classify

    return "killed" if classify(problem) == "interrupted" else "failed"


def open_run(identity: TaskIdentity, tracking_uri: str) -> list[Finding]:
    """Make the run of the pipeline run, so that it shows before the first task has ended."""
    from intermodal.findings import FindingsError

    run = _without_secrets(identity.of_run)
    try:
        tracker, moment = resolve(tracking_uri), now()
        within(seconds(), lambda: tracker.open_run(run, moment))
    except FindingsError as problem:
        return as_warnings(problem)
    except Exception as problem:  # tracking never fails a run
        return [unavailable(tracking_uri, problem, None)]
    return []


def close_run(
    identity: TaskIdentity,
    state: State,
    tracking_uri: str,
    folder: Path,
    sending: Sending | None = None,
) -> list[Finding]:
    """Set how the pipeline run ended; if the tracker is away, keep that in `folder/spool`.

    Args:
        identity: Of the run, or of any of its tasks.
        state: `finished`, `failed` or `killed`.
        tracking_uri: As for `session`.
        folder: The run's working folder.
        sending: Learns the tracker's page of the run.
    """
    if is_off(tracking_uri):
        return []
    run = replace(_without_secrets(identity.of_run), session=os.urandom(16).hex())
    path = folder / FOLDER / f"{run.session}.jsonl"
    log = EventLog(path)
    log.begin(run, now(), bare_address(tracking_uri))
    log.add(Status(state, now()))
    log.close()
    sending = sending or Sending()
    sending.tail = log.tail
    return deliver(log.path or path, tracking_uri, sending)


def _without_secrets(identity: TaskIdentity) -> TaskIdentity:
    """Without the parameters of the run that hold a secret of this process."""
    from intermodal.runtime.secrets import holds_secret

    shown = {name: value for name, value in identity.parameters.items() if not holds_secret(value)}
    return (
        identity if len(shown) == len(identity.parameters) else replace(identity, parameters=shown)
    )


def _as_findings(log: EventLog) -> list[Finding]:
    if not log.notes:
        return []
    from intermodal.findings import warning

    return [warning(note.code, note.what) for note in log.notes]
