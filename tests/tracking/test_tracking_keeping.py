"""Logs that could not be delivered: a full disk, the limit on what is kept, and what it says of itself."""

from __future__ import annotations

import errno
import json
import os
import threading
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from intermodal import pipeline, runtime, task, tracking
from intermodal.artifacts.store import ArtifactStore
from intermodal.compile import compile_pipeline
from intermodal.compiling import Settings, Target
from intermodal.findings import FindingsError
from intermodal.runtime import Context
from intermodal.tracking import budget, keeping, log, parking, spool
from intermodal.tracking.keeping import bare_address, kept_logs
from intermodal.tracking.locks import hold
from intermodal.tracking.log import EventLog
from intermodal.tracking.reading import ReadLog
from intermodal.tracking.records import Artifact, Metric, Note, Status
from intermodal.tracking.session import DURATION, session
from intermodal.tracking.tracker import TaskIdentity, TrackerError, without_password


def kept(folder):
    return sorted(folder.rglob("spool/*.jsonl"))


def metrics(records):
    return [r.value for r in records if isinstance(r, Metric) and r.name != DURATION]


@pytest.fixture
def disk(monkeypatch):
    """The disk that logs are written to: it takes `disk.room` more bytes."""
    write = os.write

    class Disk:
        room = 1 << 30

        def write(self, descriptor, data):
            taken = data[: self.room]
            if not taken:
                raise OSError(errno.ENOSPC, "No space left on device")
            self.room -= len(taken)
            return write(descriptor, taken)

    small = Disk()
    monkeypatch.setattr(os, "write", small.write)
    monkeypatch.setattr(log, "RETRY", 0.0)
    return small


# A full disk


@pytest.mark.parametrize("room", [0, 1, 40, 100, 240])
def test_a_full_disk_costs_no_record_while_the_tracker_is_there(
    room, disk, memory, identity, tmp_path
):
    with session(identity, "memory:", tmp_path) as tracked:
        tracking.log_metric("m", 0.0)
        disk.room = room
        for value in range(1, 5):
            tracking.log_metric("m", float(value))
    assert tracked.findings == []
    assert metrics(memory.only().records) == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert memory.only().status.state == "finished"
    assert kept(tmp_path) == []


def test_a_disk_that_was_full_from_the_beginning_costs_no_record(disk, memory, identity, tmp_path):
    disk.room = 0
    with session(identity, "memory:", tmp_path):
        tracking.log_metric("m", 1.0)
    assert metrics(memory.only().records) == [1.0]


def test_records_are_written_in_order_once_there_is_room_again(
    disk, memory, identity, tmp_path, away
):
    memory.fail = away
    with session(identity, "memory:", tmp_path):
        tracking.log_metric("m", 0.0)
        disk.room = 10
        tracking.log_metric("m", 1.0)
        tracking.log_metric("m", 2.0)
        disk.room = 1 << 30
        tracking.log_metric("m", 3.0)
    assert metrics(ReadLog(kept(tmp_path)[0]).records()) == [0.0, 1.0, 2.0, 3.0]


def test_with_a_full_disk_and_no_tracker_the_loss_is_told(disk, memory, identity, tmp_path, away):
    memory.fail = away
    with session(identity, "memory:", tmp_path) as tracked:
        tracking.log_metric("m", 0.0)
        disk.room = 0
        tracking.log_metric("m", 1.0)
        tracking.log_metric("m", 2.0)
    assert [f.code for f in tracked.findings] == ["PORT500", "PORT505"]
    assert tracked.findings[1].what == "4 records are lost"  # with the duration and the end
    memory.fail = None
    assert spool.sync(tmp_path, "memory:") == []
    assert metrics(memory.only().records) == [0.0]


def test_memory_has_a_limit_too(disk, memory, identity, tmp_path, monkeypatch):
    monkeypatch.setattr(log, "TAIL_LIMIT", 1000)
    with session(identity, "memory:", tmp_path) as tracked:
        disk.room = 0
        for value in range(100):
            tracking.log_metric("m", float(value))
        disk.room = 1 << 30
    held = metrics(memory.only().records)
    assert 5 < len(held) < 100
    assert held == [float(n) for n in range(len(held))]
    assert [f.code for f in tracked.findings] == ["PORT505"]
    assert tracked.findings[0].what == f"{100 - len(held)} records could not be written to the log"


