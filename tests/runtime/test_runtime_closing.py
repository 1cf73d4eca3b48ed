"""Telling a tracker how a run ended, and an engine where its tasks are tracked."""

from __future__ import annotations

import pickle
from dataclasses import replace

import pytest

from intermodal import runtime
from intermodal.tracking import spool
from intermodal.tracking.tracker import Pages


class Tracker:
    """A tracker that shows everything on pages of its own."""

    schemes = ("fake",)
    live = False

    def __init__(self):
        self.closed, self.begun = [], []

    def begin(self, identity, started):
        self.begun.append(identity)

    def replay(self, identity, records):
        list(records)
        return []

    def end(self, identity, status):
        pass

    def pages(self, identity):
        return Pages(run="http://t/run", task="http://t/task" if identity.task else "")

    def close_run(self, identity, status):
        self.closed.append((identity, status.state))


@pytest.fixture
def tracker(monkeypatch):
    found = Tracker()
    monkeypatch.setattr(spool, "resolve", lambda uri, patient=False: found)
    return found


@pytest.fixture
def context(tmp_path):
    return runtime.Context(
        "p",
        "run",
        "step",
        store=str(tmp_path),
        tracking="fake://",
        parameters={"n": 1},
        link="http://e/task",
        run_link="http://e/run",
        last=True,
        given={"run": "made"},
    )


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ("succeeded", "finished"),
        ("failed", "failed"),
        ("cancelled", "killed"),
        ("crashed", "killed"),
        ("cancelling", "killed"),
    ],
)
def test_a_run_is_closed(tracker, context, state, told):
    assert runtime.close_run(replace(context, task=""), state) == "http://t/run"
    ((identity, found),) = tracker.closed
    assert found == told
    assert (identity.pipeline, identity.run_id, identity.task) == ("p", "run", "")
    assert identity.parameters == {"n": 1}
    assert identity.run_link == "http://e/run"


@pytest.mark.parametrize("uri", ["", "none", " None "])
def test_nothing_is_closed_where_nothing_is_tracked(tracker, context, uri):
    assert runtime.close_run(replace(context, tracking=uri), "failed") == ""
    assert tracker.closed == []


def test_an_address_that_nothing_takes_is_told_and_raises_nothing(context, capsys):
    assert runtime.close_run(replace(context, tracking="nowhere://x"), "failed") == ""
    assert "warning[PORT503]" in capsys.readouterr().err


def test_a_folder_that_cannot_be_made_raises_nothing(tracker, context, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    runtime.close_run(replace(context, store=str(tmp_path / "file")), "succeeded")
    assert "Traceback" not in capsys.readouterr().err


def step() -> int:
    return 1


def fail() -> int:
    raise ValueError("as asked")


def run(function, context):
    return runtime.run(function, context=context, inputs={}, outputs={"return": "value"})


def test_the_tracker_learns_of_the_engine(tracker, context):
    assert run(step, context) == 1
    (identity,) = tracker.begun
    assert (identity.last, identity.run_link) == (True, "http://e/run")
    assert identity.given == {"run": "made"}
    assert len(identity.code_hash) == 64


@pytest.mark.parametrize("function", [step, fail])
def test_the_engine_learns_of_the_page(tracker, context, function):
    pages = []
    try:
        run(function, replace(context, on_tracked=pages.append))
    except ValueError:
        assert function is fail
    assert pages == ["http://t/task"]


def test_an_engine_that_takes_no_page_fails_no_task(tracker, context, capsys):
    def refuse(page):
        raise ConnectionError("the engine is away")

    assert run(step, replace(context, on_tracked=refuse)) == 1
    error = capsys.readouterr().err
    assert "warning[PORT570]" in error
    assert "the engine is away" in error


def test_what_takes_pages_stays_in_its_process(context):
    sent = pickle.loads(pickle.dumps(replace(context, on_tracked=print)))
    assert sent.on_tracked is None
    assert sent == context
