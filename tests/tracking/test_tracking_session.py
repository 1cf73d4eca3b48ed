"""What happens when an attempt ends: its status, its log, and a tracker that is away."""

from __future__ import annotations

import json
import os
import threading
from dataclasses import replace

import pytest

from intermodal import tracking
from intermodal.findings import FindingsError, warning
from intermodal.runtime import AttemptTimeout
from intermodal.tracking import spool
from intermodal.tracking.log import EventLog
from intermodal.tracking.reading import ReadLog
from intermodal.tracking.records import Metric, Status, Text
from intermodal.tracking.session import DURATION, close_run, open_run, session
from intermodal.tracking.tracker import NoTracker, TaskIdentity, resolve


def kept(folder):
    return sorted(folder.rglob("spool/*.jsonl"))


def values(attempt):
    return [m.value for m in attempt.of(Metric) if m.name != DURATION]


@pytest.mark.parametrize(
    ("problem", "state", "error"),
    [
        (None, "finished", ""),
        (ValueError("secret"), "failed", "ValueError"),
        (KeyboardInterrupt(), "killed", "KeyboardInterrupt"),
        (SystemExit(1), "failed", "SystemExit"),
        (SystemExit(0), "failed", "SystemExit"),
        (AttemptTimeout(), "failed", "AttemptTimeout"),
    ],
)
def test_status_follows_what_leaves_the_block(problem, state, error, memory, identity, tmp_path):
    def attempt():
        with session(identity, "memory:", tmp_path):
            tracking.log_metric("m", 1.0)
            if problem is not None:
                raise problem

    if problem is None:
        attempt()
    else:
        with pytest.raises(type(problem)) as raised:
            attempt()
        assert raised.value is problem
    sent = memory.only()
    assert (sent.status.state, sent.status.error) == (state, error)
    assert values(sent) == [1.0]
    assert kept(tmp_path) == []


def test_parameters_of_the_run_that_hold_a_secret_are_left_out(
    memory, identity, tmp_path, monkeypatch
):
    monkeypatch.setenv("INTERMODAL_SECRET_DB", "geheim-42")
    given = replace(identity, parameters={"url": ["db://me:geheim-42@host"], "trees": 50})
    told = []
    monkeypatch.setattr(memory, "open_run", lambda _, run, __: told.append(run.parameters))
    monkeypatch.setattr(memory, "close_run", lambda _, run, __: told.append(run.parameters))
    assert open_run(given, "memory:") == []
    with session(given, "memory:", tmp_path):
        pass
    assert close_run(given, "finished", "memory:", tmp_path) == []
    assert [*told, memory.only().identity.parameters] == [{"trees": 50}] * 3


def test_parameters_that_json_does_not_know_cost_no_task(memory, identity, tmp_path):
    odd = {"lock": threading.Lock(), ("a", 1): 2, "set": {1}, "trees": 50}
    with session(replace(identity, parameters=odd), "memory:", tmp_path) as tracked:
        tracking.log_metric("m", 1.0)
    assert tracked.findings == []
    assert values(memory.only()) == [1.0]
    assert memory.only().identity.parameters["trees"] == 50


def test_the_runtime_can_say_how_it_ended(memory, identity, tmp_path):
    with session(identity, "memory:", tmp_path) as tracked:
        tracked.mark("killed", "TimeoutError")
    assert (memory.only().status.state, memory.only().status.error) == ("killed", "TimeoutError")


def test_the_identity_arrives_and_each_attempt_has_its_own_session(memory, identity, tmp_path):
    for number in (1, 2):
        with session(replace(identity, attempt=number), "memory:", tmp_path):
            pass
    sent = [a.identity for a in memory.attempts.values()]
    assert [i.attempt for i in sent] == [1, 2]
    assert len({i.session for i in sent}) == 2
    assert {replace(i, session="", attempt=1) for i in map(frozen, sent)} == {frozen(identity)}
    assert len({i.instance_key for i in sent}) == 1


def frozen(identity):
    return replace(identity, parameters=None, tags=None, given=None)


def test_a_tracker_that_is_away_keeps_the_log(memory, identity, tmp_path, away):
    memory.fail = away
    with session(identity, "memory://u:secret@host", tmp_path) as tracked:
        tracking.log_metric("m", 1.0)
    (finding,) = tracked.findings
    assert (finding.code, finding.severity) == ("PORT500", "warning")
    assert "secret" not in json.dumps(finding.to_data())
    (log,) = kept(tmp_path)
    assert finding.next == f"once it is back: `port track sync {log.parent}`"

    memory.fail = None
    assert spool.sync(tmp_path, "memory:") == []
    assert values(memory.only()) == [1.0]
    assert memory.only().status.state == "finished"
    assert list(tmp_path.rglob("spool/*")) == []


