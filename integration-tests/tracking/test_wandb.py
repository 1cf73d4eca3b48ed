"""Weights & Biases, offline: what its own files hold afterwards, read as W&B wrote them."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from tests.tracking.conftest import declared  # noqa: F401
from tests.tracking.wandb_files import config, history, of_type, stored, summary

from intermodal import tracking
from intermodal.tracking import spool
from intermodal.tracking.records import (
    Artifact,
    Environment,
    LoggedModel,
    Metric,
    Model,
    Note,
    Param,
    Reference,
    Status,
    Tag,
    Text,
    Used,
)
from intermodal.tracking.session import session
from intermodal.tracking.tracker import TaskIdentity, TrackerError
from intermodal.tracking.wandb import WandbTracker
from intermodal.tracking.wandb_plan import run_id

ATTEMPT = TaskIdentity(
    "diagnosis",
    "run/1",
    "train",
    (0,),
    parameters={"trees": 50},
    tags={"team": "a"},
    code_hash="c" * 64,
    session="s1",
)


@pytest.fixture(autouse=True)
def offline(monkeypatch, tmp_path):
    """W&B offline, in a folder of the test, with a home that must stay empty."""
    for name in list(os.environ):
        if name.startswith("WANDB_"):
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_DIR", str(tmp_path))
    yield
    assert list(home.iterdir()) == []


@pytest.fixture
def runs(tmp_path):
    """The function that gives W&B's offline folders."""
    return lambda: sorted((tmp_path / "wandb").glob("offline-run-*"))


def send(*records, attempt=ATTEMPT, status=None, uri="wandb://team/heart"):
    tracker = WandbTracker(uri)
    tracker.begin(attempt, 1_700_000_000_000)
    status = status or Status("finished", 1_700_000_009_000)
    findings = tracker.replay(attempt, iter([*records, status]))
    tracker.end(attempt, status)
    return findings


def one(records, kind):
    (record,) = of_type(records, kind)
    return record


def test_an_attempt_is_one_run_with_everything(tmp_path, runs):
    folder = tmp_path / "payload" / "plots"
    folder.mkdir(parents=True)
    (folder / "a.png").write_bytes(b"png")
    model = tmp_path / "model.bin"
    model.write_bytes(b"model")
    findings = send(
        Metric("loss", 0.5, 1_700_000_001_000, 0),
        Metric("loss", 0.25, 1_700_000_003_000, 7),
        Metric("acc", 0.75, 1_700_000_003_500, 7),
        Param("lr", "0.1", 1),
        Param("kind", "forest", 1),
        Tag("stage", "dev", 1),
        Text("report/summary.md", "# Report", 1),
        Text("config.yaml", "mine", 1),
        Artifact(str(folder), "figures", 1),
        Reference("model", "s3://user:secret@bucket/model.pkl", "b" * 64, "Model", 1),
        Used("rows", "s3://bucket/rows.csv", "a" * 64, "Dataset", 1),
        Environment({"python": "3.11"}, 1, {"pandas": "2.2"}),
        Note("PORT501", "a note", 1),
        LoggedModel("forest", str(model), "", 1),
        Model("churn", str(model), "", 1, ("champion",), {"stage": "x"}),
    )
    assert [(f.code, f.what) for f in findings] == [
        ("PORT504", "`config.yaml` is stored as `logged/config.yaml`")
    ]
    (made,) = runs()
    assert made.name.endswith(run_id(ATTEMPT))
    records = stored(made)
    run = one(records, "run")
    assert (run.run_id, run.entity, run.project) == (run_id(ATTEMPT), "team", "heart")
    assert (run.run_group, run.display_name, run.job_type) == (
        "diagnosis run/1",
        "train[0]",
        "train",
    )
    assert sorted(run.tags) == ["stage=dev", "team=a"]
    settings = config(records)
    assert (settings["lr"], settings["kind"]) == (0.1, "forest")
    own = settings["intermodal"]
    assert (own["task"], own["index"], own["state"]) == ("train", [0], "finished")
    assert (own["parameters"], own["code_hash"]) == ({"trees": 50}, "c" * 64)
    assert own["inputs"]["rows"]["sha256"] == "a" * 64
    assert (own["environment"], own["notes"]) == ({"python": "3.11"}, ["PORT501: a note"])
    assert history(records) == [
        (0, 1_700_000_001.0, {"loss": 0.5}),
        (7, 1_700_000_003.5, {"loss": 0.25, "acc": 0.75}),
    ]
    assert summary(records) == {"loss": 0.25, "acc": 0.75}
    assert one(records, "exit").exit_code == 0
    files = {p.relative_to(made / "files").as_posix() for p in (made / "files").rglob("*.*")}
    assert files == {
        "report/summary.md",
        "logged/config.yaml",
        "figures/plots/a.png",
        "intermodal/packages.json",
    }
    listed = {f.path for r in records for f in r.files.files}
    assert listed == files
    artifacts = {artifact.name: artifact for artifact in of_type(records, "artifact")}
    assert set(artifacts) == {"diagnosis-train-model", "diagnosis-train-forest", "churn"}
    output = artifacts["diagnosis-train-model"]
    assert json.loads(output.metadata)["sha256"] == "b" * 64
    assert [c.ref for c in output.manifest.contents] == ["s3://bucket/model.pkl"]
    registered = artifacts["churn"]
    assert (registered.type, sorted(registered.aliases)) == ("model", ["champion", "latest"])
    (content,) = registered.manifest.contents
    assert Path(content.local_path).read_bytes() == b"model"
    assert not any(b"secret" in p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())


