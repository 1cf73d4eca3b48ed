"""What one task can record, in a real MLflow: on a SQLite file and on a server."""

from __future__ import annotations

import json
import os
import shutil
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from mlflow.entities import LoggedModelStatus
from mlflow.tracking._tracking_service.utils import _use_tracking_uri

from intermodal import tracking
from intermodal.runtime import Context, run
from intermodal.tracking import spool
from intermodal.tracking.reading import ReadLog
from intermodal.tracking.records import Status, Used
from intermodal.tracking.session import session
from intermodal.tracking.spool import Sending, send_part
from intermodal.tracking.tracker import TaskIdentity, resolve


@pytest.fixture
def identity(pipeline):
    return TaskIdentity(pipeline, "run-1", "train", code_hash="c" * 64)


@pytest.fixture
def kept(monkeypatch):
    """Within it, sessions keep their logs instead of sending them."""
    with monkeypatch.context() as patch:
        patch.setattr("intermodal.tracking.session.deliver", lambda *_given: [])
        yield


@pytest.fixture
def whole(read):
    """All that a replay could change, with what belongs to this area besides."""

    def everything(uri, pipeline):
        tree = read(uri, pipeline)
        found = tree.everything()
        for run_ in sorted(tree.runs, key=lambda r: r.info.run_id):
            found.append(sorted(json.dumps(x.to_dictionary()) for x in inputs(run_)))
            found.append(sorted(m.model_id for m in outputs(run_)))
        experiment = tree.client.get_experiment_by_name(pipeline)
        models = tree.client.search_logged_models([experiment.experiment_id])
        found += sorted(json.dumps(m.to_dictionary(), sort_keys=True, default=str) for m in models)
        return found

    return everything


def inputs(run_):
    return run_.inputs.dataset_inputs if run_.inputs else []


def outputs(run_):
    return run_.outputs.model_outputs if run_.outputs else []


def contents(tree, run_, path):
    return json.loads(Path(tree.client.download_artifacts(run_.info.run_id, path)).read_text())


def log_everything(folder):
    """One of each that a task may record."""
    from matplotlib.figure import Figure

    data = folder / "rows.csv"
    data.write_text("a,b\n1,2\n")
    weights = folder / "weights.bin"
    weights.write_text("weights")
    figure = Figure()
    figure.subplots().plot([1, 2, 3])
    tracking.log_metrics({"loss": 0.5, "odd[0]": 1.0})
    tracking.log_param("trees", 50)
    tracking.log_dict({"a": [1, float("nan")], "b": {"c": "☃"}}, "settings.json")
    tracking.log_dict({"a": 1}, "conf/settings.yaml")
    tracking.log_table(
        {"text": ["<script>alert(1)</script>", "b"], "n": [1.5, float("nan")]}, "t.json"
    )
    tracking.log_table([{"text": "c", "more": True}], "t.json")
    tracking.log_figure(figure, "figures/curve.png")
    tracking.log_input(pd.DataFrame({"x": [1, 2], "y": ["a", "b"]}), "frame", "evaluation")
    tracking.log_input(data)
    tracking.log_input("s3://user:secret@bucket/rows.parquet?X-Signature=secret&versionId=7")
    tracking.log_model(weights, "by path", params={"depth": 3}, tags={"stage": "new"})
    tracking.log_model({"weights": [1, 2]}, "in memory")
    tracking.log_model("s3://bucket/model", "elsewhere")


