"""A tracker that keeps everything in memory, found by entry point like any other."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, ClassVar

import pytest

from intermodal.findings import Finding
from intermodal.tracking import tracker
from intermodal.tracking.records import Record, Status
from intermodal.tracking.tracker import Pages, TaskIdentity, TrackerError


@dataclass
class Attempt:
    identity: TaskIdentity
    started: int
    records: list[Record] = field(default_factory=list)
    status: Status | None = None

    def of(self, kind: type) -> list[Any]:
        return [record for record in self.records if isinstance(record, kind)]


class MemoryTracker:
    """Implements the protocol: replaying twice leaves what replaying once does."""

    schemes: ClassVar[tuple[str, ...]] = ("memory",)
    live: ClassVar[bool] = False
    attempts: ClassVar[dict[str, Attempt]] = {}
    runs: ClassVar[dict[tuple[str, str], str]] = {}
    fail: ClassVar[Exception | None] = None
    answers: ClassVar[list[Finding]] = []

    def __init__(self, uri: str, *, patient: bool = False) -> None:
        self.patient = patient

    def begin(self, identity: TaskIdentity, started: int) -> None:
        self._fail()
        self.attempts.setdefault(identity.session, Attempt(identity, started))
        self.runs.setdefault((identity.pipeline, identity.run_id), "running")

    def replay(self, identity: TaskIdentity, records: Any) -> list[Finding]:
        self.attempts[identity.session].records = list(records)
        return list(self.answers)

    def end(self, identity: TaskIdentity, status: Status) -> None:
        self.attempts[identity.session].status = status

    def pages(self, identity: TaskIdentity) -> Pages:
        return Pages("memory:run", f"memory:{identity.task}")

    def open_run(self, identity: TaskIdentity, started: int) -> None:
        self._fail()
        self.runs[identity.pipeline, identity.run_id] = "running"

    def close_run(self, identity: TaskIdentity, status: Status) -> None:
        self._fail()
        self.runs[identity.pipeline, identity.run_id] = status.state

    def _fail(self) -> None:
        if self.fail is not None:
            raise self.fail

    @classmethod
    def only(cls) -> Attempt:
        (attempt,) = cls.attempts.values()
        return attempt


class Entry:
    name = "memory"

    def load(self) -> type[MemoryTracker]:
        return MemoryTracker


@pytest.fixture
def memory(monkeypatch):
    """The memory tracker's class, with nothing in it and no fault; its address is `memory:`."""
    monkeypatch.setattr(tracker, "_installed", lambda: [Entry()])
    for name, value in {"attempts": {}, "runs": {}, "fail": None, "answers": []}.items():
        monkeypatch.setattr(MemoryTracker, name, value)
    return MemoryTracker


@pytest.fixture
def away():
    """What a tracker raises when its server is away."""
    return TrackerError("no connection to u:secret@host")


@pytest.fixture
def identity():
    return TaskIdentity("diagnosis", "run-1", "train", (0, 2), parameters={"trees": 50})


@pytest.fixture
def declared(monkeypatch):
    """The trackers that pyproject.toml declares, whatever is installed here."""
    path = Path(__file__).parents[2] / "pyproject.toml"
    group = tomllib.loads(path.read_text())["project"]["entry-points"][tracker.GROUP]
    found = [EntryPoint(name, value, tracker.GROUP) for name, value in sorted(group.items())]
    monkeypatch.setattr(tracker, "_installed", lambda: found)
    return found