def test_a_file_that_cannot_be_copied_is_sent_from_where_it_lies(
    memory, identity, tmp_path, monkeypatch
):
    file = tmp_path / "model.bin"
    file.write_bytes(b"x" * 100)

    def half(_source, target):
        target.write_bytes(b"x" * 50)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("shutil.copy2", half)
    with session(identity, "memory:", tmp_path / "work") as tracked:
        tracking.log_artifact(file)
        assert [p for p in (tmp_path / "work").rglob("*") if p.name == "model.bin"] == []
    assert [f.code for f in tracked.findings] == ["PORT522"]
    assert [a.path for a in memory.only().of(Artifact)] == [str(file)]
    assert file.exists()


def test_a_file_that_is_gone_when_the_log_is_sent_is_told(memory, identity, tmp_path, away):
    memory.fail = away
    (tmp_path / "report.txt").write_text("x")
    with session(identity, "memory:", tmp_path):
        tracking.log_artifact(tmp_path / "report.txt")
        tracking.log_metric("m", 1.0)
    (copy,) = (tmp_path / "spool").rglob("report.txt")
    copy.unlink()
    memory.fail = None
    (finding,) = spool.sync(tmp_path, "memory:")
    assert (finding.code, "report.txt" in finding.what) == ("PORT520", True)
    assert metrics(memory.only().records) == [1.0]
    assert kept(tmp_path) == []


# The limit


@pytest.mark.parametrize(
    ("limit", "dropped"), [("5000", []), ("3000", ["big"]), ("1.4K", ["big", "mid"]), ("1", None)]
)
def test_files_are_dropped_largest_first_and_records_never(
    limit, dropped, memory, identity, tmp_path, away, monkeypatch
):
    memory.fail = away
    monkeypatch.setenv("INTERMODAL_SPOOL_LIMIT", limit)
    sizes = {"small": 100, "big": 2000, "mid": 900}
    with session(identity, "memory:", tmp_path) as tracked:
        tracking.log_metric("m", 1.0)
        for name, size in sizes.items():
            (tmp_path / name).write_bytes(b"x" * size)
            tracking.log_artifact(tmp_path / name)
    dropped = ["big", "mid", "small"] if dropped is None else dropped
    assert [f.code for f in tracked.findings] == ["PORT500", *["PORT520"] * len(dropped)]
    assert [
        name for f in tracked.findings[1:] for name in sizes if f"`{name}`" in f.what
    ] == dropped
    assert all("INTERMODAL_SPOOL_LIMIT" in f.next for f in tracked.findings[1:])

    memory.fail = None
    findings = spool.sync(tmp_path, "memory:")
    sent = memory.only()
    assert metrics(sent.records) == [1.0]
    assert sorted(Path(a.path).name for a in sent.of(Artifact)) == sorted(set(sizes) - set(dropped))
    assert [n.code for n in sent.of(Note)] == ["PORT520"] * len(dropped)
    assert [f.code for f in findings] == ["PORT520"] * bool(dropped)
    assert sent.status.state == "finished"


@pytest.mark.parametrize(
    ("given", "size"),
    [
        ("", 1 << 30),
        ("10", 10),
        ("2k", 2048),
        ("1.5 MiB", 3 << 19),
        ("1GB", 1 << 30),
        ("x", 1 << 30),
    ],
)
def test_the_limit_is_read(given, size, monkeypatch):
    monkeypatch.setenv("INTERMODAL_SPOOL_LIMIT", given)
    assert keeping.limit() == size


# What is kept


def test_a_kept_log_says_where_it_was_to_go_and_why_it_is_here(memory, identity, tmp_path, away):
    memory.fail = away
    with session(identity, "memory://u:secret@host?token=hidden&a=b", tmp_path):
        tracking.log_metric("m", 1.0)
    assert [f.code for f in spool.sync(tmp_path)] == ["PORT500"]
    (found,) = kept_logs([tmp_path, tmp_path / "spool"], [])
    assert found.log.address == "memory://host?token=***&a=b"
    assert found.log.identity.task == "train"
    assert (found.tries, found.running, found.files) == (2, False, 0)
    assert found.why == "no connection to ***@host"
    assert found.size == found.path.stat().st_size
    assert not any(b"secret" in p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())

    memory.fail = None
    assert spool.sync(tmp_path) == []
    assert list((tmp_path / "spool").iterdir()) == []