def test_all_that_a_task_can_record(uri, identity, read, tmp_path):
    with session(identity, uri, tmp_path / "run") as tracked:
        log_everything(tmp_path)
        tracked.record_environment({"python": "3.11", "source": "a.py", "git_commit": "f" * 40}, {})
        tracked.record_environment({"git_dirty": "false"}, {"numpy": "2.0"})
        tracked.record_used(
            "rows", f"file://{tmp_path}/p/r/prepare/-/1/return/content", "a" * 64, "Dataset"
        )
    assert {f.code for f in tracked.findings} == {"PORT504"}

    tree = read(uri, identity.pipeline)
    task = tree.named("train")
    assert task.data.tags["intermodal.code_hash"] == "c" * 64
    assert task.data.tags["mlflow.source.git.commit"] == "f" * 40
    assert task.data.tags["mlflow.source.git.dirty"] == "false"
    assert task.data.tags["mlflow.source.name"] == "a.py"
    assert task.data.tags["mlflow.source.type"] == "LOCAL"
    assert task.data.tags["intermodal.input.rows.sha256"] == "a" * 64
    assert tree.files(task) == [
        "conf/settings.yaml", "figures/curve.png", "intermodal/environment.json", "settings.json", "t.json",
    ]  # fmt: skip
    assert contents(tree, task, "settings.json") == {"a": [1, None], "b": {"c": "☃"}}
    environment = contents(tree, task, "intermodal/environment.json")
    assert environment["packages"] == {"numpy": "2.0"}
    assert environment["git_dirty"] == "false"
    assert contents(tree, task, "t.json") == {
        "columns": ["text", "n", "more"],
        "data": [["<script>alert(1)</script>", 1.5, None], ["b", None, None], ["c", None, True]],
    }
    with _use_tracking_uri(uri):
        loaded = tree.client.load_table(task.info.experiment_id, "t.json", [task.info.run_id])
    assert list(loaded["text"]) == ["<script>alert(1)</script>", "b", "c"]

    data = {item.dataset.name: item for item in inputs(task)}
    assert set(data) == {"frame", "rows.csv", "rows.parquet", "prepare"}
    assert "secret" not in json.dumps([item.to_dictionary() for item in inputs(task)])
    assert json.loads(data["rows.parquet"].dataset.source) == {
        "uri": "s3://bucket/rows.parquet?versionId=7"
    }
    columns = json.loads(data["frame"].dataset.schema)["mlflow_colspec"]
    assert [(c["name"], c["type"]) for c in columns] == [("x", "long"), ("y", "string")]
    contexts = {name: {t.key: t.value for t in item.tags} for name, item in data.items()}
    assert {name: tags["mlflow.data.context"] for name, tags in contexts.items()} == {
        "frame": "evaluation", "rows.csv": "training", "rows.parquet": "training", "prepare": "input",
    }  # fmt: skip
    assert data["prepare"].dataset.digest == "a" * 36
    assert contexts["prepare"]["intermodal.name"] == "rows"

    models = [tree.client.get_logged_model(m.model_id) for m in outputs(task)]
    assert {m.name: m.status for m in models} == dict.fromkeys(
        ("by path", "in memory", "elsewhere"), LoggedModelStatus.READY
    )
    named = {m.name: m for m in models}
    assert named["by path"].params == {"depth": "3"}
    assert named["by path"].tags["stage"] == "new"
    assert named["elsewhere"].tags["intermodal.uri"] == "s3://bucket/model"
    files = tree.client.list_logged_model_artifacts(named["by path"].model_id)
    assert [file.path for file in files] == ["weights.bin"]
    assert tree.client.list_logged_model_artifacts(named["elsewhere"].model_id) == []


@pytest.mark.usefixtures("kept")
def test_sending_it_again_changes_nothing(uri, identity, whole, tmp_path):
    with session(identity, uri, tmp_path / "run"):
        log_everything(tmp_path)
        tracking.register_model(f"model of {identity.pipeline}", tmp_path / "weights.bin")
    shutil.copytree(tmp_path / "run", tmp_path / "copy")
    first = spool.sync(tmp_path / "run", uri)
    before = whole(uri, identity.pipeline)
    again = spool.sync(tmp_path / "copy", uri)
    assert whole(uri, identity.pipeline) == before
    assert {f.code for f in first + again} == {"PORT504"}


