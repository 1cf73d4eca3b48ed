"""MLflow's model registry: what a version holds, what plain MLflow makes of it, races and faults."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from intermodal import tracking
from intermodal.runtime import Context, InfrastructureError, run
from intermodal.tracking import session as sessions
from intermodal.tracking import spool
from intermodal.tracking.mlflow import MlflowTracker
from intermodal.tracking.registry import Promotion
from intermodal.tracking.session import session
from intermodal.tracking.tracker import TaskIdentity


@pytest.fixture
def name(pipeline):
    """A registered model's name of its own for each test, as MLflow takes it."""
    return "".join(letter if letter.isalnum() else "-" for letter in pipeline)


@pytest.fixture
def context(pipeline, uri, tmp_path):
    return Context(pipeline, "run", "train", store=str(tmp_path / "store"), tracking=uri)


@pytest.fixture
def identity(pipeline):
    return TaskIdentity(pipeline, "run", "register")


@pytest.fixture
def client(uri):
    from mlflow import MlflowClient

    return MlflowClient(uri, registry_uri=uri)


def train():
    return {"weights": [1, 2]}


def numbers(client, name):
    return sorted(int(one.version) for one in client.search_model_versions(f"name='{name}'"))


def champion(client, name):
    return int(client.get_model_version_by_alias(name, "champion").version)


def trained_and_promoted(context, name):
    """Train, register and promote, each as a task; the reference of the model."""

    def register(model):
        return tracking.register_model(name, model, metrics={"f1": 0.5}, tags={"stage": "new"})

    def promote(version):
        tracking.promote(name, version)

    one = {"return": "value"}
    ref = run(train, context=context, inputs={}, outputs={"return": "Model"})
    at = replace(context, task="register")
    version = run(register, context=at, inputs={"model": ref}, outputs=one)
    run(promote, context=replace(context, task="promote"), inputs={"version": version}, outputs={})
    return ref["$artifact"]


def test_from_training_to_the_version_in_use(context, uri, client, name, tmp_path):
    ref = trained_and_promoted(context, name)
    version = client.get_model_version_by_alias(name, "champion")
    assert version.tags["intermodal.sha256"] == ref["sha256"]
    assert version.tags["intermodal.artifact"] == ref["uri"]
    assert version.tags["intermodal.format"] == ref["format"]
    assert version.tags["intermodal.metric.f1"] == "0.5"
    assert version.tags["stage"] == "new"
    assert version.source.rpartition("/")[2] in (name, "return"), "MLflow downloads folders only"
    by_reference = version.source.startswith("file:")
    assert by_reference == uri.startswith("sqlite:"), "a server does not read our files"
    found = MlflowTracker(uri).find_version(name, alias="champion")
    assert (found.uri, found.metrics, found.aliases) == (ref["uri"], {"f1": 0.5}, ("champion",))
    assert found.page.startswith(uri) == (not by_reference)

    def use():
        return tracking.load_model(tracking.model_version(name))["weights"]

    at = replace(context, run_id="next", task="use")
    assert run(use, context=at, inputs={}, outputs={"return": "value"}) == [1, 2]
    run_of_use = client.search_runs(
        [client.get_experiment_by_name(context.pipeline).experiment_id],
        "tags.`intermodal.task` = 'use'",
    )[0]
    assert run_of_use.data.tags[f"intermodal.model.{name}"] == "version 1"

    shutil.rmtree(tmp_path / "store")
    again = replace(at, run_id="later", store=str(tmp_path / "other"))
    if by_reference:
        with pytest.raises(InfrastructureError, match=r"PORT560"):
            run(use, context=again, inputs={}, outputs={"return": "value"})
    else:
        assert run(use, context=again, inputs={}, outputs={"return": "value"}) == [1, 2]
        client.set_model_version_tag(name, "1", "intermodal.sha256", "0" * 64)
        with pytest.raises(InfrastructureError, match="PORT565"):
            run(use, context=again, inputs={}, outputs={"return": "value"})


PLAIN = """
import os, sys
from pathlib import Path
import mlflow

name, folder = sys.argv[1:]
mlflow.artifacts.download_artifacts(f"models:/{name}@raw", dst_path=folder)
assert [path.read_text() for path in Path(folder).rglob("weights.bin")] == ["weights"]
model = mlflow.pyfunc.load_model(f"models:/{name}@champion")
assert list(model.predict([[0], [1]])) == [0, 1]
"""
SAVED = """
import sys
import mlflow
from sklearn.linear_model import LogisticRegression

model = LogisticRegression().fit([[0], [1]], [0, 1])
mlflow.sklearn.save_model(model, sys.argv[1], pip_requirements=["scikit-learn"])
"""


def test_plain_mlflow_downloads_any_version_and_loads_what_it_saved(uri, identity, name, tmp_path):
    quiet = {"PYTHONWARNINGS": "ignore", "MLFLOW_DISABLE_TELEMETRY": "true"}
    environment = {**os.environ, **quiet, "MLFLOW_TRACKING_URI": uri, "MLFLOW_REGISTRY_URI": uri}

    def plain(script, *arguments):
        command = [sys.executable, "-c", script, *map(str, arguments)]
        subprocess.run(command, env=environment, cwd=tmp_path, check=True, timeout=300)

    plain(SAVED, tmp_path / "saved")
    file = tmp_path / "weights.bin"
    file.write_text("weights")
    with session(identity, uri, tmp_path / "work") as tracked:
        tracking.register_model(name, tmp_path / "saved", aliases=["champion"])
        tracking.register_model(name, file, aliases=["raw"])
    assert tracked.findings == []
    (tmp_path / "raw").mkdir()
    plain(PLAIN, name, tmp_path / "raw")


