"""`port track`: what is kept is shown, and sent where it was meant to go."""

from __future__ import annotations

import itertools

import pytest

from intermodal import tracking
from intermodal.tracking.jsonl import JsonlTracker
from intermodal.tracking.session import close_run, session
from intermodal.tracking.tracker import TaskIdentity


class Entry:
    name = "jsonl"

    def load(self):
        return JsonlTracker


@pytest.fixture(autouse=True)
def installed(monkeypatch):
    monkeypatch.setattr("intermodal.tracking.tracker._installed", lambda: [Entry()])


@pytest.fixture
def away(project, monkeypatch):
    """A tracker's folder with a file in its way; removing that brings the tracker back."""
    monkeypatch.delenv("INTERMODAL_TRACKING", raising=False)
    monkeypatch.setattr("intermodal.tracking.log.tempfile.gettempdir", lambda: str(project / "tmp"))
    moments = itertools.count(1_790_000_000_000)  # logs of one millisecond have no order among them
    monkeypatch.setattr("intermodal.tracking.session.now", lambda: next(moments))
    blocked = project / "blocked"
    blocked.write_text("")
    for run in ("r1", "r2"):
        work = project / ".intermodal/store/.work/etl" / run
        for task in ("fetch", "total"):
            with session(TaskIdentity("etl", run, task), f"jsonl:{blocked}/runs", work):
                tracking.log_metric("m", 1.0)
        close_run(TaskIdentity("etl", run, ""), "finished", f"jsonl:{blocked}/runs", work)
    return blocked


def attempts(blocked):
    return sorted(p.parent.parent.name for p in blocked.rglob("tasks/*/-/*.jsonl"))


def test_nothing_is_kept(project, call):
    for words in (("status",), ("sync",)):
        done = call("track", *words)
        assert (done.code, done.out) == (0, "nothing is kept: all records were delivered\n")


def test_what_is_kept_is_shown_with_the_reason(away, call):
    said = call("track", "status").out.splitlines()
    assert len(said) == 7
    assert "etl r1" in said[1]
    assert "fetch" in said[1]
    assert "1 time, " in said[1]
    assert f"jsonl:{away}/runs" in said[1]
    assert "(end of the run)" in said[-1]
    rows = call("track", "status", "--run", "r2", "--json").json["logs"]
    assert [row["task"] for row in rows] == ["fetch", "total", ""]
    assert all("blocked" in row["why"] and row["tries"] == 1 for row in rows)


def test_it_is_sent_where_it_was_meant_to_go(away, call):
    still = call("track", "sync")
    assert still.code == 3
    assert "still kept: 4 tasks, 2 ends of runs (2 runs)" in still.out
    assert "PORT500" in still.err
    assert "once it is back: the same command again" in still.err
    away.unlink()
    assert call("track", "sync", "--run", "r1").out == "sent: 2 tasks, 1 end of a run (1 run)\n"
    assert attempts(away) == ["fetch", "total"]
    done = call("track", "sync", "--json")
    assert (done.code, len(done.json["sent"]), done.json["kept"]) == (0, 3, [])
    assert attempts(away) == ["fetch", "fetch", "total", "total"]
    assert call("track", "status").out.startswith("nothing is kept")


def test_another_tracker_can_be_named_and_a_folder(away, call, project):
    work = project / ".intermodal/store/.work/etl/r1"
    done = call("track", "sync", work, "--to", f"jsonl:{project}/other")
    assert done.code == 0
    assert attempts(project / "other") == ["fetch", "total"]
    assert len(call("track", "status", "--json").json["logs"]) == 3


def test_credentials_come_from_the_settings(project, call, monkeypatch):
    asked = []

    class Picky:
        schemes = ("picky",)

        def __init__(self, uri, *, patient=False):
            asked.append(uri)
            raise OSError("away")

    monkeypatch.setattr(Entry, "load", lambda _: Picky)
    with session(
        TaskIdentity("etl", "r", "t"), "picky://u:secret@host", project / ".intermodal/store/.work"
    ):
        pass
    asked.clear()
    assert call("track", "sync").code == 3
    monkeypatch.setenv("INTERMODAL_TRACKING", "picky://u:secret@host")
    assert call("track", "sync").code == 3
    assert asked == ["picky://host", "picky://u:secret@host"]


def test_what_belongs_to_a_running_task_is_left_alone(project, call):
    work = project / ".intermodal/store/.work/etl/r"
    with session(TaskIdentity("etl", "r", "t"), f"jsonl:{project}/runs", work):
        tracking.log_metric("m", 1.0)
        assert "it still runs" in call("track", "status").out
        said = call("track", "sync").out
        assert said == "left alone, because the task still runs: 1 task (1 run)\n"
    assert attempts(project / "runs") == ["t"]


def test_what_waits_in_a_store_elsewhere_is_sent_or_left_there(away, call, project, monkeypatch):
    import fsspec

    from intermodal.tracking.parking import park

    monkeypatch.setenv("INTERMODAL_STORE", "memory://team")
    for log in project.rglob("*.jsonl"):
        park(log, "memory://team")
    assert (
        call("track", "status").out == "6 logs in memory://team; `port track sync` sends it all\n"
    )
    assert call("track", "status", "--json").json["stores"] == {"memory://team": 6}
    assert call("track", "sync").code == 3
    assert call("track", "status", "--json").json["stores"] == {"memory://team": 6}
    away.unlink()
    assert call("track", "sync").out == "sent: 4 tasks, 2 ends of runs (2 runs)\n"
    assert attempts(away) == ["fetch", "fetch", "total", "total"]
    fsspec.filesystem("memory").store.clear()


def test_a_store_that_cannot_be_used_hides_nothing_else(away, call, project):
    (project / "intermodal.toml").write_text('[profiles.prod]\nstore = "nosuch://team"\n')
    done = call("track", "status")
    assert done.code != 0
    assert "`nosuch://team`" in done.err
    assert "etl r1" in done.out
    away.unlink()
    done = call("track", "sync")
    assert (done.code != 0, "`nosuch://team`" in done.err) == (True, True)
    assert done.out == "sent: 4 tasks, 2 ends of runs (2 runs)\n"
    assert call("track", "status").out == "nothing else is kept\n"


def test_a_folder_that_cannot_be_read_is_told(project, call, monkeypatch):
    import os

    real = os.scandir

    def scandir(path):
        if str(path).endswith("spool"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    (project / "runs/spool").mkdir(parents=True)
    monkeypatch.setattr("os.scandir", scandir)
    done = call("track", "status", "runs")
    assert "warning[PORT505]: `runs/spool` cannot be read: Permission denied" in done.err
    assert done.out == "nothing else is kept\n"


def test_wrong_use_is_said(project, call):
    assert call("track", "sync", "--to", "none").code == 2
    assert call("track", "sync", "nowhere").code == 2