@pytest.mark.usefixtures("kept")
def test_parts_of_a_growing_log_upload_nothing_and_change_nothing(
    uri, identity, read, whole, tmp_path
):
    with session(identity, uri, tmp_path / "run"):
        log_everything(tmp_path)
        (path,) = tmp_path.rglob("*.jsonl")
        tracker, sending = resolve(uri), Sending()
        send_part(ReadLog(path), tracker, sending, lambda: False)
        tree = read(uri, identity.pipeline)
        task = tree.named("train")
        assert task.data.metrics["loss"] == 0.5
        assert task.data.params == {"trees": "50"}
        assert (tree.files(task), inputs(task), outputs(task)) == ([], [], [])
        tracking.log_metric("loss", 0.25)
        send_part(ReadLog(path), tracker, sending, lambda: False)
        send_part(ReadLog(path), tracker, Sending(), lambda: False)  # as by one that forgot all
    (finding,) = spool.sync(tmp_path / "run", uri)
    assert "`odd[0]` is recorded as" in finding.what
    tree = read(uri, identity.pipeline)
    assert tree.history(tree.named("train"), "loss") == [(0, 0.5), (1, 0.25)]
    (odd,) = [name for name in tree.named("train").data.metrics if name.startswith("odd")]
    assert tree.history(tree.named("train"), odd) == [(0, 1.0)]
    assert len(outputs(tree.named("train"))) == 3


