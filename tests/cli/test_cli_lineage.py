"""`port lineage`: artifacts and runs, in every form."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from intermodal.artifacts import ArtifactKey, ArtifactStore, LineageInput


@pytest.fixture
def stored(project):
    """A run on one engine whose rows a run on another one took by their URI."""
    (project / "intermodal.toml").write_text('store = "kept"\n')
    seconds = count()
    clock = lambda: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=next(seconds))  # noqa: E731
    store = ArtifactStore(project / "kept", clock=clock)

    def save(value, pipeline, run, task, target, inputs=()):
        key = ArtifactKey(pipeline=pipeline, run=run, task=task, output="return")
        made_from = [LineageInput(name="rows", uri=one.uri, sha256=one.sha256) for one in inputs]
        return store.save(value, key, inputs=made_from, target=target, link="http://e/1")[0]

    rows = save({"n": 1}, "etl", "manual__1", "fetch", "airflow@3.3")
    save("made", "report", "run-7", "write", "kfp@2", [rows])
    return rows


def test_an_artifact_with_both_directions(call, stored):
    lines = call("lineage", "etl/fetch/return").out.splitlines()
    digest = stored.sha256[:12]
    assert lines[0] == f"etl/fetch/return@1  Artifact {digest}, 8 B"
    assert lines[1] == "  made 2026-01-01 00:00:00 by fetch  run manual__1 on airflow@3.3"
    assert lines[2:5] == ["  http://e/1", "made from: nothing known", "used for"]
    assert lines[5].startswith("└─ rows: report/write/return@1  Artifact ")
    assert lines[5].endswith("  run run-7 on kfp@2")


@pytest.mark.parametrize(
    ("way", "captions"), [("--up", ["made from"]), ("--down", ["used for: nothing known"])]
)
def test_one_direction(call, stored, way, captions):
    out = call("lineage", "report/write/return", way).out
    assert [line for line in out.splitlines() if line.startswith(("made f", "used"))] == captions


@pytest.mark.parametrize("wanted", ["run-7", "run", "report/run-7", "report/run"])
def test_a_run(call, stored, wanted):
    source = f"etl/fetch/return@1  Artifact {stored.sha256[:12]}, 8 B"
    assert call("lineage", wanted).out.splitlines()[:3] == [
        "run run-7 of report on kfp@2",
        "  write",
        f"    ← rows: {source}  run manual__1 on airflow@3.3",
    ]


@pytest.mark.parametrize("wanted", ["uri", "sha256"])
def test_an_artifact_by_uri_or_hash(call, stored, wanted):
    out = call("lineage", getattr(stored, wanted), "--down").out
    assert "report/write/return@1" in out


def test_json(call, stored):
    data = call("lineage", "run-7", "--format", "json").json
    assert data["asked"] == ["report", "run-7"]
    assert [node["name"] for node in data["nodes"]] == [
        "report/write/return@1",
        "etl/fetch/return@1",
    ]
    (edge,) = data["edges"]
    assert edge["from"] == stored.uri
    assert edge["input"] == "rows"
    assert data["nodes"][1]["record"]["target"] == "airflow@3.3"


@pytest.mark.parametrize("form", ["mermaid", "dot", "svg"])
def test_pictures_are_written_to_files(call, stored, project, form):
    done = call("lineage", "run-7", "--format", form, "--out", "drawn")
    assert (done.code, done.out) == (0, "")
    assert "run-7" in (project / "drawn").read_text()


def test_another_store(call, stored, project):
    other = ArtifactStore(project / "other")
    key = ArtifactKey(pipeline="far", run="f1", task="use", output="return")
    taken = LineageInput(name="x", uri=stored.uri, sha256=stored.sha256)
    other.save(3, key, inputs=[taken])
    assert "far/use/return@1" not in call("lineage", "etl/fetch/return").out
    assert "far/use/return@1" in call("lineage", "etl/fetch/return", "--also", "other").out


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ("nothing", "PORT541"),
        ("", "PORT541"),
        ("etl/", "PORT541"),
        ("etl/fetch/return@2", "PORT400"),
        ("etl/none/return", "PORT400"),
        ("s3://b/x", "PORT400"),
        ("0" * 64, "PORT541"),
        ("../../../x", "PORT400"),
    ],
)
def test_what_is_not_there(call, stored, wanted, code):
    done = call("lineage", wanted)
    assert done.code == 1
    assert f"error[{code}]" in done.err


def test_several_runs_that_may_be_meant(call, stored, project):
    key = ArtifactKey(pipeline="report", run="run-8", task="write", output="return")
    ArtifactStore(project / "kept").save("more", key)
    done = call("lineage", "run-")
    assert "`report/run-7`, `report/run-8`" in done.err


def test_a_tracker_that_is_away_is_a_warning(call, stored):
    done = call("lineage", "run-7", "--tracking", "http://127.0.0.1:9")
    assert done.code == 0
    assert done.err.count("warning[PORT543]") == 1
    assert done.out.startswith("run run-7")


def test_damaged_records_are_told(call, stored, project):
    (marker,) = (project / "kept/report").rglob("artifact.json")
    marker.chmod(0o644)
    marker.write_text("{")
    done = call("lineage", "etl/fetch/return")
    assert "warning[PORT407]" in done.err
    assert "nothing known" in done.out
