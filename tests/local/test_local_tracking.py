"""Runs with a tracker: one run for the pipeline, and one for each attempt."""

import json
from types import SimpleNamespace

import pytest
from local_pipelines import ref, task

from intermodal.ir import ArtifactType, Literal_, Retry, Tracking
from intermodal.tracking import tracker


class FileTracker:
    """Writes what it is told to the file in its address."""

    schemes = ("lines",)
    live = False

    def __init__(self, uri, *, patient=False):
        self.path = uri.removeprefix("lines:")

    def write(self, what, identity, **more):
        line = {"what": what, "task": identity.instance_name, "attempt": identity.attempt, **more}
        with open(self.path, "a") as file:  # noqa: PTH123
            file.write(json.dumps({**line, "run": identity.run_id}) + "\n")

    def open_run(self, identity, started):
        self.write("open", identity, parameters=dict(identity.parameters), tags=identity.tags)

    def begin(self, identity, started):
        self.write("begin", identity, tags=identity.tags)

    def replay(self, identity, records):
        for record in records:
            name = getattr(record, "name", getattr(record, "output", ""))
            self.write(type(record).__name__, identity, name=name)
        return []

    def end(self, identity, status):
        self.write("end", identity, state=status.state)

    def pages(self, identity):
        return tracker.Pages()

    def close_run(self, identity, status):
        self.write("close", identity, state=status.state)


@pytest.fixture
def tracked(run, tmp_path, monkeypatch):
    """Runs a pipeline and gives what the tracker was told; workers inherit the tracker by the fork."""
    entry = SimpleNamespace(name="lines", load=lambda: FileTracker)
    monkeypatch.setattr(tracker, "_installed", lambda: [entry])
    path = tmp_path / "lines.jsonl"

    def track(*body, **fields):
        result = run(*body, options={"tracking": f"lines:{path}"}, **fields)
        assert result.findings == ()
        lines = path.read_text().splitlines() if path.exists() else []
        return result, [json.loads(line) for line in lines]

    return track


def test_the_run_is_opened_first_and_closed_last(tracked):
    result, told = tracked(task("one"), task("fail"))
    assert (told[0]["what"], told[0]["task"]) == ("open", "")
    assert (told[-1]["what"], told[-1]["state"]) == ("close", "failed")
    assert {line["run"] for line in told} == {result.run_id}
    ends = {line["task"]: line["state"] for line in told if line["what"] == "end"}
    assert ends == {"one": "finished", "fail": "failed"}


def test_tags_are_told_by_the_run_and_its_tasks(tracked):
    _, told = tracked(task("one"), tracking=Tracking(tags={"stage": "new"}))
    tags = [line["tags"] for line in told if line["what"] in ("open", "begin")]
    assert tags == [{"stage": "new"}] * 2


def test_each_attempt_is_tracked(tracked):
    _, told = tracked(task("fail", retry=Retry(max=1)))
    assert [line["attempt"] for line in told if line["what"] == "begin"] == [1, 2]


def test_inputs_metrics_and_artifacts_are_tracked(tracked):
    _, told = tracked(
        task("frame", outputs={"return": ArtifactType(artifact="Dataset")}),
        task(
            "score",
            inputs={"data": ref("frame")},
            outputs={"return": ArtifactType(artifact="Metrics")},
        ),
        task("echo", inputs={"value": Literal_(value=3)}),
    )
    names = {(line["what"], line["task"], line.get("name")) for line in told}
    assert ("Metric", "score", "rows") in names
    assert ("Metric", "score", "share") in names
    assert ("Reference", "frame", "return") in names
    assert ("Param", "echo", "value") in names
    assert ("Param", "score", "data") not in names


def test_a_pipeline_may_switch_tracking_off(tracked):
    _, told = tracked(task("one"), tracking=Tracking(enabled=False))
    assert told == []


def test_a_tracker_that_fails_fails_no_task(run, tmp_path):
    result = run(task("one"), options={"tracking": "unknown://x"})
    assert result.state == "succeeded"
    assert {finding.code for finding in result.findings} == {"PORT503"}


def test_a_tracker_that_stays_away_is_told_once(run, tmp_path, monkeypatch):
    class Away(FileTracker):
        def write(self, what, identity, **more):
            raise OSError("away")

    entry = SimpleNamespace(name="lines", load=lambda: Away)
    monkeypatch.setattr(tracker, "_installed", lambda: [entry])
    result = run(task("one"), options={"tracking": "lines:x"})
    assert [finding.code for finding in result.findings] == ["PORT500"]


def test_what_a_killed_task_left_is_told(run, tmp_path, monkeypatch):
    entry = SimpleNamespace(name="lines", load=lambda: FileTracker)
    monkeypatch.setattr(tracker, "_installed", lambda: [entry])
    result = run(
        task("exit_hard_tracked", id="die"),
        task("one"),
        options={"tracking": f"lines:{tmp_path}/lines"},
    )
    (finding,) = result.findings
    assert finding.code == "PORT500"
    assert finding.what.startswith("the process of `die` was killed before its records were sent")
    assert f"`port track sync {tmp_path}" in finding.next
