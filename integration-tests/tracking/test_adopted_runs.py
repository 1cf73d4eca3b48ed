"""Runs that an engine has made in MLflow itself, as KFP's own integration does: ours go into them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from intermodal import runtime, tracking
from intermodal.tracking.session import session
from intermodal.tracking.tracker import TaskIdentity


@pytest.fixture
def client(uri):
    from mlflow import MlflowClient

    return MlflowClient(uri, registry_uri=uri)


@pytest.fixture
def own(client, pipeline):
    """What the engine has made: an experiment, a run for the pipeline run, and runs of tasks."""

    class Own:
        experiment = client.create_experiment(f"{pipeline} of the engine")
        parent = client.create_run(experiment, run_name="my-run", tags={"kfp.run_id": "7"})
        root = parent.info.run_id

        def task(self, name, parent=root):
            tags = {"mlflow.parentRunId": parent, "mlflow.source.name": "theirs"}
            made = client.create_run(self.experiment, run_name=name, tags=tags)
            return made.info.run_id

    return Own()


def identity(pipeline, own, **given):
    return TaskIdentity(
        pipeline,
        "run-7",
        "train",
        parameters={"trees": 50},
        tags={"stage": "new"},
        link="http://kfp/task",
        run_link="http://kfp/run",
        last=True,
        given={"run": own.root, **given},
    )


def children(client, own, parent):
    found = client.search_runs([own.experiment], f"tags.mlflow.parentRunId = '{parent}'")
    return sorted(found, key=lambda run: run.info.run_name)


def test_the_engines_runs_are_used(uri, client, pipeline, own, tmp_path):
    ours = identity(pipeline, own, task=own.task("train-pod"))
    for folder in ("a", "b"):  # the second is a replay of a log that was kept
        with session(replace(ours, session="one"), uri, tmp_path / folder) as tracked:
            tracking.log_metric("loss", 1.0)
    assert tracked.findings == []
    root = client.get_run(own.root)
    assert root.data.params == {"trees": "50"}
    wanted = {
        "kfp.run_id": "7",
        "intermodal.pipeline": pipeline,
        "intermodal.run_id": "run-7",
        "intermodal.kind": "pipeline",
        "intermodal.link": "http://kfp/run",
        "stage": "new",
        "mlflow.runName": "my-run",
    }
    assert wanted.items() <= root.data.tags.items()
    assert root.info.status == "RUNNING", "the engine says how it ends"
    (task,) = children(client, own, own.root)
    assert task.info.run_name == "train-pod"
    assert task.info.run_id == ours.given["task"]
    assert task.data.metrics["loss"] == 1.0
    assert task.data.tags["intermodal.task"] == "train"
    assert task.data.tags["intermodal.link"] == "http://kfp/task"
    assert task.data.tags["mlflow.source.name"] == "theirs"
    assert client.get_experiment_by_name(pipeline) is None


def test_a_task_without_a_run_of_its_own_gets_one_below(uri, client, pipeline, own, tmp_path):
    with session(identity(pipeline, own), uri, tmp_path) as tracked:
        tracking.log_metric("loss", 1.0)
    assert tracked.findings == []
    (task,) = children(client, own, own.root)
    assert (task.info.run_name, task.info.status) == ("train", "FINISHED")


def test_another_attempt_with_the_same_run_gets_one_of_its_own(
    uri, client, pipeline, own, tmp_path
):
    """A pod that is started again has the same variables; the first attempt's records stay apart."""
    first = own.task("train-pod")
    ours = identity(pipeline, own, task=first)
    for attempt in (1, 2):
        with session(replace(ours, attempt=attempt), uri, tmp_path / str(attempt)) as tracked:
            tracking.log_param("rate", str(attempt))
            tracking.log_metric("loss", float(attempt))
        assert tracked.findings == []
    (newest,) = children(client, own, own.root)
    assert newest.data.params["rate"] == "2"
    (earlier,) = children(client, own, newest.info.run_id)
    assert earlier.info.run_id == first
    assert earlier.data.params["rate"] == "1"


def test_a_task_stays_where_the_engine_has_hung_it(uri, client, pipeline, own, tmp_path):
    loop = own.task("loop")
    ours = replace(identity(pipeline, own, task=own.task("item", loop)), index=(0,))
    with session(ours, uri, tmp_path) as tracked:
        tracking.log_metric("loss", 1.0)
    assert tracked.findings == []
    (item,) = children(client, own, loop)
    assert item.data.tags["intermodal.index"] == "[0]"
    assert [run.info.run_name for run in children(client, own, own.root)] == ["loop"]


@pytest.mark.parametrize("unknown", ["0" * 32, "not an id"])
def test_runs_of_another_server_are_not_used(uri, client, pipeline, own, tmp_path, unknown, read):
    ours = replace(identity(pipeline, own), given={"run": unknown, "task": unknown})
    with session(ours, uri, tmp_path) as tracked:
        tracking.log_metric("loss", 1.0)
    assert tracked.findings == []
    assert read(uri, pipeline).shape() == [
        ("run-7", "FINISHED", "", [("train", "FINISHED", "1", [])])
    ]


def test_what_a_pod_is_told_arrives_by_the_runtime(uri, client, pipeline, own, tmp_path):
    def train() -> int:
        tracking.log_metric("loss", 1.0)
        return 1

    pages = []
    context = runtime.Context(
        pipeline,
        "run-7",
        "train",
        store=str(tmp_path),
        tracking=uri,
        given={"run": own.root, "task": own.task("pod")},
        on_tracked=pages.append,
    )
    assert runtime.run(train, context=context, inputs={}, outputs={"return": "value"}) == 1
    (task,) = children(client, own, own.root)
    assert task.data.metrics["loss"] == 1.0
    if uri.startswith("http"):
        assert pages == [f"{uri}/#/experiments/{own.experiment}/runs/{task.info.run_id}"]
