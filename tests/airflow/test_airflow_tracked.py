"""DAGs that are tracked: they tell the tracker how runs end, and link to it; others stay as they were."""

from __future__ import annotations

from pathlib import Path

import pytest
from airflow_cases import artifacts, python, totals
from fake_airflow import execute

from intermodal import runtime
from intermodal.compile import compile_pipeline
from intermodal.compiling import Settings, Target
from intermodal.findings import errors_of
from intermodal.ir import Notification, Pipeline, Task, Tracking

GOLDEN = Path(__file__).parent / "golden"
TRACKED = Settings(store="s3://b/s", tracking="http://mlflow:5000")


def compiled(pipeline, version="3.3", settings=TRACKED):
    result = compile_pipeline(pipeline, Target("airflow", version), settings)
    assert errors_of(result.findings) == []
    return result


def text_of(pipeline, version="3.3", settings=TRACKED):
    return compiled(pipeline, version, settings).files[f"{pipeline.name}.py"]


@pytest.fixture
def closed(monkeypatch):
    """What was said of runs that ended."""
    found = []
    monkeypatch.setattr(runtime, "close_run", lambda run, state: found.append((run, state)))
    return found


@pytest.mark.parametrize("version", ["3.3", "2.11"])
def test_output_is_as_before(version, golden):
    golden(GOLDEN / version / "diagnosis_tracked.py", text_of(artifacts(), version))


@pytest.mark.parametrize("version", ["3.3", "2.11", "2.10"])
@pytest.mark.parametrize("state", ["succeeded", "failed"])
def test_callbacks_close_the_run(version, state, closed):
    recorded = execute(text_of(artifacts(), version))
    on = {"succeeded": "on_success_callback", "failed": "on_failure_callback"}[state]
    recorded.dag[on]({"run_id": "manual__1", "params": {"trees": 7}, "reason": "whatever"})
    ((run, told),) = closed
    assert told == state
    assert (run.pipeline, run.run_id, run.task) == ("diagnosis", "manual__1", "")
    assert run.parameters == {"trees": 7}
    assert (run.tracking, run.experiment) == ("http://mlflow:5000", "clinic")
    assert run.tags == {"stage": "it's new"}


def test_a_run_without_tasks_is_closed_too(closed):
    """Airflow gives no more than the run's id where no task instance tells more."""
    recorded = execute(text_of(artifacts()))
    recorded.dag["on_failure_callback"]({"dag": None, "run_id": "r", "reason": "timed_out"})
    ((run, _),) = closed
    assert (run.run_id, run.parameters) == ("r", {})


def test_notifications_stay_beside_it():
    notice = Notification(on="failure", channel="log", message="oh no")
    recorded = execute(text_of(artifacts().model_copy(update={"notifications": (notice,)})))
    first, second = recorded.dag["on_failure_callback"]
    assert first.__qualname__.startswith("log_message.")
    assert second.__qualname__.startswith("close_tracked_run.")
    assert recorded.dag["on_success_callback"].__qualname__.startswith("close_tracked_run.")


LOGS = "def step() -> int:\n    return 1\n"


@pytest.mark.parametrize(
    ("settings", "tracking", "tracks", "closes"),
    [
        (Settings(), Tracking(), False, False),
        (TRACKED, Tracking(), False, True),
        (TRACKED, Tracking(enabled=False), False, False),
        (Settings(), Tracking(), True, True),
        (Settings(), Tracking(enabled=False), True, False),
        (Settings(trace=True), Tracking(), False, False),
    ],
)
def test_only_what_is_tracked_has_callbacks(settings, tracking, tracks, closes):
    task = Task(id="step", action=python(LOGS), tracks=tracks)
    text = text_of(Pipeline(name="p", body=(task,), tracking=tracking), settings=settings)
    assert ("close_tracked_run" in text) == closes
    assert ("on_success_callback" in text) == closes
    assert ("on_tracked" in text) == closes


def test_without_tracking_nothing_changes():
    text = text_of(totals(), settings=Settings())
    assert "track" not in text


def test_the_page_of_the_run_is_that_of_the_task_without_its_end():
    for version, page, wanted in (
        ("3.3", "http://a/dags/d/runs/r/tasks/t?try_number=1", "http://a/dags/d/runs/r"),
        (
            "2.11",
            "http://a/dags/d/grid?dag_run_id=r&task_id=t",
            "http://a/dags/d/grid?dag_run_id=r",
        ),
    ):
        instance = Instance(page)
        given = {"ti": instance, "run_id": "r", "params": {}}
        names = execute(text_of(artifacts(), version)).names
        names["get_current_context"] = lambda given=given: given
        context = names["run_context"]()
        assert (context.link, context.run_link) == (page, wanted)
        context.on_tracked("http://mlflow/x")
        assert instance.pushed == {"tracking_url": "http://mlflow/x"}


class Instance:
    task_id, try_number, map_index = "t", 1, -1

    def __init__(self, log_url):
        self.log_url, self.pushed = log_url, {}

    def xcom_push(self, key, value):
        self.pushed[key] = value
