"""An MLflow that is away, silent, killed in the middle, or cannot be used: nothing is lost."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from intermodal import tracking
from intermodal.tracking import spool
from intermodal.tracking.log import EventLog
from intermodal.tracking.mlflow import MlflowTracker
from intermodal.tracking.reading import ReadLog
from intermodal.tracking.records import Metric, number_steps
from intermodal.tracking.session import close_run, session
from intermodal.tracking.tracker import TaskIdentity

TASK = """
import sys
from pathlib import Path
from intermodal import tracking
from intermodal.tracking.session import session
from intermodal.tracking.tracker import TaskIdentity

with session(TaskIdentity(sys.argv[1], "run", "train"), sys.argv[2], Path(sys.argv[3])) as tracked:
    for step in range(100):
        tracking.log_metric("loss", float(step))
    if sys.argv[4:] == ["hang"]:
        print("logged", flush=True)
        sys.stdin.read()
print([f.code for f in tracked.findings], "mlflow" in sys.modules)
"""


@pytest.fixture
def identity(pipeline):
    return TaskIdentity(pipeline, "run", "train", parameters={"trees": 50})


def kept(folder):
    return list(folder.rglob("spool/*.jsonl"))


def run_task(*arguments, timeout=None):
    command = [sys.executable, "-c", TASK, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=True)
    return done.stdout.strip()


@pytest.fixture
def silent():
    """A port where connections are accepted by the kernel and nobody ever answers."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(16)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def test_a_server_that_is_away_is_noticed_without_importing_mlflow(identity, tmp_path):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        uri = f"http://127.0.0.1:{unused.getsockname()[1]}"
        said = run_task(identity.pipeline, uri, tmp_path, timeout=60)
    assert said == "['PORT500'] False"
    assert len(kept(tmp_path)) == 1


def test_a_silent_server_is_given_up(identity, silent, tmp_path):
    # MLflow's own waiting would take longer than this timeout; it is not even imported
    assert run_task(identity.pipeline, silent, tmp_path, timeout=60) == "['PORT500'] False"
    assert len(kept(tmp_path)) == 1


@pytest.mark.slow
def test_a_server_killed_between_tasks_gets_the_rest_later(own_server, identity, read, tmp_path):
    own_server.start()
    evaluate = replace(identity, task="evaluate")
    with session(identity, own_server.uri, tmp_path / "a") as first:
        tracking.log_metric("m", 1.0)
    own_server.kill()
    with session(evaluate, own_server.uri, tmp_path / "b") as second:
        tracking.log_metric("m", 2.0)
        tracking.log_text("kept", "note.txt")
    closing = close_run(identity, "finished", own_server.uri, tmp_path)
    assert first.findings == []
    assert [f.code for f in second.findings + closing] == ["PORT500", "PORT500"]
    own_server.start()
    assert spool.sync(tmp_path, own_server.uri) == []
    assert kept(tmp_path) == []
    tree = read(own_server.uri, identity.pipeline)
    tasks = [("evaluate", "FINISHED", "1", []), ("train", "FINISHED", "1", [])]
    assert tree.shape() == [("run", "FINISHED", "", tasks)]
    assert tree.history(tree.named("evaluate"), "m") == [(0, 2.0)]
    assert tree.files(tree.named("evaluate")) == ["note.txt"]


@pytest.mark.slow
def test_a_server_killed_in_the_middle_of_a_log(own_server, identity, read, tmp_path):
    own_server.start()
    identity = replace(identity, session="fixed")
    log = EventLog(tmp_path / "spool" / "fixed.jsonl")
    log.begin(identity, 1000)
    for value in range(3500):
        log.metric("m", float(value))
    log.status("finished")
    log.close()

    def killing(records):
        for record in records:
            if isinstance(record, Metric) and record.value == 2500.0:
                own_server.kill()
            yield record

    tracker = MlflowTracker(own_server.uri)
    tracker.begin(identity, 1000)
    with pytest.raises(Exception, match="API request to http"):
        tracker.replay(identity, killing(number_steps(ReadLog(log.path).records())))
    own_server.start()
    tree = read(own_server.uri, identity.pipeline)
    assert tree.history(tree.named("train"), "m") == [(n, float(n)) for n in range(2000)]

    assert spool.sync(tmp_path, own_server.uri) == []
    tree = read(own_server.uri, identity.pipeline)
    assert tree.shape() == [("run", "RUNNING", "", [("train", "FINISHED", "1", [])])]
    assert tree.history(tree.named("train"), "m") == [(n, float(n)) for n in range(3500)]


@pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL")
def test_a_task_killed_between_log_and_flush(uri, identity, read, tmp_path):
    command = [sys.executable, "-c", TASK, identity.pipeline, uri, str(tmp_path), "hang"]
    task = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE)
    with task:
        assert task.stdout.readline() == b"logged\n"
        assert spool.sync(tmp_path, uri) == [], "the task still runs: its log is left alone"
        assert len(kept(tmp_path)) == 1
        task.send_signal(signal.SIGKILL)
        task.wait()
    assert spool.sync(tmp_path, uri) == []
    tree = read(uri, identity.pipeline)
    assert tree.shape() == [("run", "RUNNING", "", [("train", "KILLED", "1", [])])]
    assert tree.history(tree.named("train"), "loss") == [(n, float(n)) for n in range(100)]


def test_a_file_that_cannot_be_stored_costs_no_metric(uri, identity, read, tmp_path, monkeypatch):
    from mlflow import MlflowClient

    def refuse(*_arguments):
        raise PermissionError("bucket http://key:secret@store is not yours")

    with monkeypatch.context() as store:
        store.setattr(MlflowClient, "log_artifact", refuse)
        with session(identity, uri, tmp_path) as tracked:
            tracking.log_metric("m", 1.0)
            tracking.log_artifact(__file__)
            tracking.register_model("model", __file__)
    (finding,) = tracked.findings
    assert finding.code == "PORT500"
    assert "secret" not in json.dumps(finding.to_data())
    tree = read(uri, identity.pipeline)
    run = tree.named("train")
    assert (run.info.status, run.data.metrics["m"], tree.files(run)) == ("FINISHED", 1.0, [])
    assert spool.sync(tmp_path, uri) == []
    tree = read(uri, identity.pipeline)
    assert len(tree.files(run)) == 2


def test_a_deleted_experiment_is_said(uri, identity, read, tmp_path):
    with session(identity, uri, tmp_path / "a"):
        pass
    client = read(uri, identity.pipeline).client
    client.delete_experiment(client.get_experiment_by_name(identity.pipeline).experiment_id)
    with session(identity, uri, tmp_path / "b") as tracked:
        pass
    (finding,) = tracked.findings
    assert finding.code == "PORT500"
    assert "mlflow experiments restore" in finding.why


@pytest.mark.parametrize(
    ("missing", "words"), [("mlflow", "intermodal[mlflow]"), ("sqlalchemy", "mlflow server")]
)
def test_mlflow_missing_or_slim_is_said(missing, words, identity, tmp_path, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == missing else find(name)
    )
    with session(identity, f"sqlite:///{tmp_path}/x.db", tmp_path / "a") as tracked:
        tracking.log_metric("m", 1.0)
    (finding,) = tracked.findings
    assert (finding.code, finding.severity) == ("PORT503", "warning")
    assert words in finding.next
    assert len(kept(tmp_path)) == 1
    assert not (tmp_path / "x.db").exists()


def test_a_database_that_is_none_is_said(identity, tmp_path):
    (tmp_path / "x.db").write_text("this is no database")
    with session(identity, f"sqlite:///{tmp_path}/x.db", tmp_path / "a") as tracked:
        pass
    assert [f.code for f in tracked.findings] == ["PORT500"]
    assert (tmp_path / "x.db").read_text() == "this is no database"


def test_replaying_is_in_the_time_order_of_logging(uri, identity, read, tmp_path):
    before = int(time.time() * 1000)
    with session(identity, uri, tmp_path):
        tracking.log_metric("m", 1.0)
        tracking.log_metric("m", 2.0)
    after = int(time.time() * 1000)
    tree = read(uri, identity.pipeline)
    run = tree.named("train")
    times = [m.timestamp for m in tree.client.get_metric_history(run.info.run_id, "m")]
    assert all(before <= moment <= after for moment in times)
    assert before <= run.info.start_time <= min(times)
    assert max(times) <= run.info.end_time <= after
