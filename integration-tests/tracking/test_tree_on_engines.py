"""The diagnosis example on every engine: one tree of MLflow runs, the same wherever it ran."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from intermodal import registry
from intermodal.artifacts.listing import versions
from intermodal.artifacts.store import ArtifactStore
from intermodal.authoring.load import load_source
from intermodal.compile import compile_pipeline
from intermodal.compiling import Settings
from intermodal.findings import errors_of
from intermodal.tracking.session import DURATION
from intermodal_backends.conformance.harness import write_compiled
from intermodal_backends.engines.driver import EngineCase
from intermodal_backends.engines.environment import require
from intermodal_backends.local import RunOptions, run_pipeline

pytestmark = [
    pytest.mark.engine,
    # Ten trees leave some rows without an estimate; the embedded engine's workers are forks of us.
    pytest.mark.filterwarnings("ignore:Some inputs do not have OOB scores"),
]

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "diagnosis" / "pipeline.py"
ENDINGS = Path(__file__).parent / "endings" / "pipeline.py"
FAILING = {"ending": "fail"}
ENGINES = ["airflow@3.3", "airflow@2.11", "prefect@3", "kfp@2"]
PARAMETERS = {"trees": 10}
TAGS = {"team": "diagnosis", "cost centre": "42"}
TASKS = {"load", "validate", "split", "train", "evaluate", "register"}

# Environments hold different versions of scikit-learn; the algorithms are the same.
TOLERANCE = 1e-9


def example(name, file=EXAMPLE):
    """The example under a name of its own, tagged."""
    loaded = load_source(file, file.parent)
    (pipeline,) = loaded.pipelines
    tracking = pipeline.tracking.model_copy(update={"tags": TAGS, "experiment": name})
    return pipeline.model_copy(update={"tracking": tracking})


@pytest.fixture(scope="module")
def reference(shared_server, tmp_path_factory):
    """The run on the embedded engine: its experiment and its store."""
    store = tmp_path_factory.mktemp("reference") / "store"
    options = RunOptions(store=str(store), tracking=shared_server.uri)
    result = run_pipeline(example("on local"), PARAMETERS, options)
    assert result.state == "succeeded", result.failures
    assert [f for f in result.findings if f.severity != "note"] == []
    for ending in ("fail", "kill"):
        pipeline = example(f"{ending} on local", ENDINGS)
        assert run_pipeline(pipeline, {"ending": ending}, options).state == "failed"
    return "on local", store


def case_of(pipeline, parameters, target, server, work):
    """A compiled pipeline whose artifacts go to `work/store`."""
    settings = Settings(store=str(work / "store"), tracking=server.uri)
    compiled = compile_pipeline(pipeline, target, settings)
    assert errors_of(compiled.findings) == []
    folder = write_compiled(compiled.files, work / f"compiled {pipeline.name}")
    events = {"INTERMODAL_EVENTS": str(work / "events.jsonl")}
    return EngineCase(folder, pipeline.name, parameters=parameters, environment=events, timeout=300)


@pytest.fixture(scope="module", params=ENGINES)
def ran(request, shared_server, tmp_path_factory):
    """The run on a real engine: its target, experiment and store; a run that failed, too."""
    target, _ = registry.resolve_target(request.param)
    work = tmp_path_factory.mktemp("engine")
    name = f"on {request.param}"
    case = case_of(example(name), PARAMETERS, target, shared_server, work)
    failing = example(f"fail {name}", ENDINGS)
    with registry.load("engines", target.name)(require(request.param)) as engine:
        result = engine.run(case)
        failed = engine.run(case_of(failing, FAILING, target, shared_server, work))
    assert result.succeeded, result.log
    assert not failed.succeeded, failed.log
    return target, name, work / "store", result.log


def metrics_of(run):
    return {name: value for name, value in run.data.metrics.items() if name != DURATION}


# What tells one run from another, where it ran, and what was installed there.
OWN = (
    "mlflow.source.",
    "intermodal.key",
    "intermodal.run_id",
    "intermodal.instance",
    "intermodal.session",
    "intermodal.target",
    "intermodal.link",
    "intermodal.pipeline_hash",
    "mlflow.parentRunId",
    "mlflow.runName",
)


def lines(tree, run, path=""):
    """What a run and those below it hold, without what can only differ, as sorted lines of text."""
    tags = {key: value for key, value in run.data.tags.items() if not key.startswith(OWN)}
    places = tuple(key for key in tags if key.endswith((".uri", ".sha256")))
    metrics = {name: f"{value:.6f}" for name, value in metrics_of(run).items()}
    found = [f"{path} is {run.info.status}"]
    found += [f"{path} param {key}: {value}" for key, value in run.data.params.items()]
    found += [f"{path} metric {key}: {value}" for key, value in metrics.items()]
    found += [f"{path} tag {k}: {'' if k in places else v}" for k, v in tags.items()]
    found += [f"{path} file {name}" for name in tree.files(run)]
    for child in tree.children(run.info.run_id):
        found += lines(tree, child, f"{path}/{child.info.run_name}")
    return sorted(found)


def test_the_trees_are_equal_node_by_node(ran, reference, shared_server, read):
    tree, same = read(shared_server.uri, ran[1]), read(shared_server.uri, reference[0])
    ((parent,), (wanted,)) = tree.children(None), same.children(None)
    found, expected = lines(tree, parent), lines(same, wanted)
    assert len(found) > 100
    assert [line for line in found if line not in expected] == []
    assert [line for line in expected if line not in found] == []


def test_the_trees_of_a_run_that_failed_are_equal(ran, reference, shared_server, read):
    tree = read(shared_server.uri, f"fail {ran[1]}")
    same = read(shared_server.uri, "fail on local")
    ((parent,), (wanted,)) = tree.children(None), same.children(None)
    assert lines(tree, parent) == lines(same, wanted)
    assert parent.info.status == "FAILED"
    states = {run.info.run_name: run.info.status for run in tree.children(parent.info.run_id)}
    assert states == {"first": "FINISHED", "middle": "FAILED"}


def test_a_task_killed_by_the_system_fails_its_run(reference, shared_server, read):
    """On the embedded engine; the others have theirs in `test_runs_end_on_engines.py`."""
    tree = read(shared_server.uri, "kill on local")
    ((_, status, _, tasks),) = tree.shape()
    assert status == "FAILED"
    states = {name: state for name, state, *_ in tasks}
    assert states["first"] == "FINISHED"
    assert "RUNNING" not in states.values()


def test_one_run_for_the_pipeline_and_one_below_it_for_each_task(
    ran, reference, shared_server, read
):
    target, name, store, log = ran
    tree = read(shared_server.uri, name)
    (parent,) = tree.children(None)
    tasks = tree.children(parent.info.run_id)
    assert {run.info.run_name for run in tasks} == TASKS, log
    assert len(tree.runs) == 1 + len(TASKS)
    assert {run.info.status for run in tasks} == {"FINISHED"}
    assert {run.data.tags["intermodal.attempt"] for run in tasks} == {"1"}
    tags = parent.data.tags
    assert tags["intermodal.pipeline"] == "diagnosis"
    assert tags["intermodal.target"] == str(target)
    assert tags["intermodal.run_id"] == parent.info.run_name
    assert {key: tags.get(key) for key in TAGS} == TAGS
    assert all(DURATION in run.data.metrics for run in tasks)
    assert list(store.rglob("spool/*.jsonl")) == [], f"records were not delivered:\n{log}"


def test_parameters_and_metrics_are_those_of_the_embedded_engine(
    ran, reference, shared_server, read
):
    tree, same = read(shared_server.uri, ran[1]), read(shared_server.uri, reference[0])
    ((parent,), (wanted,)) = tree.children(None), same.children(None)
    assert parent.data.params == wanted.data.params == {"trees": "10", "share": "0.25"}
    for task in sorted(TASKS):
        run, like = tree.named(task), same.named(task)
        assert run.data.params == like.data.params, task
        found, expected = metrics_of(run), metrics_of(like)
        assert found.keys() == expected.keys(), task
        for name, value in expected.items():
            assert math.isclose(found[name], value, rel_tol=TOLERANCE), (task, name)
    assert metrics_of(tree.named("train")).keys() == {"oob_score"}
    assert metrics_of(tree.named("evaluate")).keys() == {"accuracy", "f1", "roc_auc"}


def test_the_model_is_registered_from_the_run_of_its_task(ran, shared_server, read):
    tree = read(shared_server.uri, ran[1])
    register = tree.named("register")
    found = tree.client.search_model_versions("name='diagnosis'")
    (version,) = [one for one in found if one.run_id == register.info.run_id]
    assert version.status == "READY"
    assert any(name.startswith("models/diagnosis/") for name in tree.files(register))


def artifacts(store):
    """What the store holds, without what belongs to one run alone."""
    rows, findings = versions(ArtifactStore(store))
    assert findings == []
    return sorted((row.task, row.output, row.kind, row.index, row.attempt) for row in rows)


def test_the_store_holds_the_same_artifacts(ran, reference):
    found = artifacts(ran[2])
    assert found == artifacts(reference[1])
    assert {task for task, *_ in found} == TASKS - {"register"}


def test_each_artifact_is_named_in_the_run_that_made_it(ran, reference, shared_server, read):
    tree, same = read(shared_server.uri, ran[1]), read(shared_server.uri, reference[0])
    for task in sorted(TASKS):
        tags, like = tree.named(task).data.tags, same.named(task).data.tags
        prefix = "intermodal.artifact."
        names = {key for key in tags if key.startswith(prefix)}
        assert names == {key for key in like if key.startswith(prefix)}, task
        for key in names:
            if key.endswith(".uri"):
                assert tags[key].removeprefix("file://").startswith(str(ran[2]))
