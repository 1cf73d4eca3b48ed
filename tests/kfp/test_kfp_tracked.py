"""Tracked pipelines: tasks tell with which of them a run may end, and link to the tracker."""

from __future__ import annotations

import json

import pytest
from kfp_running import run_spec

from intermodal import runtime
from intermodal.compiling import Settings, Target
from intermodal.ir import (
    Arm,
    ArtifactType,
    Branch,
    CapturedSource,
    Compare,
    Container,
    ForEach,
    IntegerType,
    Items,
    Join,
    Literal_,
    Noop,
    ParameterRef,
    Pipeline,
    PythonCall,
    Task,
    Tracking,
)
from intermodal_compilers.kfp import KfpCompiler
from intermodal_compilers.kfp.ending import ending_tasks

STEP = PythonCall(
    module="m", function="step", source=CapturedSource(function="def step():\n    return 1\n")
)
HOLDS = Compare(operator="==", left=ParameterRef(name="n"), right=Literal_(value=1))


def task(name, *after, **more):
    return Task(id=name, action=STEP, after=after, **more)


def branch(name, *inside, after=()):
    return Branch(id=name, arms=(Arm(name="yes", condition=HOLDS, body=inside),), after=after)


def loop(name, *inside, after=()):
    return ForEach(id=name, items=Items(lists=(Literal_(value=[1]),)), body=inside, after=after)


def ending(*body, exits=()):
    pipeline = Pipeline(name="p", body=body, exit_tasks=exits)
    reporting = {one.id for one in pipeline.body if isinstance(one, Task)} | {"in", "in2", "x"}
    silent = {one.id for one in body if isinstance(getattr(one, "action", None), (Container, Noop))}
    return set(ending_tasks(pipeline, reporting - silent))


def test_what_others_follow_is_not_the_last():
    assert ending(task("a"), task("b", "a"), task("c", "b")) == {"c"}
    assert ending(task("a"), task("b", "a"), task("c", "a")) == {"b", "c"}


def test_what_may_be_skipped_follows_nothing_for_sure():
    assert ending(task("a"), task("b", "a", guard=HOLDS)) == {"a", "b"}
    assert ending(task("a"), task("b", "a", guard=HOLDS), task("c", "b")) == {"a", "b", "c"}
    rule = {"join": Join.NONE_FAILED}
    assert ending(task("a"), task("b", "a", guard=HOLDS), task("c", "b", **rule)) == {"c"}
    either = {"join": Join.NONE_FAILED_MIN_ONE_SUCCESS}
    body = (task("a"), task("b", guard=HOLDS), task("c", "a", "b", **either))
    assert ending(*body) == {"c"}


def test_what_reports_nothing_follows_nothing():
    box = Task(id="box", action=Container(image="i"), after=("a",))
    assert ending(task("a"), box) == {"a", "box"}
    assert ending(task("a"), box, task("b", "box")) == {"b"}


def test_regions_may_hold_nothing_that_runs():
    for made in (branch, loop):
        region = made("r", task("in"), task("in2", "in"), after=("a",))
        assert ending(task("a"), region) == {"a", "in2"}
        assert ending(task("a"), region, task("b", "r")) == {"a", "in2", "b"}
        assert ending(task("a"), region, task("b", "r", join=Join.NONE_FAILED)) == {"b"}


def test_exit_tasks_come_after_all():
    assert ending(task("a"), task("b", "a"), exits=(task("x"),)) == {"x"}
    assert ending(task("a"), exits=(task("x", guard=HOLDS),)) == {"a", "x"}


DATASET = ArtifactType(artifact="Dataset")


def compiled(pipeline, settings):
    result = KfpCompiler().compile(pipeline, Target("kfp", "2"), settings)
    assert not [one for one in result.findings if one.severity == "error"]
    return result.files["pipeline.yaml"]


def two(**more):
    make = PythonCall(
        module="m",
        function="make",
        source=CapturedSource(function="def make():\n    return b'x'\n"),
    )
    first = Task(id="first", action=make, outputs={"return": DATASET})
    second = Task(id="second", action=STEP, after=("first",), outputs={"return": IntegerType()})
    return Pipeline(name="p", body=(first, second), **more)


@pytest.fixture
def told(monkeypatch, tmp_path):
    """The contexts that the runtime is given; the tracker shows all attempts on one page."""
    found = {}

    def run(function, *, context, inputs, outputs, **rest):
        found[context.task] = context
        if context.on_tracked is not None:
            context.on_tracked("http://mlflow/task")
        if outputs["return"] == "value":
            return 1
        return {"$artifact": {"uri": "s3://b/x", "sha256": "0", "size": 1, "format": "bin"}}

    monkeypatch.setattr(runtime, "run", run)
    return found


def test_the_runtime_is_told_which_tasks_are_the_last(told, tmp_path):
    settings = Settings(
        tracking="http://mlflow:5000",
        store=str(tmp_path),
        targets={"kfp": {"ui": "https://kfp.example.com/"}},
    )
    run_spec(compiled(two(), settings), tmp_path)
    assert {name: context.last for name, context in told.items()} == {
        "first": False,
        "second": True,
    }
    assert {context.run_link for context in told.values()} == {
        "https://kfp.example.com/#/runs/details/run-7"
    }


def test_artifacts_tell_where_their_task_is_tracked(told, tmp_path):
    text = compiled(two(), Settings(tracking="http://mlflow:5000", store=str(tmp_path)))
    done, _ = run_spec(text, tmp_path)
    [artifact] = done["first"]["artifacts"]["return"]["artifacts"]
    assert artifact["metadata"]["tracking_url"] == "http://mlflow/task"
    assert artifact["metadata"]["store_uri"] == "s3://b/x"
    assert json.loads(artifact["metadata"]["intermodal"])["$artifact"]["sha256"] == "0"


def test_runs_that_kfp_has_made_are_handed_on(told, tmp_path, monkeypatch):
    text = compiled(two(), Settings(tracking="http://mlflow:5000", store=str(tmp_path)))
    monkeypatch.setenv("MLFLOW_RUN_ID", "inner")
    run_spec(text, tmp_path)
    assert told["first"].given == {}, "the variable of MLflow alone is not KFP's"
    own = {"endpoint": "http://inside:5000", "parentRunId": "outer", "experimentId": "7"}
    monkeypatch.setenv("KFP_MLFLOW_CONFIG", json.dumps(own))
    run_spec(text, tmp_path)
    assert told["first"].given == {"run": "outer", "task": "inner"}
    assert told["first"].tracking == "http://mlflow:5000"
    pipeline = two()
    tracks = tuple(one.model_copy(update={"tracks": True}) for one in pipeline.body)
    own_address = compiled(pipeline.model_copy(update={"body": tracks}), Settings(store="/s"))
    run_spec(own_address, tmp_path)
    assert told["first"].tracking == "http://inside:5000"


@pytest.mark.parametrize(
    ("settings", "tracking", "tells"),
    [
        (Settings(), Tracking(), False),
        (Settings(tracking="http://m"), Tracking(), True),
        (Settings(tracking="http://m"), Tracking(enabled=False), False),
        (Settings(trace=True), Tracking(), False),
    ],
)
def test_only_what_is_tracked_tells(settings, tracking, tells):
    text = compiled(two(tracking=tracking), settings)
    assert ("last=True" in text) == tells
    assert ("on_tracked" in text) == tells
