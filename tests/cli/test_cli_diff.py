"""`port diff`: two real runs of this machine, known from the store alone."""

from __future__ import annotations

import shutil

import pytest

from intermodal.artifacts import ArtifactStore
from intermodal.authoring.load import load_source
from intermodal.running import RunOptions, local_backend

PIPELINE = """
from intermodal import Metrics, pipeline, task


@task
def load(rows: int) -> list[int]:
    return list(range(rows))


@task
def score(values: list[int]) -> Metrics:
    return Metrics(total=sum(values))


@pipeline
def etl(rows: int = 3):
    score(load(rows))
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A store, and the ids of a run, the same once more, one with other rows, one with other code."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "etl.py").write_text(PIPELINE)
    (folder / "changed.py").write_text(PIPELINE.replace("sum(values)", "sum(values) + 1"))
    options = RunOptions(store=str(folder / "store"), tracking="")
    ids = []
    for file, rows in [("etl", 3), ("etl", 3), ("etl", 5), ("changed", 3)]:
        (pipeline,) = load_source(folder / f"{file}.py", folder).pipelines
        ids.append(local_backend().run(pipeline, {"rows": rows}, options).run_id)
    return folder / "store", ids


@pytest.fixture
def runs(made, project):
    """The ids of the runs, whose store is the project's."""
    store, ids = made
    shutil.copytree(store, project / ".intermodal/store")
    return ids


def test_runs_are_compared(call, runs):
    one, same, other, changed = runs
    done = call("diff", one, same, "--exit-code")
    assert done.code == 0
    assert "no differences" in done.out
    done = call("diff", one, other)
    assert done.code == 0
    rows = [line.split() for line in done.out.splitlines()]
    assert ["rows", "3", "5"] in rows
    assert ["score", "total", "3", "10", "+7"] in rows
    assert call("diff", one, other, "--exit-code").code == 1
    done = call("diff", f"etl/{one}", changed, "--code")
    assert "code changed in tasks: score" in done.out
    assert "-    return Metrics(total=sum(values))" in done.out
    assert "+    return Metrics(total=sum(values) + 1)" in done.out


def test_json(call, runs):
    one, _, other, _ = runs
    data = call("diff", one, other, "--json").json
    assert [run["run_id"] for run in data["runs"]] == [one, other]
    assert data["different"] is True
    assert not any(row["same"] for row in data["rows"])
    (row,) = [row for row in data["rows"] if row["section"] == "artifacts"]
    assert row["left"]["kind"] == "Metrics"
    whole = call("diff", one, other, "--json", "--all").json["rows"]
    assert {row["task"] for row in whole if row["section"] == "states"} == {"", "load", "score"}


def test_a_run_that_is_not_there(call, runs):
    done = call("diff", runs[0], "nothing")
    assert done.code == 1
    assert "error[PORT541]: there is no run `nothing`" in done.err


def test_a_tracker_that_is_away_is_told_once(call, runs):
    done = call("diff", *runs[:2], "--tracking", "http://127.0.0.1:9")
    assert done.code == 0
    assert done.err.count("warning[PORT543]") == 1


def test_pruned_metrics_still_have_their_hash(call, runs, project):
    store = ArtifactStore(project / ".intermodal/store")
    for record in store.records(run=runs[0]):
        store.prune(record)
    rows = call("diff", runs[0], runs[2], "--json").json["rows"]
    assert "artifacts" in {row["section"] for row in rows}


def test_a_tracker_that_knows_only_one_of_the_runs_is_told(call, runs, project):
    from intermodal.tracking.session import open_run
    from intermodal.tracking.tracker import TaskIdentity

    tracker = f"jsonl:{project}/tracked"
    open_run(TaskIdentity("etl", runs[0], ""), tracker)
    done = call("diff", *runs[:2], "--tracking", tracker)
    assert f"does not know run `{runs[1]}`" in done.err
    open_run(TaskIdentity("etl", runs[1], ""), tracker)
    assert call("diff", *runs[:2], "--tracking", tracker).err == ""


def test_times_are_told_by_a_factor_above_one():
    from intermodal.cli.render.differences import _times

    assert _times(2.6, 0.13) == "20.0 times as fast"
    assert _times(0.5, 1.0) == "2.0 times as long"
    assert (_times(1.0, 1.01), _times(0.0, 1.0)) == ("", "")