def test_a_log_that_does_not_say_where_it_was_to_go_asks(memory, identity, tmp_path):
    log = EventLog(tmp_path / "spool" / "s.jsonl")
    log.begin(replace(identity, session="s"), 1)
    log.close()
    (finding,) = spool.sync(tmp_path)
    assert (finding.code, "--to URI" in finding.next) == ("PORT503", True)
    assert spool.sync(tmp_path, "memory:") == []


@pytest.mark.parametrize(
    ("uri", "bare"),
    [
        ("http://u:p@host:5000/a", "http://host:5000/a"),
        ("http://host:5000", "http://host:5000"),
        ("postgresql://u:a/b@host/db", "postgresql://host/db"),
        ("postgresql://u:p@host/db?sslpassword=x&b=1", "postgresql://host/db?sslpassword=***&b=1"),
        ("sqlite:////a folder/m@il.db", "sqlite:////a folder/m@il.db"),
        ("http://a:b@h jsonl:/place", "http://h jsonl:/place"),
    ],
)
def test_an_address_is_written_down_without_credentials(uri, bare):
    assert bare_address(uri) == bare


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "`postgresql://h/db?user=a&password=x`: no",
            "`postgresql://h/db?user=a&password=***`: no",
        ),
        ("GET https://h/a?sig=x&b=1 failed", "GET https://h/a?sig=***&b=1 failed"),
        ("https://u:x@h/a?design=1", "https://***@h/a?design=1"),
        ("no mysql+pymysql://u:a/b@h/db here", "no mysql+pymysql://***@h/db here"),
        ("https://h/a@b", "https://h/a@b"),
    ],
)
def test_findings_show_addresses_without_credentials(text, shown):
    assert without_password(text) == shown


def test_a_forked_child_does_not_hold_a_lock_that_was_given_up(tmp_path):
    """A worker of the task's own may be forked while the tracker's lock is held, and live long."""
    waits, ends = os.pipe()
    with hold(tmp_path / "lock", 0) as held:
        child = os.fork()
        if not child:
            os.close(ends)
            os.read(waits, 1)
            os._exit(0)
    with hold(tmp_path / "lock", 0) as again:
        assert (held, again) == (True, True)
    os.close(ends)
    os.waitpid(child, 0)
    os.close(waits)


