"""Runs on three engines with one store and one MLflow: lineage and differences are told across them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from intermodal import registry
from intermodal.artifacts.store import ArtifactStore
from intermodal.authoring.load import load_source
from intermodal.cli.main import port
from intermodal.compile import compile_pipeline
from intermodal.compiling import Settings
from intermodal.findings import errors_of
from intermodal.tracking.tracker import resolve
from intermodal_backends.conformance.emitted import write_compiled
from intermodal_backends.engines.driver import EngineCase
from intermodal_backends.engines.environment import require
from intermodal_backends.local import RunOptions, run_pipeline

pytestmark = [
    pytest.mark.engine,
    pytest.mark.filterwarnings("ignore:Some inputs do not have OOB scores"),
]

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "diagnosis" / "pipeline.py"
TAKES_BY_URI = """
import pandas as pd

from intermodal import data, pipeline, task


@task
def count(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.groupby("benign").size().to_frame("rows")


@pipeline
def report():
    count(data("{uri}", sha256="{sha256}"))
"""


def on_engine(name, pipeline, parameters, work, store, tracking):
    """Run a pipeline on a real engine; the id of its run."""
    target, _ = registry.resolve_target(name)
    compiled = compile_pipeline(pipeline, target, Settings(store=str(store), tracking=tracking))
    assert errors_of(compiled.findings) == []
    case = EngineCase(
        write_compiled(compiled.files, work / "compiled"),
        pipeline.name,
        parameters=parameters,
        environment={"INTERMODAL_EVENTS": str(work / "events.jsonl")},
        timeout=300,
    )
    before = {record.key.run for record in ArtifactStore(store).records()}
    with registry.load("engines", target.name)(require(name)) as engine:
        result = engine.run(case)
    assert result.succeeded, result.log
    (run,) = {record.key.run for record in ArtifactStore(store).records()} - before
    return run


@pytest.fixture(scope="module")
def world(shared_server, tmp_path_factory):
    """The store, and the runs: here, on Kubeflow, and on Prefect with rows of the first by their URI."""
    work = tmp_path_factory.mktemp("world")
    store = work / "store"
    (example,) = load_source(EXAMPLE, EXAMPLE.parent).pipelines
    tracking = example.tracking.model_copy(update={"experiment": "lineage on engines"})
    example = example.model_copy(update={"tracking": tracking})
    options = RunOptions(store=str(store), tracking=shared_server.uri)
    runs = {"local": run_pipeline(example, {"trees": 10}, options).run_id}
    runs["kfp"] = on_engine("kfp@2", example, {"trees": 20}, work / "kfp", store, shared_server.uri)
    (rows,) = ArtifactStore(store).records(run=runs["local"], output="test")
    file = work / "report.py"
    file.write_text(TAKES_BY_URI.format(uri=rows.ref.uri, sha256=rows.ref.sha256))
    (report,) = load_source(file, work).pipelines
    runs["prefect"] = on_engine("prefect@3", report, {}, work / "p", store, shared_server.uri)
    return store, runs, shared_server.uri


@pytest.fixture
def call(world):
    """`port` with that store and tracker; gives what it prints."""
    store, _, uri = world

    def call(*arguments, code=0):
        asked = [*arguments, "--store", str(store), "--tracking", uri]
        done = CliRunner().invoke(port, asked, prog_name="port")
        assert done.exit_code == code, done.output
        return done.output

    return call


def test_an_artifact_is_followed_to_a_run_of_another_pipeline_on_another_engine(world, call):
    _, runs, _ = world
    out = call("lineage", "diagnosis/split/test@1", "--down")
    (line,) = [line for line in out.splitlines() if "report/count/return@1" in line]
    assert "rows: " in line
    assert f"run {runs['prefect']} on prefect@3" in line
    out = call("lineage", "report/count/return", "--up")
    assert f"run {runs['local']} on local" in out
    assert "diagnosis/load/return@1" in out


def test_a_run_of_an_engine_with_the_tasks_that_only_the_tracker_knows(world, call, shared_server):
    _, runs, _ = world
    lines = call("lineage", runs["kfp"]).splitlines()
    assert lines[0].startswith(f"run {runs['kfp']} of diagnosis on kfp@2")
    assert lines[0].endswith(", finished")
    assert lines[1].strip().startswith(f"{shared_server.uri}/#/experiments/")
    place = lines.index("  register")
    taken = {line.strip().partition(":")[0] for line in lines[place + 1 : place + 3]}
    assert taken == {"← model", "← scores"}


def test_a_picture_and_json_across_engines(world, call):
    _, runs, _ = world
    svg = call("lineage", "diagnosis/load/return@1", "--format", "svg")
    assert "report on prefect@3" in svg
    data = json.loads(call("lineage", "diagnosis/load/return@1", "--format", "json"))
    assert {node["run"] for node in data["nodes"]} == {runs["local"], runs["prefect"]}
    assert "diagnosis/register" in {node["name"] for node in data["nodes"]}


def test_differences_of_runs_on_two_engines(world, call):
    _, runs, uri = world
    (tracked,) = resolve(uri).find_runs(runs["kfp"], "diagnosis")
    for named in (runs["kfp"], f"diagnosis/{runs['kfp']}", tracked.tracker_id):
        data = json.loads(call("diff", runs["local"], named, "--json", "--all"))
        changed = {
            (row["section"], row["task"], row["name"]) for row in data["rows"] if not row["same"]
        }
        assert ("run", "", "target") in changed
        assert ("parameters", "", "trees") in changed
        assert ("metrics", "train", "oob_score") in changed
        assert ("artifacts", "train", "return") in changed
        assert {section for section, *_ in changed} <= {
            "run", "parameters", "metrics", "artifacts", "times",
        }  # fmt: skip
        same = {(row["section"], row["task"]) for row in data["rows"] if row["same"]}
        tasks = {"load", "validate", "split", "train", "evaluate", "register"}
        assert {task for section, task in same if section == "code" and task} == tasks
        assert {task for section, task in same if section == "states" and task} == tasks
    out = call("diff", runs["local"], runs["kfp"])
    assert "train oob_score" in out
    assert "kfp@2" in out


def test_pruning_keeps_what_mlflow_has_registered(world, call):
    _, runs, _ = world
    data = json.loads(
        call("artifacts", "prune", "--run", runs["local"], "--pipeline", "diagnosis", "--json")
    )
    kept = {uri.split("/")[-5]: one["why"] for uri, one in data["kept"].items()}
    assert kept == {"train": "registered as a model", "split": "input of what stays"}
    gone = {one["name"] for one in data["removed"]}
    assert gone == {f"diagnosis/{task}/return" for task in ("load", "validate", "evaluate")}
