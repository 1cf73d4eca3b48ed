"""Runs read back from a real MLflow: on a SQLite file and on a server."""

from __future__ import annotations

from dataclasses import replace

import pytest

from intermodal import tracking
from intermodal.tracking import mlflow_facts
from intermodal.tracking.facts import OutputFact, ReadableTracker, UsageTracker
from intermodal.tracking.session import DURATION, close_run, open_run, session
from intermodal.tracking.tracker import TaskIdentity, resolve

RUN_ID = "scheduled__'2026-11-21'\"%_"
PARAMETERS = {"trees": 50, "floor": 0.95, "x=y": "odd"}
STORE = "s3://bucket/p/r/train/-/1"


@pytest.fixture
def identity(pipeline):
    return TaskIdentity(
        pipeline, RUN_ID, "train", target="airflow@3", parameters=PARAMETERS,
        pipeline_hash="abc123", code_hash="c" * 64,
    )  # fmt: skip


@pytest.fixture
def ran(uri, identity, tmp_path):
    """A run with a task that was tried twice, one in a loop, and one that failed."""
    assert open_run(identity, uri) == []
    with session(identity, uri, tmp_path / "a") as first:
        tracking.log_metric("loss", 9.0)
        first.mark("failed", "ValueError")
    with session(replace(identity, attempt=2), uri, tmp_path / "b") as second:
        second.record_inputs({"trees": 50, "odd=name": "x"})
        for number in range(2):
            second.record_used("rows", f"s3://bucket/{number}", f"{number}" * 64, "Dataset")
        for step in range(3):
            tracking.log_metric("loss", 1.0 / (step + 1))
        tracking.log_metric("a=b", 3)
        second.record_reference("return", f"{STORE}/return/content", "f" * 64, "Model")
        second.record_reference("out[0]", f"{STORE}/out%5B0%5D/content", "e" * 64, "Dataset")
    with session(replace(identity, task="score", index=(10,)), uri, tmp_path / "c"):
        pass
    with session(replace(identity, task="score", index=(9,)), uri, tmp_path / "d") as scored:
        scored.set_tag("intermodal.cached", "true")
    assert close_run(identity, "failed", uri, tmp_path) == []
    return identity


def test_a_run_and_the_newest_attempts_of_its_tasks(ran, uri):
    tracker = resolve(uri)
    assert isinstance(tracker, ReadableTracker)
    (run,) = tracker.find_runs(ran.run_id)
    assert (run.pipeline, run.run_id, run.target) == (ran.pipeline, ran.run_id, "airflow@3")
    assert (run.state, run.pipeline_hash) == ("failed", "abc123")
    assert run.parameters == {"trees": "50", "floor": "0.95", "x=y": "odd"}
    assert [task.instance for task in run.tasks] == ["score[9]", "score[10]", "train"]
    assert [task.cached for task in run.tasks] == [True, False, False]
    train = run.tasks[-1]
    assert (train.attempt, train.state, train.code_hash) == (2, "finished", "c" * 64)
    assert train.parameters == {"trees": "50", "odd=name": "x"}
    assert train.metrics.keys() == {"loss", "a=b", DURATION}
    assert (train.metrics["loss"], train.metrics["a=b"]) == (1 / 3, 3.0)
    assert train.outputs == {
        "return": OutputFact(f"{STORE}/return/content", "f" * 64, "Model"),
        "out[0]": OutputFact(f"{STORE}/out%5B0%5D/content", "e" * 64, "Dataset"),
    }
    assert {name: fact.uri for name, fact in train.inputs.items()} == {
        "rows": "s3://bucket/0",
        "rows[1]": "s3://bucket/1",
    }
    assert train.ended >= train.started > 0
    if uri.startswith("http"):
        assert run.page.startswith(f"{uri}/#/experiments/")
        assert train.page.startswith(f"{uri}/#/experiments/")
    else:
        assert run.page == train.page == ""


def test_by_the_trackers_own_id_and_by_how_an_id_begins(ran, uri):
    tracker = resolve(uri)
    (run,) = tracker.find_runs(RUN_ID, ran.pipeline)
    assert [tracker.find_runs(run.tracker_id)] == [[run]]
    assert tracker.find_runs("scheduled__'2026", ran.pipeline) == [run]
    assert tracker.find_runs("scheduled__x2026", ran.pipeline) == []
    assert tracker.find_runs(RUN_ID, "another") == []
    assert tracker.find_runs(run.tracker_id, "another") == []
    assert tracker.find_runs("f" * 32) == []
    assert tracker.find_runs("", "another") == []


def test_a_whole_id_goes_before_one_that_begins_so(uri, identity, tmp_path):
    for run_id in ("r1", "r10", "r11"):
        open_run(replace(identity, run_id=run_id), uri)
    tracker = resolve(uri)
    assert [run.run_id for run in tracker.find_runs("r1", identity.pipeline)] == ["r1"]
    found = tracker.find_runs("r", identity.pipeline)
    assert sorted(run.run_id for run in found) == ["r1", "r10", "r11"]


def test_deleted_runs_are_not_found(ran, uri, read):
    tree = read(uri, ran.pipeline)
    tree.client.delete_run(tree.named("score[9]").info.run_id)
    (run,) = resolve(uri).find_runs(RUN_ID, ran.pipeline)
    assert [task.instance for task in run.tasks] == ["score[10]", "train"]
    (parent,) = tree.children(None)
    tree.client.delete_run(parent.info.run_id)
    assert resolve(uri).find_runs(RUN_ID, ran.pipeline) == []
    assert resolve(uri).find_runs(parent.info.run_id) == []


def test_many_tasks_take_several_pages(uri, identity, tmp_path, monkeypatch):
    monkeypatch.setattr(mlflow_facts, "PAGE", 2)
    monkeypatch.setattr(mlflow_facts, "EXPERIMENTS", 1)
    for number in range(5):
        with session(replace(identity, index=(number,)), uri, tmp_path / str(number)):
            pass
    (run,) = resolve(uri).find_runs(RUN_ID, identity.pipeline)
    assert [task.index for task in run.tasks] == [(0,), (1,), (2,), (3,), (4,)]


def test_what_is_in_use(uri, identity, tmp_path):
    file = tmp_path / "model.bin"
    file.write_text("weights")
    name = f"in use {uri[:4]}"
    assert open_run(identity, uri) == []
    with session(identity, uri, tmp_path / "a"):
        tracking.register_model(name, file, aliases=["champion"])
    tracker = resolve(uri)
    assert isinstance(tracker, UsageTracker)

    def is_open():
        return [run for run in tracker.find_open_runs() if run.pipeline == identity.pipeline]

    (run,) = is_open()
    assert (run.run_id, run.state, run.tasks) == (RUN_ID, "running", ())
    close_run(identity, "finished", uri, tmp_path)
    assert is_open() == []
    found = [one for one in tracker.find_versions() if one.name == name]
    assert [one.version for one in found] == ["1"]
    assert f"/models/{name}" in found[0].uri


def test_reading_makes_no_database(tmp_path):
    tracker = resolve(f"sqlite:///{tmp_path}/none/mlflow.db")
    assert tracker.find_runs("x") == tracker.find_open_runs() == tracker.find_versions() == []
    assert list(tmp_path.iterdir()) == []