@pytest.mark.parametrize("uri", ["sqlite:///{}m.db", "jsonl:{}runs", "http://h jsonl:{}a/runs"])
def test_a_relative_path_is_written_down_absolute(uri, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert bare_address(uri.format("")) == uri.format(f"{tmp_path}/")


def test_a_tracker_that_refuses_several_logs_is_not_asked_for_each(memory, identity, tmp_path):
    for number in range(6):
        log = EventLog(tmp_path / "spool" / f"{number}.jsonl")
        log.begin(replace(identity, session=str(number)), number, "memory:")
        log.close()
    memory.fail = ValueError("401 Unauthorized")
    done = spool.replay(kept_logs([tmp_path], []), lambda k: k.log.address)
    assert (len(done.kept), len(done.findings), done.sent) == (6, spool.FAILURES, [])
    assert [k.tries for k in kept_logs([tmp_path], [])] == [1, 1, 1, 0, 0, 0]


@pytest.mark.parametrize(
    ("writer", "end", "running"),
    [
        (["here", 0], False, False),
        (["here", os.getppid()], False, True),
        (["elsewhere", 1], False, True),
        (["elsewhere", 1], True, False),
    ],
)
def test_without_locks_the_writer_tells_whether_a_log_is_left_alone(
    writer, end, running, memory, identity, tmp_path, monkeypatch
):
    done = os.fork()
    if not done:
        os._exit(0)
    os.waitpid(done, 0)
    host = keeping.gethostname()
    monkeypatch.setattr(keeping, "lock", lambda _descriptor: None)
    file = EventLog(tmp_path / "spool" / "s.jsonl")
    file.begin(replace(identity, session="s"), 1, "memory:")
    if end:
        file.add(Status("finished", 5))
    file.close()
    header, *rest = file.path.read_text().splitlines(keepends=True)
    named = json.loads(header)
    named["writer"] = [host if writer[0] == "here" else "other-host", writer[1] or done]
    file.path.write_text(json.dumps(named) + "\n" + "".join(rest))
    (found,) = kept_logs([tmp_path], [])
    assert found.running is running
    spool.sync(tmp_path)
    assert len(kept(tmp_path)) == int(running)


# Strictness


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.delenv("INTERMODAL_TRACKING_STRICT", raising=False)
    monkeypatch.setenv("INTERMODAL_WORK", str(tmp_path / "work"))
    context = Context("p", "r", "t", store=str(tmp_path / "store"), tracking="memory:")
    return lambda **more: replace(context, **more)


def answer() -> int:
    return 42


@pytest.mark.parametrize(
    ("strict", "variable", "fails"),
    [(False, "", False), (True, "", True), (False, "1", True), (True, "0", False)],
)
def test_a_strict_task_fails_if_its_records_stay_here(
    strict, variable, fails, memory, away, place, tmp_path, monkeypatch, capsys
):
    memory.fail = away
    monkeypatch.setenv("INTERMODAL_TRACKING_STRICT", variable)

    def attempt():
        return runtime.run(
            answer, context=place(strict=strict), inputs={}, outputs={"return": "value"}
        )

    if fails:
        with pytest.raises(runtime.InfrastructureError, match="PORT521"):
            attempt()
    else:
        assert attempt() == 42
    assert "PORT500" in capsys.readouterr().err

    memory.fail = None
    assert spool.sync(tmp_path) == []
    assert memory.only().status.state == ("failed" if fails else "finished")


def test_a_strict_task_whose_records_arrive_succeeds(memory, place):
    context = place(strict=True)
    assert runtime.run(answer, context=context, inputs={}, outputs={"return": "value"}) == 42


def test_a_strict_task_fails_with_its_own_error_first(memory, away, place):
    memory.fail = away

    def broken() -> int:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        runtime.run(broken, context=place(strict=True), inputs={}, outputs={"return": "value"})


@task
def tracked() -> int:
    tracking.log_metric("m", 1.0)
    return 42


@pipeline
def toy() -> None:
    tracked()


@pytest.mark.parametrize("target", ["airflow@3.3", "airflow@2.11", "kfp@2", "prefect@3"])
@pytest.mark.parametrize("strict", [True, False])
def test_every_target_is_told_to_be_strict(target, strict):
    settings = Settings(tracking="http://mlflow:5000", tracking_strict=strict)
    done = compile_pipeline(toy.trace()[0], Target(*target.split("@")), settings)
    text = "".join(done.files.values())
    assert "http://mlflow:5000" in text
    assert ("strict=True" in text) is strict


# Machines that do not last


@pytest.fixture
def bucket():
    """A store that is not on this machine."""
    import fsspec

    yield "memory://team"
    fsspec.filesystem("memory").store.clear()


def test_on_a_worker_that_does_not_last_records_wait_in_the_store(
    bucket, memory, away, place, tmp_path, capsys
):
    memory.fail = away
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a b.txt").write_text("x")

    def work() -> int:
        tracking.log_metric("m", 1.0)
        tracking.log_artifact(tmp_path / "in")
        return 42

    context = place(store=bucket, pipeline="a/b", strict=True)
    with pytest.raises(runtime.InfrastructureError, match="PORT521"):
        runtime.run(work, context=context, inputs={}, outputs={"return": "value"})
    assert "PORT523" in capsys.readouterr().err
    assert list((tmp_path / "work").rglob("*.*")) == []
    assert parking.waiting(bucket) == 1
    assert ArtifactStore(bucket).records() == []

    (log,) = parking.fetch(bucket, tmp_path / "here")
    assert parking.waiting(bucket) == 0
    assert parking.fetch(bucket, tmp_path / "here") == []
    memory.fail = None
    assert spool.sync(tmp_path / "here") == []
    assert not log.exists()
    sent = memory.only()
    assert metrics(sent.records) == [1.0]
    assert sent.status.state == "failed"
    assert Path(sent.of(Artifact)[0].path).name == "in"


@pytest.mark.parametrize("path", ["{}", "../../{}", "x/../../{}"])
def test_a_fetched_log_sends_no_file_of_this_machine(
    path, bucket, memory, away, place, identity, tmp_path
):
    """A record may name a file where it lay on the worker; here another may lie there."""
    (tmp_path / "own").write_text("of this machine")
    foreign = EventLog(tmp_path / "there" / "spool" / "s.jsonl")
    foreign.begin(replace(identity, session="s"), 1000, "memory:")
    foreign.add(Artifact(path.format(tmp_path / "own"), "", 1001))
    foreign.add(Metric("m", 1.0, 1002))
    foreign.close()
    parking.park(foreign.path, bucket)
    parking.fetch(bucket, tmp_path / "here")
    spool.sync(tmp_path / "here")
    sent = memory.only()
    assert sent.of(Artifact) == []
    assert metrics(sent.records) == [1.0]
    assert [note.code for note in sent.of(Note)] == ["PORT520"]


def test_names_in_the_store_do_not_leave_the_folder(bucket, tmp_path, monkeypatch):
    names = {".spool": [".."], ".spool/..": [".."], ".spool/../..": ["x.jsonl"]}
    storage = type("Odd", (), {"names": lambda _, path: names[path], "read": lambda *_: b""})()
    monkeypatch.setattr(parking, "_open", lambda _: storage)
    with pytest.raises(FindingsError, match="PORT406"):
        parking.fetch(bucket, tmp_path / "a" / "b" / "c")
    assert list(tmp_path.rglob("*.jsonl")) == []


@pytest.mark.parametrize(
    "wrong", [{"attempt": "../1"}, {"index": [[1]]}, {"session": 3}, {"parameters": []}]
)
def test_a_header_of_other_kinds_is_no_log(wrong, identity):
    with pytest.raises(ValueError, match="identity"):
        TaskIdentity.from_json({**asdict(identity), **wrong})


def test_the_end_of_a_run_waits_in_the_store_too(bucket, memory, away, place, tmp_path):
    memory.fail = away
    runtime.close_run(place(store=bucket, task=""), "succeeded")
    assert parking.waiting(bucket) == 1
    parking.fetch(bucket, tmp_path / "here")
    memory.fail = None
    assert spool.sync(tmp_path / "here") == []
    assert memory.runs == {("p", "r"): "finished"}


def test_a_store_that_is_away_too_leaves_them_where_they_are(memory, away, place, tmp_path, capsys):
    memory.fail = away
    runtime.close_run(place(store="nowhere://team", task=""), "succeeded")
    assert "PORT523" in capsys.readouterr().err
    assert len(kept(tmp_path)) == 1


# The time it may take


def test_what_takes_too_long_is_given_up(memory, identity, tmp_path, monkeypatch):
    going_on = threading.Event()
    monkeypatch.setenv("INTERMODAL_TRACKING_BUDGET", "0.01")
    monkeypatch.setattr(memory, "end", lambda *_: going_on.wait(60))
    try:
        with session(identity, "memory:", tmp_path) as tracked:
            tracking.log_metric("m", 1.0)
        (finding,) = tracked.findings
        assert finding.code == "PORT500"
        assert "INTERMODAL_TRACKING_BUDGET" in finding.why
        assert len(kept(tmp_path)) == 1
    finally:
        going_on.set()


def test_what_the_job_gives_or_raises_is_passed_on():
    assert budget.within(60, lambda: 3) == 3
    with pytest.raises(KeyError, match="k"):
        budget.within(60, lambda: {}["k"])
    with pytest.raises(TrackerError, match="too slow"):
        budget.within(0.0, lambda: threading.Event().wait(0.2))


@pytest.mark.parametrize(
    ("given", "limit"),
    [
        ("", 60.0),
        ("7.5", 7.5),
        ("x", 60.0),
        ("nan", 60.0),
        ("-1", 60.0),
        ("inf", threading.TIMEOUT_MAX),
    ],
)
def test_the_budget_is_read_and_grows_with_the_files(given, limit, monkeypatch, tmp_path):
    monkeypatch.setenv("INTERMODAL_TRACKING_BUDGET", given)
    (tmp_path / "s.files" / "1").mkdir(parents=True)
    (tmp_path / "s.files" / "1" / "f").write_bytes(b"x" * 4000)
    assert budget.seconds() == limit
    more = budget.seconds(tmp_path / "s.jsonl")
    assert more == min(limit + 0.001, threading.TIMEOUT_MAX)
