"""Flows that are tracked: they tell the tracker how runs end, and link to it; others do not."""

from __future__ import annotations

import types

import pytest
from fake_prefect import Client, execute
from prefect_cases import CASES, TRACKED, add

from intermodal import runtime
from intermodal.compile import compile_pipeline
from intermodal.compiling import Settings, Target
from intermodal.findings import errors_of
from intermodal.ir import Literal_, Notification, Pipeline, Tracking

HOOKS = ("on_failure", "on_crashed", "on_cancellation", "on_completion")


def flow_text(pipeline, settings=TRACKED):
    result = compile_pipeline(pipeline, Target("prefect", "3"), settings)
    assert errors_of(result.findings) == []
    return result.files["flow.py"]


def state(word):
    kind = types.SimpleNamespace(value=word.upper())
    return types.SimpleNamespace(type=kind, is_completed=lambda: word == "completed")


@pytest.fixture
def closed(monkeypatch):
    """What was said of runs that ended; the tracker shows them all on one page."""
    found = []

    def close_run(run, told):
        found.append((run, told))
        return "http://mlflow/run"

    monkeypatch.setattr(runtime, "close_run", close_run)
    return found


@pytest.fixture
def recorded():
    return execute(flow_text(CASES["tracked"][0]()))


def end(recorded, word, identity="run"):
    (hook,) = recorded.flow_options["on_completion"]
    given = types.SimpleNamespace(id=identity, run_count=0, parameters={})
    # The runner gives all of it by name.
    recorded._inside(lambda: hook(flow=None, flow_run=given, state=state(word)))


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("completed", "succeeded"),
        ("failed", "failed"),
        ("crashed", "crashed"),
        ("cancelling", "cancelling"),
    ],
)
def test_hooks_close_the_run(recorded, closed, word, told):
    end(recorded, word)
    ((run, found),) = closed
    assert found == told
    assert (run.pipeline, run.run_id, run.task) == ("tracked", "run", "")
    assert run.run_link == "http://p/run"
    assert (run.tracking, run.experiment, run.tags) == (
        TRACKED.tracking,
        "trials",
        {"stage": "it's new"},
    )
    assert recorded.links == [("http://mlflow/run", "Tracked run")]


def test_all_ends_are_told(recorded):
    assert len({recorded.flow_options[hook][0] for hook in HOOKS}) == 1


def test_a_run_that_was_started_again_is_another(recorded, closed, monkeypatch):
    monkeypatch.setattr(Client, "run_count", 2)
    end(recorded, "completed")
    assert closed[0][0].run_id == "run-2"


def test_parameters_have_the_pipelines_names(recorded, closed, monkeypatch):
    monkeypatch.setattr(Client, "parameters", {"rows": 3, "a_b": 1})
    end(recorded, "failed")
    assert closed[0][0].parameters == {"rows": 3, "a-b": 1}


def test_nothing_is_linked_outside_of_prefects_runs(recorded, closed):
    recorded.inside = False
    end(recorded, "crashed")
    recorded.module.link_to_tracker("http://mlflow/task")
    assert recorded.links == []
    assert len(closed) == 1


def test_a_task_is_linked(recorded):
    recorded.imports["prefect.runtime"].flow_run.parameters = {"rows": 3, "a_b": 1}
    context = recorded.module.context()
    assert context.run_link == "http://p/run"
    context.on_tracked("http://mlflow/task")
    assert recorded.links == [("http://mlflow/task", "Tracked task")]


def test_notifications_stay_beside_it():
    notice = Notification(on="failure", channel="log", message="oh no")
    pipeline = CASES["tracked"][0]().model_copy(update={"notifications": (notice,)})
    text = flow_text(pipeline)
    assert 'on_failure=[tell_of_flow("log", "oh no"), close_tracked_run],' in text
    assert "on_cancellation=[close_tracked_run]," in text


@pytest.mark.parametrize(
    ("settings", "tracking", "tracks", "closes"),
    [
        (Settings(), Tracking(), False, False),
        (TRACKED, Tracking(), False, True),
        (TRACKED, Tracking(enabled=False), False, False),
        (Settings(), Tracking(), True, True),
        (Settings(trace=True), Tracking(), False, False),
    ],
)
def test_only_what_is_tracked_has_hooks(settings, tracking, tracks, closes):
    task = add("one", Literal_(value=1)).model_copy(update={"tracks": tracks})
    text = flow_text(Pipeline(name="p", body=(task,), tracking=tracking), settings)
    assert ("close_tracked_run" in text) == closes
    assert ("on_cancellation" in text) == closes
    assert ("on_tracked" in text) == closes
    assert ("prefect.artifacts" in text) == closes