def test_an_object_stores_address_is_registered_in_place(uri, identity, client, name, tmp_path):
    with session(identity, uri, tmp_path) as tracked:
        tracking.register_model(name, "s3://bucket/models/best.skops", aliases=["champion"])
    assert tracked.findings == []
    version = client.get_model_version_by_alias(name, "champion")
    assert version.source == "s3://bucket/models/best.skops"


@pytest.fixture
def kept(identity, uri, name, tmp_path, monkeypatch):
    """A log that registers a file and was not sent."""
    file = tmp_path / "weights.bin"
    file.write_text("weights")
    with monkeypatch.context() as away:
        away.setattr(sessions, "deliver", lambda *_: [])
        with session(identity, uri, tmp_path / "kept"):
            tracking.register_model(name, file, aliases=["champion"])
    return tmp_path / "kept"


def test_one_log_sent_by_four_at_once_registers_one_version(kept, uri, client, name, tmp_path):
    copies = [tmp_path / f"copy{number}" for number in range(4)]
    for copy in copies:
        shutil.copytree(kept, copy)
    with ThreadPoolExecutor(4) as pool:
        findings = [
            f for found in pool.map(lambda copy: spool.sync(copy, uri), copies) for f in found
        ]
    for copy in copies:  # what was disturbed by the others is sent again
        findings = spool.sync(copy, uri)
        assert findings == []
    assert len(numbers(client, name)) == 1
    assert champion(client, name) == numbers(client, name)[0]
    spool.sync(kept, uri)
    assert len(numbers(client, name)) == 1


def test_a_retry_of_a_delivered_attempt_registers_nothing_twice(
    uri, identity, client, name, tmp_path
):
    file = tmp_path / "weights.bin"
    file.write_text("weights")
    for number in (1, 2):
        with session(replace(identity, attempt=number), uri, tmp_path / str(number)) as tracked:
            tracking.register_model(name, file, aliases=["champion"])
        assert tracked.findings == []
    assert numbers(client, name) == [1]


def test_two_promotions_at_once_leave_the_later_one(uri, identity, client, name, tmp_path):
    count = 4
    for number in range(count):
        file = tmp_path / f"weights{number}.bin"
        file.write_text(str(number))
        with session(replace(identity, run_id=str(number)), uri, tmp_path / str(number)):
            tracking.register_model(name, file)
    for turn in range(3):
        moments = [1000 * turn + number for number in range(count)]
        wanted = [(number + turn) % count for number in range(count)]
        jobs = [
            (str(version + 1), Promotion("champion", moment, f"key{turn}{version}"))
            for version, moment in zip(wanted, moments, strict=True)
        ]
        with ThreadPoolExecutor(count) as pool:
            stands = list(pool.map(lambda job: MlflowTracker(uri).promote(name, *job), jobs))
        assert champion(client, name) == wanted[-1] + 1
        assert stands[-1]
        for job in jobs:  # a retry of any of them changes nothing
            MlflowTracker(uri).promote(name, *job)
        assert champion(client, name) == wanted[-1] + 1


def test_what_a_person_set_is_kept_until_the_next_promotion(uri, identity, client, name, tmp_path):
    for number in (1, 2):
        file = tmp_path / f"weights{number}.bin"
        file.write_text(str(number))
        with session(replace(identity, run_id=str(number)), uri, tmp_path / str(number)):
            tracking.register_model(name, file)
    tracker = MlflowTracker(uri)
    second = Promotion("champion", 2000, "second")
    assert tracker.promote(name, "1", Promotion("champion", 1000, "first"))
    assert tracker.promote(name, "2", second)
    client.set_registered_model_alias(name, "champion", "1")
    assert not tracker.promote(name, "2", second), "a replay undid what a person had set"
    assert not tracker.promote(name, "1", Promotion("champion", 1500, "late")) or (
        champion(client, name) == 1
    )
    assert champion(client, name) == 1
    assert tracker.promote(name, "2", Promotion("champion", 3000, "third"))
    assert champion(client, name) == 2


@pytest.mark.slow
def test_a_server_that_comes_back_gets_the_version_before_it_is_promoted(
    own_server, pipeline, name, tmp_path
):
    from mlflow import MlflowClient

    own_server.start()
    file = tmp_path / "weights.bin"
    file.write_text("weights")
    identity = TaskIdentity(pipeline, "run", "register")
    promoting = replace(identity, task="promote")
    own_server.kill()
    with session(identity, own_server.uri, tmp_path / "run") as tracked:
        handle = tracking.register_model(name, file)
    assert "PORT500" in [finding.code for finding in tracked.findings]
    with (
        pytest.raises(InfrastructureError, match="PORT560"),
        session(promoting, own_server.uri, tmp_path / "run"),
    ):
        tracking.promote(name, handle)
    own_server.start()
    with session(replace(promoting, attempt=2), own_server.uri, tmp_path / "run") as tracked:
        assert tracking.promote(name, handle).version == "1"
    client = MlflowClient(own_server.uri, registry_uri=own_server.uri)
    assert (numbers(client, name), champion(client, name)) == ([1], 1)
