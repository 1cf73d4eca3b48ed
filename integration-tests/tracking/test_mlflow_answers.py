"""An MLflow that answers slowly, wrongly, or not at all: nothing is lost and nothing is there twice."""

from __future__ import annotations

import os
import re
import threading
from dataclasses import replace

import pytest

from intermodal import tracking
from intermodal.tracking import budget, spool
from intermodal.tracking.mlflow_access import Address, uploads
from intermodal.tracking.session import DURATION, session
from intermodal.tracking.tracker import TaskIdentity


@pytest.fixture
def pipeline(request):
    """A name that MLflow takes for a model, too."""
    return re.sub(r"\W+", "-", request.node.name)


@pytest.fixture
def identity(pipeline):
    return TaskIdentity(pipeline, "run", "train", parameters={"trees": 50})


@pytest.fixture
def at_once(monkeypatch):
    """MLflow's own retries off, as a user may set them: a lasting fault need not be waited for."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")


def kept(folder):
    return list(folder.rglob("spool/*.jsonl"))


def track(identity, uri, folder, name="train"):
    """Log something of everything."""
    with session(identity, uri, folder) as tracked:
        tracking.log_param("depth", 3)
        for value in range(5):
            tracking.log_metric("loss", float(value))
        tracking.set_tag("team", "a")
        tracking.log_text("# Report", "report.md")
        tracking.register_model(f"{identity.pipeline}", __file__, aliases=["champion"])
    return tracked


def check(tree):
    """All that `track` logs is there, once."""
    assert tree.shape() == [("run", "RUNNING", "", [("train", "FINISHED", "1", [])])]
    run = tree.named("train")
    assert tree.history(run, "loss") == [(n, float(n)) for n in range(5)]
    assert len(tree.history(run, DURATION)) == 1
    assert (run.data.params["depth"], run.data.tags["team"]) == ("3", "a")
    assert "report.md" in tree.files(run)
    assert len(tree.client.search_model_versions(f"name='{tree.pipeline}'")) == 1
    assert tree.named("run").data.params == {"trees": "50"}


@pytest.fixture
def writes(proxy, pipeline, tmp_path):
    """Which of the requests that one task makes change something, by number."""
    asked = []
    proxy.plan = lambda _number, method, path, _headers: asked.append((method, path))
    identity = TaskIdentity(f"{pipeline} counted", "run", "train", parameters={"trees": 50})
    assert track(identity, proxy.uri, tmp_path / "counted").findings == []
    proxy.count = 0
    return [
        number
        for number, (method, path) in enumerate(asked)
        if method != "GET" and not path.endswith(("/search", "/get-by-name"))
    ]


def sweep(proxy, faults, plan_of, pipeline, folder, read):
    """One task for each number of a request at which something goes wrong."""
    for number in faults:
        name = f"{pipeline} {number}"
        identity = TaskIdentity(name, "run", "train", parameters={"trees": 50})
        proxy.count = 0
        proxy.plan = plan_of(number)
        tracked = track(identity, proxy.uri, folder / str(number))
        proxy.plan = lambda *_: None
        yield tracked.findings
        assert spool.sync(folder / str(number)) == []
        assert kept(folder / str(number)) == []
        check(read(proxy.server.uri, name))


@pytest.mark.slow
def test_the_last_answer_before_the_server_is_away_is_lost(
    proxy, writes, pipeline, read, tmp_path, at_once
):
    # it has done what it was asked for, and the client does not know
    def plan_of(first):
        return lambda number, *_: proxy.DROP if number >= first else None

    for findings in sweep(proxy, writes[::3], plan_of, pipeline, tmp_path, read):
        assert [f.code for f in findings] == ["PORT500"]


@pytest.mark.slow
def test_a_single_lost_answer(proxy, writes, pipeline, read, tmp_path):
    # MLflow's client sends such a request again by itself, so that the server gets it twice
    def plan_of(lost):
        return lambda number, *_: proxy.DROP if number == lost else None

    for findings in sweep(proxy, writes, plan_of, pipeline, tmp_path, read):
        assert {f.code for f in findings} <= {"PORT500"}


@pytest.mark.slow
@pytest.mark.parametrize("status", [401, 500])
def test_a_server_that_refuses_from_some_moment_on(
    status, proxy, writes, pipeline, read, tmp_path, at_once
):
    def plan_of(first):
        return lambda number, *_: status if number >= first else None

    for findings in sweep(proxy, writes[::4], plan_of, pipeline, tmp_path, read):
        (finding,) = findings
        assert finding.code == "PORT500"
        assert ("new credentials" in finding.next) == (status == 401)


def test_a_busy_server_is_asked_again(proxy, identity, read, tmp_path):
    busy = (429, {"Retry-After": "86400"})
    proxy.plan = lambda n, *_: busy if n in (0, 4, 9) else None
    assert track(identity, proxy.uri, tmp_path).findings == []
    check(read(proxy.server.uri, identity.pipeline))


def test_a_server_that_stays_busy_is_given_up(proxy, identity, read, tmp_path):
    proxy.plan = lambda *_: (429, {"Retry-After": "86400"})
    (finding,) = track(identity, proxy.uri, tmp_path).findings
    assert finding.code == "PORT500"
    assert "429" in finding.why
    proxy.plan = lambda *_: None
    assert spool.sync(tmp_path) == []
    check(read(proxy.server.uri, identity.pipeline))


def test_a_token_that_expires_and_is_renewed(proxy, identity, read, tmp_path, monkeypatch):
    valid = {"token": "first"}

    def guard(number, _method, _path, headers):
        if number == 6:
            valid["token"] = "second"
        return None if headers["Authorization"] == f"Bearer {valid['token']}" else 403

    proxy.plan = guard
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "first")
    (finding,) = track(identity, proxy.uri, tmp_path).findings
    assert "with new credentials: `port track sync" in finding.next
    assert [f.code for f in spool.sync(tmp_path)] == ["PORT500"]
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "second")
    assert spool.sync(tmp_path) == []
    check(read(proxy.server.uri, identity.pipeline))


def test_a_server_that_is_slow_at_each_request_holds_a_task_up_for_a_limited_time(
    proxy, identity, read, tmp_path, monkeypatch
):
    given_up = threading.Event()

    def slow(*_):
        given_up.wait(1.0)  # until the task has been let go

    proxy.plan = slow
    monkeypatch.setenv(budget.VARIABLE, "2.5")
    with session(identity, proxy.uri, tmp_path) as tracked:
        for number in range(1000):
            tracking.log_text("x", f"texts/{number}.txt")  # a request each
    assert 2 < proxy.count < 20
    (finding,) = tracked.findings
    assert finding.code == "PORT500"
    assert budget.VARIABLE in finding.why
    assert len(kept(tmp_path)) == 1
    given_up.set()


@pytest.mark.parametrize(("version", "told"), [("2.22.0", True), ("3.6.1", True), ("3.7.0", False)])
def test_an_older_mlflow_is_told_where_uploads_go(version, told, monkeypatch):
    monkeypatch.setattr("mlflow.version.VERSION", version)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with uploads(Address("http://host:5000")):
        assert os.environ.get("MLFLOW_TRACKING_URI") == ("http://host:5000" if told else None)


@pytest.mark.parametrize("first", [3, 8, 11])
def test_a_retry_after_partial_logging(first, proxy, identity, read, tmp_path, at_once):
    proxy.plan = lambda number, *_: 500 if number >= first else None
    with session(identity, proxy.uri, tmp_path) as failed:
        tracking.log_param("depth", 3)
        for value in range(3):
            tracking.log_metric("loss", float(value))
        failed.mark("failed", "ValueError")
    assert [f.code for f in failed.findings] == ["PORT500"]
    proxy.plan = lambda *_: None
    with session(replace(identity, attempt=2), proxy.uri, tmp_path) as second:
        tracking.log_param("depth", 4)
        for value in range(5):
            tracking.log_metric("loss", float(value))
    assert second.findings == []
    assert spool.sync(tmp_path) == []
    tree = read(proxy.server.uri, identity.pipeline)
    earlier = ("train", "FAILED", "1", [])
    assert tree.shape() == [("run", "RUNNING", "", [("train", "FINISHED", "2", [earlier])])]
    attempts = {run.data.tags.get("intermodal.attempt"): run for run in tree.runs}
    for attempt, (depth, number) in {"1": ("3", 3), "2": ("4", 5)}.items():
        run = attempts[attempt]
        assert run.data.params["depth"] == depth
        assert tree.history(run, "loss") == [(n, float(n)) for n in range(number)]
