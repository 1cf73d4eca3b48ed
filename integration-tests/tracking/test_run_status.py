"""The pipeline run's status where it follows from its tasks, and attempts that were killed."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import replace

import pytest

from intermodal import tracking
from intermodal.tracking import live
from intermodal.tracking.mlflow_access import Address, connect
from intermodal.tracking.mlflow_runs import Runs
from intermodal.tracking.records import Status
from intermodal.tracking.session import close_run, session
from intermodal.tracking.tracker import TaskIdentity, resolve

WAIT = 60  # seconds after which a test gives up


@pytest.fixture
def first(pipeline):
    """A task that others follow."""
    return TaskIdentity(pipeline, "run", "first", target="kfp@2", last=False)


@pytest.fixture
def end(first):
    """A task after which the pipeline run may end."""
    return replace(first, task="end", last=True)


def run(identity, uri, folder, error=None):
    with suppress(ValueError), session(identity, uri, folder) as tracked:
        if error is not None:
            raise error
    assert tracked.findings == []
    return tracked


def status(read, uri, pipeline):
    (parent,) = read(uri, pipeline).children(None)
    return parent.info.status


def test_a_run_is_finished_by_its_last_task(uri, first, end, read, tmp_path):
    run(first, uri, tmp_path)
    assert status(read, uri, first.pipeline) == "RUNNING"
    run(end, uri, tmp_path)
    assert status(read, uri, first.pipeline) == "FINISHED"


def test_a_failed_task_fails_the_run_and_its_retry_mends_that(uri, first, end, read, tmp_path):
    run(first, uri, tmp_path, ValueError())
    assert status(read, uri, first.pipeline) == "FAILED"
    run(replace(first, attempt=2), uri, tmp_path)
    assert status(read, uri, first.pipeline) == "RUNNING"
    run(end, uri, tmp_path)
    assert status(read, uri, first.pipeline) == "FINISHED"


def test_a_last_task_does_not_hide_that_another_failed(uri, first, end, read, tmp_path):
    run(first, uri, tmp_path, ValueError())
    run(end, uri, tmp_path)
    assert status(read, uri, first.pipeline) == "FAILED"


def test_of_two_last_tasks_the_later_one_ends_the_run(uri, first, end, read, tmp_path, monkeypatch):
    monkeypatch.setattr(live, "FIRST", 0)
    monkeypatch.setattr(live, "EVERY", 0.05)
    run(end, uri, tmp_path)
    assert status(read, uri, first.pipeline) == "FINISHED"
    with session(replace(end, task="other"), uri, tmp_path) as other:
        wait_until(lambda: status(read, uri, first.pipeline) == "RUNNING")
        run(replace(end, task="third"), uri, tmp_path)
        assert status(read, uri, first.pipeline) == "RUNNING"
    assert other.findings == []
    assert status(read, uri, first.pipeline) == "FINISHED"


def test_where_an_engine_tells_tasks_do_not(uri, first, end, read, tmp_path):
    told = replace(end, last=None)
    run(told, uri, tmp_path, ValueError())
    assert status(read, uri, first.pipeline) == "RUNNING"
    assert close_run(told, "failed", uri, tmp_path) == []
    run(replace(told, task="late"), uri, tmp_path)
    assert status(read, uri, first.pipeline) == "FAILED"


def test_an_attempt_that_was_killed_does_not_run_for_ever(uri, first, read, tmp_path):
    address = Address(uri)
    runs = Runs(connect(address), address, first)
    runs.of_attempt(replace(first, session=f"{first.pipeline}-killed"), 1000)
    run(replace(first, attempt=2), uri, tmp_path)
    ((_, _, _, (newest,)),) = read(uri, first.pipeline).shape()
    assert newest == ("first", "FINISHED", "2", [("first", "KILLED", "1", [])])


def test_metrics_are_seen_while_the_task_runs(uri, first, read, tmp_path, monkeypatch):
    monkeypatch.setattr(live, "FIRST", 0)
    monkeypatch.setattr(live, "EVERY", 0.05)
    file = tmp_path / "weights.txt"
    file.write_text("w")

    def seen():
        tree = read(uri, first.pipeline)
        found = [run for run in tree.runs if run.info.run_name == "first"]
        return [v for run in found for v in tree.history(run, "loss")]

    with session(first, uri, tmp_path / "work") as tracked:
        for step in range(3):
            tracking.log_metric("loss", 1.0 / (step + 1))
            wait_until(lambda wanted=step + 1: len(seen()) == wanted)
        tracking.log_artifact(file)
        tracking.log_metric("loss", 0.1)
    assert tracked.findings == []
    tree = read(uri, first.pipeline)
    assert tree.shape()[0][3] == [("first", "FINISHED", "1", [])]
    assert seen() == [(0, 1.0), (1, 0.5), (2, 1.0 / 3), (3, 0.1)]
    assert tree.files(tree.named("first")) == ["weights.txt"]


def test_pages_name_the_runs(shared_server, first, read, tmp_path):
    tracked = run(first, shared_server.uri.replace("//", "//user:secret@"), tmp_path)
    tree = read(shared_server.uri, first.pipeline)
    ((parent,), task) = tree.children(None), tree.named("first")
    root = f"{shared_server.uri}/#/experiments/{parent.info.experiment_id}/runs/"
    assert (tracked.run_url, tracked.url) == (root + parent.info.run_id, root + task.info.run_id)
    assert resolve(shared_server.uri).pages(first).run == ""


def wait_until(holds):
    """Look again and again, for as long as that may take on a busy machine."""
    pause = threading.Event()
    for _ in range(WAIT * 20):
        if holds():
            return
        pause.wait(0.05)
    pytest.fail("it did not come")


def test_a_task_that_nobody_ended_is_killed_with_its_run(uri, first, read, tmp_path):
    """It was sent while it ran, and then its process died: the engine that closes the run knows."""
    tracker = resolve(uri)
    tracker.begin(replace(first, last=None, session="one"), 1000)
    assert close_run(first, "failed", uri, tmp_path) == []
    assert read(uri, first.pipeline).shape() == [
        ("run", "FAILED", "", [("first", "KILLED", "1", [])])
    ]


def test_a_late_log_does_not_set_an_ended_run_running_again(uri, first, end, read):
    """The server was away when `first` ended, and its log came with a sync after the run's end."""
    tracker = resolve(uri)
    for identity, moment in ((end, 9000), (first, 5000)):
        attempt = replace(identity, session=f"{first.pipeline}-{identity.task}")
        tracker.begin(attempt, 1000)
        tracker.replay(attempt, [Status("finished", moment)])
        tracker.end(attempt, Status("finished", moment))
    (parent,) = read(uri, first.pipeline).children(None)
    assert (parent.info.status, parent.info.end_time) == ("FINISHED", 9000)


def test_an_end_that_comes_late_does_not_end_a_resumed_run(uri, first, read):
    tracker = resolve(uri)
    for session_id, state, moment in (("resumed", "finished", 9000), ("late", "failed", 5000)):
        tracker.close_run(replace(first.of_run, session=session_id), Status(state, moment))
    (parent,) = read(uri, first.pipeline).children(None)
    assert (parent.info.status, parent.info.end_time) == ("FINISHED", 9000)
