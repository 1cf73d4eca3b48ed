"""The tree in a real MLflow, node by node: on a SQLite file and on a server."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from intermodal import tracking
from intermodal.tracking import spool
from intermodal.tracking.mlflow_names import safe_model_name
from intermodal.tracking.session import DURATION, close_run, open_run, session
from intermodal.tracking.tracker import TaskIdentity

PARAMETERS = {"trees": 50, "floor": 0.95, "names": ["a", "b"], "x=y": "odd"}


@pytest.fixture
def identity(pipeline):
    return TaskIdentity(
        pipeline, "scheduled__'2026-11-21'", "train", target="airflow@3", parameters=PARAMETERS,
        pipeline_hash="abc123", link="http://airflow/run/1/train", run_link="http://airflow/run/1",
    )  # fmt: skip


def test_a_run_with_all_that_can_be_logged(uri, identity, read, tmp_path):  # noqa: PLR0915
    file = tmp_path / "model.bin"
    file.write_text("weights")
    folder = tmp_path / "plots"
    folder.mkdir()
    (folder / "roc.txt").write_text("curve")
    environment = dict(os.environ)

    assert open_run(identity, uri) == []
    with session(identity, uri, tmp_path / "a") as train:
        train.record_inputs({"trees": 50, "rate": 0.1})
        for step in range(3):
            tracking.log_metric("loss", 1.0 / (step + 1))
        tracking.log_metric("lr", 0.5, step=10)
        tracking.log_param("solver", "lbfgs")
        tracking.set_tag("team", "first")
        tracking.set_tag("team", "core")
        tracking.log_artifact(file)
        tracking.log_artifact(folder, "figures")
        tracking.log_text("# Title ☃", "notes/report.md")
        train.record_reference("model", "s3://bucket/model", "f" * 64, "Model")
    with session(replace(identity, task="evaluate", index=(1,)), uri, tmp_path / "b") as evaluate:
        evaluate.record_metrics("", {"accuracy": 0.9, "by": {"class": 0.8}})
    assert train.findings == evaluate.findings == []
    assert close_run(identity, "finished", uri, tmp_path) == []

    tree = read(uri, identity.pipeline)
    assert tree.shape() == [
        (
            identity.run_id,
            "FINISHED",
            "",
            [("evaluate[1]", "FINISHED", "1", []), ("train", "FINISHED", "1", [])],
        )
    ]
    (parent,) = tree.children(None)
    assert {k: v for k, v in parent.data.params.items() if k[:2] != "x_"} == {
        "trees": "50",
        "floor": "0.95",
        "names": '["a", "b"]',
    }
    assert parent.data.metrics == {}
    tags = parent.data.tags
    assert tags["intermodal.pipeline"] == identity.pipeline
    assert tags["intermodal.run_id"] == identity.run_id
    assert tags["intermodal.target"] == "airflow@3"
    assert tags["intermodal.pipeline_hash"] == "abc123"
    assert tags["intermodal.link"] == "http://airflow/run/1"
    (renamed,) = [v for k, v in tags.items() if k.startswith("intermodal.renamed.")]
    assert renamed == "x=y"

    run = tree.named("train")
    assert run.data.params == {"trees": "50", "rate": "0.1", "solver": "lbfgs"}
    assert tree.history(run, "loss") == [(0, 1.0), (1, 0.5), (2, 1.0 / 3)]
    assert tree.history(run, "lr") == [(10, 0.5)]
    assert run.data.metrics["loss"] == 1.0 / 3
    assert run.data.metrics[DURATION] >= 0
    assert run.info.start_time <= run.info.end_time
    assert run.data.tags["team"] == "core"
    assert run.data.tags["intermodal.task"] == "train"
    assert run.data.tags["intermodal.index"] == "[]"
    assert run.data.tags["intermodal.artifact.model.sha256"] == "f" * 64
    assert run.data.tags["intermodal.artifact.model.uri"] == "s3://bucket/model"
    assert tree.files(run) == [
        "figures/plots/roc.txt",
        "intermodal.artifacts.json",
        "model.bin",
        "notes/report.md",
    ]
    local = tree.client.download_artifacts(run.info.run_id, "notes/report.md", str(tmp_path))
    assert Path(local).read_text(encoding="utf-8") == "# Title ☃"

    run = tree.named("evaluate[1]")
    assert run.data.tags["intermodal.index"] == "[1]"
    assert tree.history(run, "accuracy") == [(0, 0.9)]
    assert tree.history(run, "by.class") == [(0, 0.8)]
    assert dict(os.environ) == environment
    assert list(tmp_path.rglob("*.jsonl")) == []


def test_replaying_twice_changes_nothing(uri, identity, read, tmp_path, monkeypatch):
    file = tmp_path / "model.bin"
    file.write_text("weights")
    with monkeypatch.context() as kept, session(identity, uri, tmp_path / "a"):
        kept.setattr(spool, "discard", lambda path: None)
        from intermodal.tracking import session as sessions

        kept.setattr(sessions, "deliver", lambda *_: [])
        for value in (1.0, 2.0, 2.0):
            tracking.log_metric("loss", value)
        tracking.log_param("p", "first")
        tracking.log_param("p", "second")
        tracking.log_param("long", "x" * 9000)
        tracking.log_metric("bad[0]", 1.0)
        tracking.log_artifact(file)
        name = f"model of {identity.pipeline}"
        tracking.register_model(name, file, aliases=["champion"], tags={"stage": "new"})
    shutil.copytree(tmp_path / "a", tmp_path / "copy")
    shutil.copytree(tmp_path / "a", tmp_path / "late")

    first = spool.sync(tmp_path / "a", uri)
    before = read(uri, identity.pipeline).everything()
    again = spool.sync(tmp_path / "copy", uri)
    assert read(uri, identity.pipeline).everything() == before
    assert {f.code for f in first + again} == {"PORT504"}
    assert [f.to_data() for f in first] == [f.to_data() for f in again]

    tree = read(uri, identity.pipeline)
    run = tree.named("train")
    assert tree.history(run, "loss") == [(0, 1.0), (1, 2.0), (2, 2.0)]
    assert run.data.params["p"] == "first"
    assert run.data.tags["intermodal.param_conflict.p"] == "second"
    assert len(run.data.params["long"]) == 6000
    assert run.data.params["long"].endswith("[cut, 9000 characters]")
    assert "intermodal/long/long.txt" in tree.files(run)

    model = safe_model_name(name)
    (version,) = tree.client.search_model_versions(f"name='{model}'")
    assert version.tags["stage"] == "new"
    assert version.tags["intermodal.run_id"] == identity.run_id
    assert tree.client.get_model_version_by_alias(model, "champion").version == version.version

    newer = tree.client.create_model_version(model, version.source + "-2", run.info.run_id)
    tree.client.set_registered_model_alias(model, "champion", newer.version)
    spool.sync(tmp_path / "late", uri)
    found = tree.client.get_model_version_by_alias(model, "champion")
    assert found.version == newer.version, "a late replay took the alias back"


def test_tags_are_the_pipelines_runs_and_never_displace_ours(uri, identity, read, tmp_path):
    tags = {"stage": "new", "a=b": "x", "intermodal.run_id": "no", "long": "x" * 9000}
    tagged = replace(identity, tags={**tags, "mlflow.note.content": "# Why"})
    assert open_run(tagged, uri) == []
    with session(tagged, uri, tmp_path) as tracked:
        pass
    assert tracked.findings == []
    tree = read(uri, identity.pipeline)
    (parent,) = tree.children(None)
    assert parent.data.tags["stage"] == "new"
    assert parent.data.tags["intermodal.run_id"] == identity.run_id
    assert parent.data.tags["mlflow.note.content"] == "# Why"
    assert "x" in [v for k, v in parent.data.tags.items() if k.startswith("a_b-")]
    assert parent.data.tags["long"].endswith("[cut, 9000 characters]")
    (task,) = tree.children(parent.info.run_id)
    assert "stage" not in task.data.tags


@pytest.mark.parametrize("quoted", [False, True])
def test_a_model_is_found_below_a_folder_with_a_percent_sign(uri, identity, read, tmp_path, quoted):
    """The store names folders by quoted run ids, and does not quote them again in its addresses."""
    model = tmp_path / "2026-11-21T05%3A00" / "model.bin"
    model.parent.mkdir()
    model.write_text("weights")
    address = model.as_uri() if quoted else f"file://{model}"
    name = safe_model_name(identity.pipeline)
    with session(identity, uri, tmp_path) as tracked:
        tracking.register_model(name, address)
    assert tracked.findings == []
    tree = read(uri, identity.pipeline)
    (version,) = tree.client.search_model_versions(f"name='{name}'")
    if version.source.startswith("file:"):
        assert version.source == model.as_uri()
    else:
        assert f"models/{name}/model.bin" in tree.files(tree.named("train"))


def test_a_tag_may_name_the_pipelines_run(uri, identity, read, tmp_path):
    named = replace(identity, tags={"mlflow.runName": "nightly"})
    with session(named, uri, tmp_path):
        pass
    assert open_run(named, uri) == []
    ((name, _, _, tasks),) = read(uri, identity.pipeline).shape()
    assert (name, len(tasks)) == ("nightly", 1)


def fail_then_succeed(identity, uri, tmp_path, attempts=(1, 2)):
    def attempt(number, rate, folder):
        with session(replace(identity, attempt=number), uri, tmp_path / folder) as tracked:
            tracked.record_inputs({"trees": 50})
            tracking.log_param("rate", rate)
            for step in range(3):
                tracking.log_metric("loss", rate + step)
            tracking.log_metric("auc", rate)
            if rate < 1:
                tracking.register_model(f"{identity.pipeline}", __file__)
                raise RuntimeError("flaky")
        return tracked

    with pytest.raises(RuntimeError):
        attempt(attempts[0], 0.5, "first")
    return attempt(attempts[1], 1.0, "second")


@pytest.mark.parametrize("attempts", [(1, 2), (1, 1)], ids=["counted", "engine tells no attempt"])
def test_a_retry_neither_duplicates_nor_conflicts(uri, identity, read, tmp_path, attempts):
    tracked = fail_then_succeed(identity, uri, tmp_path, attempts)
    assert tracked.findings == []
    tree = read(uri, identity.pipeline)
    first = ("train", "FAILED", str(attempts[0]), [])
    second = ("train", "FINISHED", str(attempts[1]), [first])
    assert tree.shape() == [(identity.run_id, "RUNNING", "", [second])]
    (parent,) = tree.children(None)
    (run,) = tree.children(parent.info.run_id)
    assert run.data.params == {"trees": "50", "rate": "1.0"}
    assert tree.history(run, "loss") == [(0, 1.0), (1, 2.0), (2, 3.0)]
    assert tree.history(run, "auc") == [(0, 1.0)]
    (earlier,) = tree.children(run.info.run_id)
    assert earlier.data.params["rate"] == "0.5"
    assert earlier.data.tags["intermodal.error"] == "RuntimeError"
    assert earlier.data.tags["intermodal.kind"] == "attempt"
    assert tree.history(earlier, "loss") == [(0, 0.5), (1, 1.5), (2, 2.5)]
    model = safe_model_name(identity.pipeline)
    assert tree.client.search_model_versions(f"name='{model}'") == [], "of a failed attempt"


def test_an_attempt_that_arrives_late_takes_its_place(uri, identity, read, tmp_path, monkeypatch):
    from intermodal.tracking import session as sessions

    with monkeypatch.context() as away:
        away.setattr(sessions, "deliver", lambda *_: [])
        for number in (1, 2, 3):
            with session(replace(identity, attempt=number), uri, tmp_path / str(number)):
                tracking.log_metric("m", float(number))
    for number in (3, 1, 2):
        assert spool.sync(tmp_path / str(number), uri) == []
    tree = read(uri, identity.pipeline)
    earlier = [("train", "FINISHED", "1", []), ("train", "FINISHED", "2", [])]
    (parent,) = tree.children(None)
    (run,) = tree.children(parent.info.run_id)
    assert run.data.tags["intermodal.attempt"] == "3"
    assert sorted(tree.shape(run.info.run_id)) == earlier


def test_more_than_one_batch_of_each(uri, identity, read, tmp_path):
    with session(identity, uri, tmp_path) as tracked:
        for number in range(2500):
            tracking.log_metric("m", float(number))
        for number in range(250):
            tracking.log_param(f"p{number}", "☃" * 3000)
            tracking.set_tag(f"t{number}", "x" * 5000)
    assert tracked.findings == []
    tree = read(uri, identity.pipeline)
    run = tree.named("train")
    assert tree.history(run, "m") == [(n, float(n)) for n in range(2500)]
    assert {len(v) for v in run.data.params.values()} == {3000}
    assert len(run.data.params) == 250
    assert len([t for t in run.data.tags if t[0] == "t" and t[1:].isdigit()]) == 250


def test_odd_names_and_values_all_arrive(uri, identity, read, tmp_path):
    names = [
        "a=b",
        "a[b",
        "../up",
        "x" * 300,
        "sn☃w",
        "lone \udc80",
        "new\nline",
        "nul\x00",
        "/abs",
    ]
    with session(identity, uri, tmp_path) as tracked:
        for number, name in enumerate(names):
            tracking.log_metric(name, float(number))
            tracking.log_param(name, name)
            tracking.set_tag(name, name)
        tracking.set_tag("mlflow.parentRunId", "elsewhere")
        tracking.log_param("empty", "")
        tracking.set_tag("empty", "")
    assert {f.code for f in tracked.findings} == {"PORT504"}
    tree = read(uri, identity.pipeline)
    (parent,) = tree.children(None)
    (run,) = tree.children(parent.info.run_id)
    assert sorted(run.data.metrics.values())[-8:] == [float(n) for n in range(1, 9)]
    assert len(run.data.params) == len(names) + 1
    assert run.data.params["empty"] == ""
    given = [v for k, v in run.data.tags.items() if k.startswith("intermodal.renamed.")]
    assert {"a=b", "a[b", "../up", "/abs", "new\nline"} <= set(given)


def test_the_status_of_a_run_can_be_taken_up_again(uri, identity, read, tmp_path):
    def status():
        (parent,) = read(uri, identity.pipeline).children(None)
        return parent.info.status

    open_run(identity, uri)
    assert status() == "RUNNING"
    close_run(identity, "failed", uri, tmp_path)
    assert status() == "FAILED"
    with session(identity, uri, tmp_path / "late"):
        pass
    assert status() == "FAILED", "a task that is sent late reopened the run"
    open_run(identity, uri)
    assert status() == "RUNNING"
    close_run(identity, "killed", uri, tmp_path)
    assert status() == "KILLED"


def test_another_runs_of_the_same_pipeline_stay_apart(uri, identity, read, tmp_path):
    for run_id in ("one", "two"):
        with session(replace(identity, run_id=run_id), uri, tmp_path / run_id):
            pass
    task = [("train", "FINISHED", "1", [])]
    assert read(uri, identity.pipeline).shape() == [
        ("one", "RUNNING", "", task),
        ("two", "RUNNING", "", task),
    ]


def test_the_users_own_mlflow_is_left_alone(uri, identity, read, tmp_path, monkeypatch):
    import mlflow

    before = mlflow.get_tracking_uri()
    monkeypatch.setenv("MLFLOW_RUN_ID", "0" * 32)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "77")
    with session(identity, uri, tmp_path) as tracked:
        tracking.log_metric("m", 1.0)
    assert tracked.findings == []
    assert os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] == "77"
    assert mlflow.active_run() is None
    assert mlflow.get_tracking_uri() == before
    assert len(read(uri, identity.pipeline).runs) == 2