def test_the_users_exception_is_the_one_that_is_seen(memory, identity, tmp_path, away):
    memory.fail = away
    with pytest.raises(ValueError, match="mine"), session(identity, "memory:", tmp_path):
        raise ValueError("mine")
    assert len(kept(tmp_path)) == 1


def test_a_part_that_was_not_delivered_keeps_the_log(memory, identity, tmp_path):
    memory.answers = [warning("PORT500", "`f.txt` could not be stored")]
    with session(identity, "memory:", tmp_path) as tracked:
        tracking.log_text("x", "f.txt")
    (finding,) = tracked.findings
    assert replace(finding, next="") == memory.answers[0]
    assert "port track sync" in finding.next
    assert memory.only().status.state == "finished"
    assert len(kept(tmp_path)) == 1


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("file:///tmp/mlruns", "sqlite:///"),
        ("mlruns", "sqlite:///"),
        ("ftp://user:secret@host/x", "no installed tracker takes `ftp:`"),
    ],
)
def test_an_address_that_nothing_takes_is_a_finding(uri, words, memory, identity, tmp_path):
    with pytest.raises(FindingsError) as raised:
        resolve(uri)
    (finding,) = raised.value.findings
    assert (finding.code, finding.severity) == ("PORT503", "error")
    assert words in finding.why + finding.next
    assert "secret" not in json.dumps(finding.to_data())

    with session(identity, uri, tmp_path) as tracked:
        pass
    assert [(f.code, f.severity) for f in tracked.findings] == [("PORT503", "warning")]
    assert len(kept(tmp_path)) == 1
    assert [f.code for f in spool.sync(tmp_path, uri)] == ["PORT503"]


def test_off_resolves_to_a_tracker_that_keeps_nothing(identity):
    assert isinstance(resolve(""), NoTracker)
    assert isinstance(resolve("none"), NoTracker)


def test_a_working_folder_that_cannot_be_written_costs_only_the_tracking(
    memory, identity, tmp_path
):
    (tmp_path / "spool").write_text("a file is in the way")
    with session(identity, "memory:", tmp_path) as tracked:
        tracking.log_metric("m", 1.0)
        tracking.log_text("x", "a.txt")
    assert tracked.findings == []
    assert values(memory.only()) == [1.0]
    assert [text.name for text in memory.only().of(Text)] == ["a.txt"]


# Replaying


def write_log(folder, identity, started, *records, lines=b""):
    log = EventLog(folder / "spool" / f"{identity.session}.jsonl")
    log.begin(identity, started)
    for record in records:
        log.add(record)
    log.close()
    if lines:
        with log.path.open("ab") as file:
            file.write(lines)
    return log.path


def test_a_log_without_an_end_is_that_of_a_killed_process(memory, identity, tmp_path):
    write_log(tmp_path, replace(identity, session="s1"), 100, Metric("m", 1.0, 150))
    assert spool.sync(tmp_path, "memory:") == []
    assert memory.only().started == 100
    assert memory.only().status == Status("killed", 150)


def test_torn_and_foreign_lines_are_told_and_the_rest_is_sent(memory, identity, tmp_path):
    lines = (
        b'{"type":"metric","na\n{"type":"surprise"}\n[1]\n'
        b'{"type":"metric","name":"m","value":"x","time":1,"step":null}\n'
        b'{"type":"metric","name":"m","value":2.0,"time":9,"step":null}\n'
        b'{"type":"status","state":"finished","time":11,"error":""}\n{"type":"met'
    )
    write_log(tmp_path, replace(identity, session="s1"), 1, Metric("m", 1.0, 5), lines=lines)
    findings = spool.sync(tmp_path, "memory:")
    assert [f.code for f in findings] == ["PORT505"]
    assert "5 lines" in findings[0].what
    assert values(memory.only()) == [1.0, 2.0]
    assert memory.only().status == Status("finished", 11)


def test_files_that_are_no_logs_are_told_and_left(memory, identity, tmp_path):
    (tmp_path / "spool").mkdir()
    bad = {
        "empty": b"",
        "other": b'{"type":"other"}\n',
        "newer": b'{"type":"log","version":99,"started":1,"identity":{}}\n',
        "short": b'{"type":"log","version":1,"started":1,"identity":{"task":"t"}}\n',
        "headless": b'{"type":"log","version":1}\n',
        "binary": b"\xff\xfe\x00",
    }
    for name, data in bad.items():
        (tmp_path / "spool" / f"{name}.jsonl").write_bytes(data)
    write_log(tmp_path, replace(identity, session="good"), 1)
    assert [f.code for f in spool.sync(tmp_path, "memory:")] == ["PORT505"] * len(bad)
    assert list(memory.attempts) == ["good"]
    assert len(kept(tmp_path)) == len(bad)


