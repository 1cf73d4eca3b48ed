"""Logs on their way to a tracker: sending one, keeping it when that fails, sending what was kept.

A log lies in `<folder>/spool/<session>.jsonl`, its payload beside it, until a tracker has all of it.
"""

from __future__ import annotations

import dataclasses
import os
import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from intermodal.tracking.budget import seconds, within
from intermodal.tracking.keeping import Kept, discard, is_running, keep, kept_logs
from intermodal.tracking.locks import release, try_hold
from intermodal.tracking.reading import FOLDER, ReadLog
from intermodal.tracking.records import Metric, Record, Status, number_steps
from intermodal.tracking.tracker import (
    Pages,
    Tracker,
    TrackerError,
    is_off,
    resolve,
    without_password,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from intermodal.findings import Finding

__all__ = ["FOLDER", "Sending", "Synced", "deliver", "replay", "send_part", "sync", "unavailable"]

REFUSED = re.compile(r"\b(401|403|Unauthorized|Forbidden|AccessDenied|ExpiredToken)\b")
FAILURES = 3  # in a row, after which a tracker is taken for away and not asked again


def deliver(path: Path, uri: str, sending: Sending | None = None) -> list[Finding]:
    """Send one log and delete it; if that fails, keep it and say so. Never raises for a tracker.

    Args:
        path: The log.
        uri: Address of the tracker.
        sending: What was sent of the log already; learns the tracker's pages.
    """
    from intermodal.findings import FindingsError

    sending = sending or Sending()
    try:
        findings = within(seconds(path), lambda: _deliver(path, uri, sending))
    except FindingsError as problem:
        findings = as_warnings(problem)
    except Exception as problem:  # whatever a tracker raises, the task's result stands
        findings = [unavailable(uri, problem, path)]
    why = next((f for f in findings if f.code in ("PORT500", "PORT503")), None)
    if why is not None and (sending.tail or path.exists()):
        next_step = f"{_when(why.why)}: {_command(path)}"
        findings = [f if f.next else dataclasses.replace(f, next=next_step) for f in findings]
        findings += keep(path, why.why or why.what, sending.tail)
        sending.kept = path
    return findings


def _deliver(path: Path, uri: str, sending: Sending) -> list[Finding]:
    sending.tracker = sending.tracker or resolve(uri)
    with _held(path) as held:
        if held is None and not sending.tail:
            return []  # a `sync` was faster
        findings = _send(ReadLog(path, sending.tail), sending.tracker, sending)
        if not is_undelivered(findings):
            discard(path)
        return findings


def sync(root: Path, uri: str = "") -> list[Finding]:
    """Send every log kept under `root`: tasks by the time they started, then ends of pipeline runs.

    Logs of tasks that still run are left alone. A log without an end is that of a killed process, and
    is sent as such. Stops when the tracker is away.

    Args:
        root: A folder, at any height.
        uri: Where to send them; empty sends each where it was meant to go.
    """
    if is_off(uri) and uri:
        return []
    findings: list[Finding] = []
    logs = kept_logs([root], findings)
    return findings + replay(logs, lambda kept: uri or kept.log.address).findings


@dataclass
class Synced:
    """What `replay` did with each log."""

    sent: list[Kept] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    running: list[Kept] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def replay(logs: Iterable[Kept], address_of: Callable[[Kept], str]) -> Synced:
    """Send logs in the given order, each to its address.

    A tracker that fails several times in a row is not asked again.
    """
    done = Synced()
    trackers: dict[str, Tracker] = {}
    failures: dict[str, int] = {}
    for kept in logs:
        if kept.running:
            done.running.append(kept)
            continue
        uri = address_of(kept)
        if failures.get(uri, 0) >= FAILURES:
            done.kept.append(kept)
            continue
        try:
            if uri not in trackers:
                trackers[uri] = _patient_tracker(uri)
            findings = _send_if_idle(kept.path, trackers[uri])
        except Exception as problem:  # one bad log must not keep the others
            findings = _keep_again(kept, uri, problem)
            away = isinstance(problem, TrackerError)
            failures[uri] = FAILURES if away else failures.get(uri, 0) + 1
        else:
            failures[uri] = 0
        _sort_in(kept, findings, done)
    return done


def _sort_in(kept: Kept, findings: list[Finding] | None, done: Synced) -> None:
    if findings is None:
        done.running.append(kept)
        return
    done.findings += findings
    (done.kept if kept.path.exists() else done.sent).append(kept)


def _keep_again(kept: Kept, uri: str, problem: Exception) -> list[Finding]:
    from intermodal.findings import FindingsError

    if isinstance(problem, FindingsError):
        findings = list(problem.findings)
        keep(kept.path, findings[0].why or findings[0].what)
        return findings
    finding = unavailable(uri, problem, kept.path)
    keep(kept.path, finding.why)
    return [finding]


def _patient_tracker(uri: str) -> Tracker:
    from intermodal.findings import FindingsError, error

    if uri:
        return resolve(uri, patient=True)
    what = "the log does not say where it was meant to go"
    raise FindingsError(
        [error("PORT503", what, next="give the address: `port track sync --to URI`")]
    )


def unavailable(uri: str, problem: Exception, path: Path | None) -> Finding:
    """The finding for a tracker that failed."""
    from intermodal.findings import warning

    text = str(problem).strip() or type(problem).__name__
    reason = without_password(text.splitlines()[0])[:500]
    if path is None:
        return warning("PORT500", f"`{without_password(uri)}` cannot be used now", why=reason)
    return warning(
        "PORT500",
        f"`{without_password(uri)}` did not take the records; they are kept",
        why=reason,
        next=f"{_when(text)}: {_command(path)}",
    )


def _when(problem: str) -> str:
    return "with new credentials" if REFUSED.search(problem) else "once it is back"


def _command(path: Path) -> str:
    import shlex

    return f"`port track sync {shlex.quote(str(path.parent))}`"


def is_undelivered(findings: list[Finding]) -> bool:
    """Whether a part was not delivered, so that the log must be kept."""
    return any(finding.code == "PORT500" for finding in findings)


def as_warnings(problem: Exception) -> list[Finding]:
    """The findings of a `FindingsError`, none of them able to fail a task."""
    from intermodal.findings import FindingsError, Severity

    if not isinstance(problem, FindingsError):
        raise TypeError(f"not a FindingsError: {problem!r}")
    return [dataclasses.replace(f, severity=Severity.WARNING) for f in problem.findings]


@dataclass
class Sending:
    """How far a log was sent.

    Attributes:
        tracker: What it is sent to, once that is known.
        sent: Bytes of the log whose metrics the tracker has.
        steps: The last step of each metric among them.
        pages: Where the tracker shows it.
        kept: The log, if it could not be delivered.
        tail: Records that are not in the log's file, because the disk has no room for them.
    """

    tracker: Tracker | None = None
    sent: int = 0
    steps: dict[str, int] = field(default_factory=dict)
    pages: Pages = field(default_factory=Pages)
    tail: bytes = b""
    kept: Path | None = None


def send_part(log: ReadLog, tracker: Tracker, sending: Sending, ended: Callable[[], bool]) -> None:
    """Send what was added to a growing log since the last time, or less once `ended` says so.

    Raises what the tracker raises.
    """
    steps = dict(sending.steps)
    records = number_steps(_until(ended, log.records(sending.sent, growing=True)), steps)
    tracker.begin(log.identity, log.started)
    findings = tracker.replay(log.identity, records)
    sending.pages = tracker.pages(log.identity)
    if not is_undelivered(findings):  # else, of several trackers, one does not have the part
        sending.sent, sending.steps = log.position, steps


def _until(ended: Callable[[], bool], records: Iterator[Record]) -> Iterator[Record]:
    """The records up to an end that comes meanwhile; none is taken and not given on."""
    while not ended():
        record = next(records, None)
        if record is None:
            return
        yield record


@dataclass
class _Passing:
    """Lets records through and remembers how the attempt ended, and which files are gone."""

    last_time: int
    status: Status | None = field(default=None)
    gone: list[str] = field(default_factory=list)

    def through(self, records: Iterator[Record]) -> Iterator[Record]:
        for record in records:
            self.last_time = max(self.last_time, record.time)
            if isinstance(record, Status):
                self.status = record
            place = getattr(record, "path", "")
            if place and not os.path.lexists(place):
                self.gone.append(Path(place).name)
                continue
            yield record
        if self.status is None:  # trackers send what is large when they see that a log is whole
            yield self.end

    @property
    def end(self) -> Status:
        """The last status; a log without one is that of a killed process."""
        return self.status or Status("killed", self.last_time)


def _send(log: ReadLog, tracker: Tracker, sending: Sending) -> list[Finding]:
    passing = _Passing(log.started)
    records = passing.through(_unsent(log, sending.sent))
    if not log.identity.task:
        for _record in records:
            continue
        tracker.close_run(log.identity, passing.end)
        sending.pages = tracker.pages(log.identity)
        return []
    tracker.begin(log.identity, log.started)
    findings = tracker.replay(log.identity, records)
    tracker.end(log.identity, passing.end)
    sending.pages = tracker.pages(log.identity)
    return findings + _damage(log, passing.gone)


def _unsent(log: ReadLog, sent: int) -> Iterator[Record]:
    """The records, without the metrics of the first `sent` bytes."""
    for record in number_steps(log.records()):
        if not (isinstance(record, Metric) and log.position <= sent):
            yield record


def _damage(log: ReadLog, gone: list[str]) -> list[Finding]:
    from intermodal.findings import warning

    findings: list[Finding] = []
    name = log.identity.instance_name
    if log.damaged:
        what = f"{log.damaged} lines in the log of `{name}` are no records"
        findings.append(warning("PORT505", what, why="a write was cut short, as on a full disk"))
    if gone:
        shown = ", ".join(f"`{file}`" for file in gone)
        why = "the files are no longer there"
        findings.append(warning("PORT520", f"{shown} of `{name}` was not uploaded", why=why))
    return findings


def _send_if_idle(path: Path, tracker: Tracker) -> list[Finding] | None:
    """Send a kept log; None if the task that writes it still runs, or another process sends it."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:  # another `sync` was faster
        return []
    try:
        log = ReadLog(path)
        if is_running(log, descriptor):
            return None
        findings = _send(log, tracker, Sending())
        if not is_undelivered(findings):
            discard(path)
        return findings
    finally:
        release(descriptor)
        os.close(descriptor)


@contextmanager
def _held(path: Path) -> Iterator[bool | None]:
    """Hold a log's lock, if nobody else does; None if there is no file."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        yield None
        return
    held = False
    try:
        held = try_hold(descriptor)
        yield held
    finally:
        if held:
            release(descriptor)
        os.close(descriptor)
