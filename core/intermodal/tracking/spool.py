"""Logs on their way to a tracker: sending one, keeping it when that fails, sending what was kept.

A log lies in `<folder>/spool/<session>.jsonl`, its payload beside it, until a tracker has all of it.
"""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from intermodal.tracking.locks import try_hold
from intermodal.tracking.log import ReadLog, payload_folder
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
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from intermodal.findings import Finding

FOLDER = "spool"


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
        sending.tracker = sending.tracker or resolve(uri)
        findings = _send(ReadLog(path), sending.tracker, sending)
        if not is_undelivered(findings):
            _discard(path)
    except FindingsError as problem:
        return as_warnings(problem)
    except Exception as problem:  # whatever a tracker raises, the task's result stands
        return [unavailable(uri, problem, path)]
    return findings


def sync(root: Path, uri: str) -> list[Finding]:
    """Send every log kept under `root`: tasks by the time they started, then ends of pipeline runs.

    Logs of tasks that still run on this machine are left alone. A log without an end is that of a
    killed process, and is sent as such. Stops at the first sign that the tracker is away.
    """
    from intermodal.findings import FindingsError

    if is_off(uri):
        return []
    findings: list[Finding] = []
    try:
        tracker = resolve(uri, patient=True)
    except FindingsError as problem:
        return list(problem.findings)
    for path in _kept(root, findings):
        try:
            findings += _send_if_idle(path, tracker)
        except TrackerError as problem:
            findings.append(unavailable(uri, problem, path))
            break
        except Exception as problem:  # one bad log must not keep the others
            findings.append(unavailable(uri, problem, path))
    return findings


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
        next=f"once it is back: `intermodal.tracking.spool.sync({str(path.parent)!r}, uri)`",
    )


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
    """

    tracker: Tracker | None = None
    sent: int = 0
    steps: dict[str, int] = field(default_factory=dict)
    pages: Pages = field(default_factory=Pages)


def send_part(log: ReadLog, tracker: Tracker, sending: Sending, ended: Callable[[], bool]) -> None:
    """Send what was added to a growing log since the last time, or less once `ended` says so.

    Raises what the tracker raises.
    """
    steps = dict(sending.steps)
    records = number_steps(_until(ended, log.records(sending.sent, growing=True)), steps)
    tracker.begin(log.identity, log.started)
    tracker.replay(log.identity, records)
    sending.pages = tracker.pages(log.identity)
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
    """Lets records through and remembers how the attempt ended."""

    last_time: int
    status: Status | None = field(default=None)

    def through(self, records: Iterator[Record]) -> Iterator[Record]:
        for record in records:
            self.last_time = max(self.last_time, record.time)
            if isinstance(record, Status):
                self.status = record
            yield record

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
    return findings + _damage(log)


def _unsent(log: ReadLog, sent: int) -> Iterator[Record]:
    """The records, without the metrics of the first `sent` bytes."""
    for record in number_steps(log.records()):
        if not (isinstance(record, Metric) and log.position <= sent):
            yield record


def _damage(log: ReadLog) -> list[Finding]:
    from intermodal.findings import warning

    if not log.damaged:
        return []
    what = f"{log.damaged} lines in the log of `{log.identity.instance_name}` are no records"
    return [warning("PORT505", what, why="a write was cut short, as on a full disk")]


def _send_if_idle(path: Path, tracker: Tracker) -> list[Finding]:
    """Send a kept log unless the task that writes it, or another `sync`, holds it."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:  # another `sync` was faster
        return []
    try:
        if not try_hold(descriptor):
            return []
        findings = _send(ReadLog(path), tracker, Sending())
        if not is_undelivered(findings):
            _discard(path)
        return findings
    finally:
        os.close(descriptor)


def _kept(root: Path, findings: list[Finding]) -> list[Path]:
    """The logs under `root` in the order in which they are sent."""
    from intermodal.findings import warning

    found: list[tuple[bool, int, str]] = []
    paths: dict[str, Path] = {}
    for path in root.rglob("*.jsonl"):
        if path.parent.name != FOLDER:
            continue
        try:
            log = ReadLog(path)
        except (OSError, ValueError) as problem:
            findings.append(warning("PORT505", f"`{path}` cannot be read: {problem}"))
            continue
        found.append((not log.identity.task, log.started, str(path)))
        paths[str(path)] = path
    return [paths[name] for _, _, name in sorted(found)]


def _discard(path: Path) -> None:
    import shutil

    payload = payload_folder(path)
    if payload.exists():
        shutil.rmtree(payload)
    path.unlink(missing_ok=True)