@pytest.mark.usefixtures("kept")
def test_the_same_log_sent_by_two_at_once_makes_one_of_each(uri, identity, read, tmp_path):
    with session(identity, uri, tmp_path / "one"):
        log_everything(tmp_path)
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    meeting = threading.Barrier(2)

    def send(folder):
        meeting.wait(60)
        spool.sync(folder, uri)

    threads = [threading.Thread(target=send, args=(tmp_path / name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tree = read(uri, identity.pipeline)
    experiment = tree.client.get_experiment_by_name(identity.pipeline).experiment_id
    models = tree.client.search_logged_models([experiment])
    assert sorted(m.name for m in models) == ["by path", "elsewhere", "in memory"]
    task = tree.named("train")
    assert {m.model_id for m in outputs(task)} == {m.model_id for m in models}
    assert sorted(item.dataset.name for item in inputs(task)) == [
        "frame",
        "rows.csv",
        "rows.parquet",
    ]
    assert list(tmp_path.rglob("*.jsonl")) == []


def test_tasks_that_take_the_same_data_at_once_share_its_entry(uri, identity, read, tmp_path):
    """MLflow itself looks for the dataset first and then inserts it, so that others may be faster."""
    meeting = threading.Barrier(8)
    failed = []

    def send(number):
        task = replace(identity, index=(number,), session=f"{number:032d}")
        record = Used("rows", "file:///s/p/r/prepare/-/1/return/content", "a" * 64, "Dataset", 1)
        tracker = resolve(uri)
        tracker.begin(task, 1)
        meeting.wait(60)
        failed.extend(tracker.replay(task, [record, Status("finished", 2)]))

    threads = [threading.Thread(target=send, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    tree = read(uri, identity.pipeline)
    tasks = [r for r in tree.runs if r.info.run_name.startswith("train")]
    assert [[item.dataset.name for item in inputs(r)] for r in tasks] == [["prepare"]] * 8


def test_a_killed_task_keeps_what_it_had_recorded(uri, identity, read, tmp_path):
    if (child := os.fork()) == 0:
        with session(identity, uri, tmp_path / "run"):
            log_everything(tmp_path)
            os._exit(9)
    os.waitpid(child, 0)
    spool.sync(tmp_path / "run", uri)
    task = read(uri, identity.pipeline).named("train")
    assert task.info.status == "KILLED"
    assert (len(inputs(task)), len(outputs(task))) == (3, 3)


def test_a_retry_has_its_own_entries(uri, identity, read, tmp_path):
    for attempt in (1, 2):
        with session(replace(identity, attempt=attempt), uri, tmp_path) as tracked:
            log_everything(tmp_path)
            if attempt == 1:
                tracked.mark("failed", "ValueError")
    tree = read(uri, identity.pipeline)
    attempts = [r for r in tree.runs if r.info.run_name == "train"]
    assert sorted(r.info.status for r in attempts) == ["FAILED", "FINISHED"]
    assert [len(outputs(r)) for r in attempts] == [3, 3]


def test_artifacts_are_recorded_by_reference(uri, pipeline, read, tmp_path):
    """Tasks as engines run them: a dataset, a model and metrics go by the store alone."""
    from sklearn.linear_model import LinearRegression

    from intermodal import Metrics

    def prepare() -> pd.DataFrame:
        return pd.DataFrame({"x": [1.0, 2.0]})

    def fit(rows: pd.DataFrame) -> LinearRegression:
        tracking.log_input(rows, "rows as given", "training")
        return LinearRegression().fit(rows[["x"]], rows["x"])

    def score(model: LinearRegression) -> Metrics:
        return Metrics(slope=model.coef_[0])

    context = Context(
        pipeline=pipeline,
        run_id="r1",
        task="",
        store=str(tmp_path / "store"),
        tracking=uri,
        target="airflow@3",
    )

    def ran(function, tag, **given):
        return run(
            function,
            context=replace(context, task=function.__name__),
            inputs=given,
            outputs={"return": tag},
        )

    rows = ran(prepare, "Dataset")
    model = ran(fit, "Model", rows=rows)
    ran(score, "Metrics", model=model)

    tree = read(uri, pipeline)
    made, used, scored = (tree.named(name) for name in ("prepare", "fit", "score"))
    (given,) = inputs(made)
    taken = {item.dataset.name: item for item in inputs(used)}
    ref = rows["$artifact"]
    assert (given.dataset.name, given.dataset.digest) == ("prepare", ref["sha256"][:36])
    assert {t.key: t.value for t in given.tags}["mlflow.data.context"] == "output"
    assert json.loads(given.dataset.source) == {"uri": ref["uri"]}
    assert taken["prepare"].dataset.digest == given.dataset.digest
    assert taken["rows as given"].dataset.digest == given.dataset.digest
    (output,) = outputs(used)
    entry = tree.client.get_logged_model(output.model_id)
    assert (entry.name, entry.status) == ("fit", LoggedModelStatus.READY)
    assert entry.tags["intermodal.uri"] == model["$artifact"]["uri"]
    taken = tree.client.get_run(scored.info.run_id).inputs.model_inputs  # searches leave it out
    assert [item.model_id for item in taken] == [entry.model_id]
    assert scored.data.metrics["slope"] == pytest.approx(1.0)
    for task in (made, used, scored):
        assert not [path for path in tree.files(task) if not path.startswith("intermodal")]
        assert len(task.data.tags["intermodal.code_hash"]) == 64
        assert task.data.tags["mlflow.source.type"] == "JOB"
        assert task.data.tags["mlflow.source.name"].endswith("test_mlflow_content.py")
    environment = contents(tree, used, "intermodal/environment.json")
    assert environment["packages"]["pandas"] == pd.__version__
    assert environment["python"].startswith("3.")


def test_a_model_that_is_returned_is_not_uploaded(uri, pipeline, read, tmp_path):
    from sklearn.linear_model import LinearRegression

    def fit() -> LinearRegression:
        model = LinearRegression().fit([[1.0], [2.0]], [1.0, 2.0])
        tracking.log_model(model, "best so far", params={"depth": 2})
        return model

    context = Context(
        pipeline=pipeline, run_id="r1", task="fit", store=str(tmp_path / "s"), tracking=uri
    )
    ref = run(fit, context=context, inputs={}, outputs={"return": "Model"})["$artifact"]
    tree = read(uri, pipeline)
    (output,) = outputs(tree.named("fit"))
    entry = tree.client.get_logged_model(output.model_id)
    assert (entry.name, entry.tags["intermodal.uri"]) == ("best so far", ref["uri"])
    assert entry.params == {"depth": "2"}
    assert tree.client.list_logged_model_artifacts(entry.model_id) == []


def test_a_server_without_entries_of_models_keeps_the_files(
    uri, identity, read, tmp_path, monkeypatch
):
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException
    from mlflow.protos.databricks_pb2 import ENDPOINT_NOT_FOUND

    def missing(*_given, **_named):
        raise MlflowException("404", error_code=ENDPOINT_NOT_FOUND)

    with monkeypatch.context() as old:
        old.setattr(MlflowClient, "search_logged_models", missing)
        with session(identity, uri, tmp_path / "run") as tracked:
            log_everything(tmp_path)
    tree = read(uri, identity.pipeline)
    files = tree.files(tree.named("train"))
    assert "models/by path/weights.bin" in files
    assert {f.code for f in tracked.findings} == {"PORT504"}
    assert len(inputs(tree.named("train"))) == 3
    assert list(tmp_path.rglob("*.jsonl")) == []


@pytest.mark.filterwarnings("default")  # of MLflow's, about pickles
def test_a_model_by_its_flavor_can_be_loaded_by_mlflow(uri, identity, read, tmp_path):
    import mlflow
    from sklearn.linear_model import LinearRegression

    model = LinearRegression().fit([[1.0], [2.0]], [1.0, 2.0])
    with session(identity, uri, tmp_path / "run") as tracked:
        tracking.log_model(model, "line", flavor="sklearn")
        tracking.log_model(model, "other", flavor="nothing")
    assert [f.code for f in tracked.findings] == ["PORT501"]
    tree = read(uri, identity.pipeline)
    (output,) = outputs(tree.named("train"))
    folder = tmp_path / "got"
    folder.mkdir()
    with _use_tracking_uri(uri):
        loaded = mlflow.sklearn.load_model(f"models:/{output.model_id}", dst_path=str(folder))
    assert loaded.predict([[3.0]])[0] == pytest.approx(3.0)


@pytest.mark.filterwarnings("default")  # of MLflow's and scikit-learn's, about each other
def test_autologging_ends_in_the_tasks_run(uri, identity, read, tmp_path, monkeypatch):
    import mlflow
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV

    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/own.db")
    monkeypatch.setenv("MLFLOW_RUN_ID", "f" * 32)
    before = dict(os.environ)
    x, y = np.arange(20.0).reshape(20, 1), np.array([0, 1] * 10)
    with session(identity, uri, tmp_path / "run") as tracked:
        with tracking.autolog("sklearn"):
            GridSearchCV(LogisticRegression(), {"C": [0.5, 1.0]}, cv=2).fit(x, y)
        LogisticRegression(C=7.0).fit(x, y)  # outside the block
        with pytest.raises(ValueError, match="mine"), tracking.autolog("sklearn"):
            raise ValueError("mine")
    assert tracked.findings == []
    assert {k: v for k, v in os.environ.items() if k.startswith("MLFLOW")} == {
        k: v for k, v in before.items() if k.startswith("MLFLOW")
    }
    assert mlflow.active_run() is None
    assert not (tmp_path / "own.db").exists()
    tree = read(uri, identity.pipeline)
    assert len(tree.runs) == 2
    task = tree.named("train")
    assert task.data.params["best_C"] in ("0.5", "1.0")
    assert task.data.tags["estimator_name"] == "GridSearchCV"
    assert task.data.metrics["training_score"] >= 0.0
    assert "cv_results.csv" in tree.files(task)
    children = contents(tree, task, "autolog/children.json")
    assert len(children["data"]) == 2
    assert [item.dataset.name for item in inputs(task)] == ["dataset"]