def test_logs_are_sent_in_order_and_ends_of_runs_last(memory, identity, tmp_path, monkeypatch):
    order = []
    monkeypatch.setattr(
        memory, "begin", lambda self, i, s: order.append(s) or setattr(self, "now", i)
    )
    monkeypatch.setattr(memory, "replay", lambda self, i, records: list(records) and [])
    monkeypatch.setattr(memory, "end", lambda self, i, s: None)
    monkeypatch.setattr(memory, "close_run", lambda self, i, s: order.append(s.state))
    write_log(tmp_path / "b", replace(identity, session="s1"), 300)
    write_log(tmp_path / "run", replace(identity.of_run, session="s0"), 200, Status("failed", 250))
    write_log(tmp_path / "a", replace(identity, session="s2"), 100)
    assert spool.sync(tmp_path, "memory:") == []
    assert order == [100, 300, "failed"]


def test_sync_stops_when_the_tracker_is_away(memory, identity, tmp_path, away):
    for name in ("s1", "s2", "s3"):
        write_log(tmp_path, replace(identity, session=name), 1)
    memory.fail = away
    assert [f.code for f in spool.sync(tmp_path, "memory:")] == ["PORT500"]
    assert len(kept(tmp_path)) == 3


def test_one_bad_log_does_not_keep_the_others(memory, identity, tmp_path, monkeypatch):
    original = memory.begin

    def begin(self, identity, started):
        if identity.session == "s1":
            raise ValueError("this one is refused")
        original(self, identity, started)

    monkeypatch.setattr(memory, "begin", begin)
    for name in ("s1", "s2"):
        write_log(tmp_path, replace(identity, session=name), 1)
    assert [f.why for f in spool.sync(tmp_path, "memory:")] == ["this one is refused"]
    assert list(memory.attempts) == ["s2"]


@pytest.mark.skipif(os.name == "nt", reason="no file locks there")
def test_sync_leaves_a_running_task_alone(memory, identity, tmp_path):
    with session(identity, "memory:", tmp_path):
        assert spool.sync(tmp_path, "memory:") == []
        assert memory.attempts == {}
        assert len(kept(tmp_path)) == 1
    assert memory.only().status.state == "finished"


def test_sync_with_tracking_off_keeps_what_is_kept(identity, tmp_path):
    write_log(tmp_path, replace(identity, session="s1"), 1)
    assert spool.sync(tmp_path, "none") == []
    assert len(kept(tmp_path)) == 1


# The pipeline run


def test_a_run_is_opened_and_closed(memory, identity, tmp_path):
    assert open_run(identity, "memory:") == []
    assert memory.runs == {("diagnosis", "run-1"): "running"}
    assert close_run(identity, "failed", "memory:", tmp_path) == []
    assert memory.runs == {("diagnosis", "run-1"): "failed"}
    assert kept(tmp_path) == []


def test_the_end_of_a_run_is_kept_too(memory, identity, tmp_path, away):
    memory.fail = away
    assert [f.code for f in open_run(identity, "memory:")] == ["PORT500"]
    assert [f.code for f in close_run(identity, "finished", "memory:", tmp_path)] == ["PORT500"]
    memory.fail = None
    assert spool.sync(tmp_path, "memory:") == []
    assert memory.runs == {("diagnosis", "run-1"): "finished"}


@pytest.mark.parametrize("uri", ["", "none"])
def test_runs_with_tracking_off(uri, identity, tmp_path):
    assert open_run(identity, uri) == []
    assert close_run(identity, "finished", uri, tmp_path) == []
    assert list(tmp_path.iterdir()) == []


# The log itself


def test_the_log_holds_no_more_than_was_given(identity, tmp_path):
    path = write_log(tmp_path, replace(identity, session="s"), 7)
    header = json.loads(path.read_text())
    assert header["identity"]["parameters"] == {"trees": 50}
    assert header["identity"]["index"] == [0, 2]
    assert set(header) == {"type", "version", "started", "writer", "address", "identity"}
    assert ReadLog(path).identity == replace(identity, session="s")


def test_keys_tell_runs_and_instances_apart():
    base = TaskIdentity("p", "r", "t", (1,))
    others = [
        replace(base, pipeline="q"),
        replace(base, run_id="s"),
        replace(base, task="u"),
        replace(base, index=(2,)),
        replace(base, index=("1",)),
        replace(base, index=()),
        replace(base, pipeline="p r", run_id=""),
    ]
    assert len({i.instance_key for i in [base, *others]}) == len(others) + 1
    again = replace(base, attempt=2, session="x")
    assert (again.instance_key, again.run_key) == (base.instance_key, base.run_key)
    assert base.instance_name == "t[1]"