@pytest.mark.parametrize(("state", "code"), [("failed", 1), ("killed", 255)])
def test_failures_have_their_exit_codes(state, code, runs):
    findings = send(
        Model("churn", "", "s3://b/m", 1), status=Status(state, 1_700_000_009_000, "ValueError")
    )
    assert [f.code for f in findings] == ["PORT504"]
    records = stored(runs()[0])
    assert one(records, "exit").exit_code == code
    assert of_type(records, "artifact") == []


def test_a_replay_adds_nothing_and_a_retry_a_run_of_its_own(runs):
    send(Metric("loss", 1.0, 1_700_000_001_000, 0))
    (first,) = runs()
    before = {p: p.read_bytes() for p in first.rglob("*") if p.is_file()}
    send(Metric("loss", 1.0, 1_700_000_001_000, 0))
    assert {p: p.read_bytes() for p in runs()[0].rglob("*") if p.is_file()} == before
    send(attempt=replace(ATTEMPT, attempt=2, session="s2"))
    assert len(runs()) == 2
    groups = {one(stored(run), "run").run_group for run in runs()}
    names = {one(stored(run), "run").display_name for run in runs()}
    assert (groups, names) == ({"diagnosis run/1"}, {"train[0]", "train[0] (attempt 2)"})


def test_a_replay_adds_nothing_after_the_user_has_synced_and_cleaned(tmp_path, runs):
    import shutil

    send()
    shutil.rmtree(runs()[0])
    send()
    assert runs() == []


def test_what_w_and_b_cannot_keep_is_told(runs):
    findings = send(
        Metric("loss", 1.0, 1, 3),
        Metric("loss", 2.0, 2, 3),
        Metric("loss", 3.0, 3, -1),
        Metric("_step", 4.0, 4, 3),
    )
    assert [f.code for f in findings] == ["PORT530", "PORT530"]
    ((step, _, values),) = history(stored(runs()[0]))
    assert (step, values) == (3, {"loss": 2.0, "metric/_step": 4.0})


@pytest.mark.usefixtures("declared")
def test_a_task_sends_without_noise_and_leaves_no_process(tmp_path, capfd, runs):
    before = wandb_processes()
    with session(replace(ATTEMPT, session=""), "wandb:heart", tmp_path / "work") as tracked:
        tracking.log_metric("loss", 0.5)
    assert tracked.findings == []
    assert (tracked.url, capfd.readouterr()) == ("", ("", ""))
    assert len(runs()) == 1
    assert list((tmp_path / "work").rglob("*.jsonl")) == []
    _, alive = psutil.wait_procs(wandb_processes() - before, timeout=60)
    assert alive == []
    assert [p.name for p in (tmp_path / "wandb" / "intermodal").iterdir() if p.name == "work"] == [
        "work"
    ]
    assert list((tmp_path / "wandb" / "intermodal" / "work").iterdir()) == []


def wandb_processes() -> set:
    return {p for p in psutil.process_iter(["name"]) if "wandb" in (p.info["name"] or "")}


@pytest.mark.usefixtures("declared")
def test_a_server_that_is_away_keeps_the_log_until_it_can_be_sent(tmp_path, monkeypatch, runs):
    monkeypatch.setenv("WANDB_MODE", "online")
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("WANDB_API_KEY", "k" * 40)
    monkeypatch.setattr("intermodal.tracking.wandb.WAITING", {False: 8.0, True: 60.0})
    with session(ATTEMPT, "wandb:heart", tmp_path / "work") as tracked:
        tracking.log_metric("loss", 0.5)
    assert [f.code for f in tracked.findings] == ["PORT500"]
    assert len(list((tmp_path / "work").rglob("*.jsonl"))) == 1
    assert runs() == []
    monkeypatch.setenv("WANDB_MODE", "offline")
    assert spool.sync(tmp_path / "work", "wandb:heart") == []
    assert len(runs()) == 1


def test_a_worker_that_fails_says_why_and_leaves_nothing(monkeypatch, tmp_path):
    monkeypatch.setattr("intermodal.tracking.wandb_plan.EXIT_CODES", {"finished": "no number"})
    with pytest.raises(TrackerError, match="W&B did not take the run: "):
        send()
    assert list((tmp_path / "wandb" / "intermodal" / "work").iterdir()) == []


def test_switched_off_by_wandb_it_says_so(monkeypatch, tmp_path):
    monkeypatch.setenv("WANDB_MODE", "disabled")
    assert [f.code for f in send()] == ["PORT530"]
    assert not (tmp_path / "wandb").exists()
