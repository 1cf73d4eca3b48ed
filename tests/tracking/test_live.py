"""A long task is sent while it runs, and at its end only the rest."""

from __future__ import annotations

import threading
from typing import ClassVar

import pytest
from tests.tracking.conftest import MemoryTracker

from intermodal import tracking
from intermodal.findings import warning
from intermodal.tracking import live, spool
from intermodal.tracking.log import EventLog
from intermodal.tracking.records import Metric, Status, Tag
from intermodal.tracking.session import session
from intermodal.tracking.tracker import beside_the_task

WAIT = 30  # seconds after which a test gives up


@pytest.fixture
def watched(memory, monkeypatch):
    """A memory tracker that keeps each part, and lets a test wait for one."""

    class Watched(MemoryTracker):
        live: ClassVar[bool] = True
        parts: ClassVar[list] = []
        came: ClassVar[threading.Condition] = threading.Condition()

        def replay(self, identity, records):
            part = list(records)
            with self.came:
                self._fail()
                if part:
                    self.parts.append(part)
                self.came.notify_all()
            return []

        @classmethod
        def wait_for(cls, number):
            with cls.came:
                assert cls.came.wait_for(lambda: len(cls.parts) >= number, WAIT)

    monkeypatch.setattr("tests.tracking.conftest.Entry.load", lambda _: Watched)
    monkeypatch.setattr(live, "FIRST", 0)
    monkeypatch.setattr(live, "EVERY", 0.001)
    return Watched


def metrics(part):
    return [(r.name, r.value, r.step) for r in part if isinstance(r, Metric) and r.name == "m"]


def test_what_was_sent_while_the_task_ran_is_not_sent_again(watched, identity, tmp_path):
    with session(identity, "memory:", tmp_path) as tracked:
        tracking.log_metric("m", 1.0)
        watched.wait_for(1)
        tracking.log_metric("m", 2.0)
        tracking.set_tag("a", "b")
        watched.wait_for(2)
        tracking.log_metric("m", 3.0)
    assert tracked.findings == []
    *early, last = watched.parts
    assert [m for part in watched.parts for m in metrics(part)] == [
        ("m", 1.0, 0),
        ("m", 2.0, 1),
        ("m", 3.0, 2),
    ]
    assert not any(isinstance(record, Status) for part in early for record in part)
    assert [r.state for r in last if isinstance(r, Status)] == ["finished"]
    assert [r.name for r in last if isinstance(r, Tag)] == [
        "a"
    ]  # small things come whole at the end
    assert list(tmp_path.rglob("*.jsonl")) == []


def test_parts_that_fail_are_sent_at_the_end(watched, identity, away, tmp_path, monkeypatch):
    with session(identity, "memory:", tmp_path) as tracked:
        tracking.log_metric("m", 1.0)
        watched.wait_for(1)
        monkeypatch.setattr(watched, "fail", away)
        tracking.log_metric("m", 2.0)
        tracked._live._thread.join(WAIT)  # gives up after some tries
        assert not tracked._live._thread.is_alive()
        monkeypatch.setattr(watched, "fail", None)
    assert tracked.findings == []
    assert [m for part in watched.parts for m in metrics(part)] == [("m", 1.0, 0), ("m", 2.0, 1)]


def test_what_is_kept_after_parts_is_the_whole_log(watched, identity, away, tmp_path, monkeypatch):
    with session(identity, "memory:", tmp_path) as tracked:
        tracking.log_metric("m", 1.0)
        watched.wait_for(1)
        monkeypatch.setattr(watched, "fail", away)
        tracking.log_metric("m", 2.0)
    assert [f.code for f in tracked.findings] == ["PORT500"]
    monkeypatch.setattr(watched, "fail", None)
    del watched.parts[:]
    assert spool.sync(tmp_path, "memory:") == []
    (whole,) = watched.parts
    assert metrics(whole) == [("m", 1.0, 0), ("m", 2.0, 1)]


def test_a_line_that_is_not_complete_is_left_for_the_next_part(watched, identity, tmp_path):
    with session(identity, "memory:", tmp_path) as tracked:
        tracking.log_metric("m", 1.0)
        watched.wait_for(1)
        line = b'{"type":"metric","name":"m","value":2.0,"time":5,"step":null}\n'
        tracked._log._write(line[:20])
        tracked._log._write(line[20:])
        tracking.log_metric("m", 3.0)
        watched.wait_for(2)
    found = [m for part in watched.parts for m in metrics(part)]
    assert found == [("m", 1.0, 0), ("m", 2.0, 1), ("m", 3.0, 2)]


def test_an_end_that_comes_meanwhile_loses_nothing(memory, identity, tmp_path):
    with session(identity, "", tmp_path):
        pass
    with session(identity, "memory:", tmp_path) as tracked:
        for number in range(10):
            tracking.log_metric("m", float(number))
        log = spool.ReadLog(tracked._log.path)
        sending = spool.Sending()
        calls = iter([False, False, False, True])
        tracker = MemoryTracker("memory:")
        spool.send_part(log, tracker, sending, lambda: next(calls))
        first = metrics(memory.only().records)
        rest = metrics(spool._unsent(spool.ReadLog(log.path), sending.sent))
    assert first + rest == [("m", float(n), n) for n in range(10)]
    assert len(first) == 3


def test_a_tracker_that_takes_whole_logs_gets_one(watched, identity, tmp_path, monkeypatch):
    monkeypatch.setattr(watched, "live", False)
    with session(identity, "memory:", tmp_path) as tracked:
        tracking.log_metric("m", 1.0)
        tracked._live._thread.join(WAIT)
        assert not tracked._live._thread.is_alive()
        assert watched.parts == []
    assert [metrics(part) for part in watched.parts] == [[("m", 1.0, 0)]]


def test_pages_are_known_after_leaving(memory, identity, tmp_path):
    with session(identity, "memory:", tmp_path) as tracked:
        assert (tracked.url, tracked.run_url) == ("", "")
    assert (tracked.url, tracked.run_url) == ("memory:train", "memory:run")


def test_a_part_that_hangs_is_not_waited_for(watched, identity, tmp_path, monkeypatch):
    monkeypatch.setattr(live, "PATIENCE", 0.01)
    hanging, goes_on, begin = threading.Event(), threading.Event(), watched.begin

    def hang(self, identity, started):
        if beside_the_task.get():
            hanging.set()
            goes_on.wait(WAIT)
        begin(self, identity, started)

    monkeypatch.setattr(watched, "begin", hang)
    with session(identity, "memory:", tmp_path) as tracked:
        tracking.log_metric("m", 1.0)
        assert hanging.wait(WAIT)
    assert tracked.findings == []
    assert [metrics(part) for part in watched.parts] == [[("m", 1.0, 0)]]
    goes_on.set()
    tracked._live._thread.join(WAIT)


def test_a_part_that_one_of_several_did_not_take_is_sent_again(
    watched, identity, tmp_path, monkeypatch
):
    """Else the one that was away for a moment would never get these metrics."""
    there = warning("PORT500", "one of them did not take the records")
    replay = watched.replay
    monkeypatch.setattr(watched, "replay", lambda *given: [*replay(*given), there])
    with session(identity, "memory:", tmp_path) as tracked:
        tracking.log_metric("m", 1.0)
        watched.wait_for(1)
        with watched.came:
            monkeypatch.setattr(watched, "replay", replay)
            tracked._live._ending.set()
    assert tracked.findings == []
    assert metrics(watched.parts[-1]) == [("m", 1.0, 0)]


def test_where_no_thread_can_be_started_the_log_is_sent_at_its_end(
    watched, identity, tmp_path, monkeypatch
):
    def refused(_):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refused)
    with session(identity, "memory:", tmp_path) as tracked:
        tracking.log_metric("m", 1.0)
    assert tracked.findings == []
    assert [metrics(part) for part in watched.parts] == [[("m", 1.0, 0)]]


def test_where_nothing_is_new_nobody_is_asked(watched, identity, tmp_path, monkeypatch):
    """Else a hundred long tasks would ask the server several things every few seconds."""
    asked = []
    begin = watched.begin

    def counted(self, identity, started):
        asked.append(identity.task)
        begin(self, identity, started)

    monkeypatch.setattr(watched, "begin", counted)
    log = EventLog(tmp_path / "spool" / "s.jsonl")
    log.begin(identity, 1000)
    alive = live.Live(log.path, "memory:", spool.Sending())
    assert [alive._send(), alive._send()] == [True, True]
    assert len(asked) == 1  # the attempt shows, although it has logged nothing yet
    log.metric("m", 1.0)
    assert [alive._send(), alive._send()] == [True, True]
    assert len(asked) == 2
    log.close()
