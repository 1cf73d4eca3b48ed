"""Artifacts inside lists and maps, and expressions of every kind, through whole runs."""

from datetime import timedelta

import pytest
from local_pipelines import FRAME, output, ref, states, task

from intermodal.ir import (
    Arm,
    ArtifactType,
    Branch,
    Compare,
    DateFormat,
    DateShift,
    Default,
    ForEach,
    Format,
    Index,
    ItemRef,
    Items,
    Join,
    ListOf,
    Literal_,
    Logic,
    MapOf,
    OutputRef,
    Parameter,
    ParameterRef,
    RunFact,
    SecretRef,
    Task,
    TaskState,
)

METRICS = {"return": ArtifactType(artifact="Metrics")}
DAY = "2026-03-01T00:00:00+00:00"


def literal(value):
    return Literal_(value=value)


def compare(left, operator, right):
    return Compare(left=left, operator=operator, right=right)


def index(base, key):
    return Index(base=base, key=literal(key))


def frames(id="each", items=(1, 2, 3), **fields):
    body = task("frame_of", inputs={"item": ItemRef(loop=id)}, outputs=FRAME, **fields)
    return ForEach(
        id=id,
        items=Items(lists=(literal(list(items)),)),
        body=(body,),
        outputs={"all": ref("frame_of")},
    )


def test_collected_artifacts_are_loaded_one_by_one(run):
    result = run(frames(), task("sizes", inputs={"frames": ref("each", "all")}))
    assert output(result, "sizes") == [1, 2, 3]


def test_no_artifacts_are_an_empty_list(run):
    result = run(frames(items=()), task("sizes", inputs={"frames": ref("each", "all")}))
    assert output(result, "sizes") == []


def test_instances_that_gave_none_are_left_out(run):
    guard = compare(ItemRef(loop="each"), "!=", literal(2))
    result = run(frames(guard=guard), task("sizes", inputs={"frames": ref("each", "all")}))
    assert output(result, "sizes") == [1, 3]


def test_lists_and_maps_of_artifacts(run):
    result = run(
        task("frame", outputs=FRAME),
        frames(),
        task(
            "sizes", inputs={"frames": ListOf(items=(ref("frame"), index(ref("each", "all"), 0)))}
        ),
        task(
            "sizes_by_name",
            inputs={
                "frames": MapOf(entries={"a": ref("frame"), "b": index(ref("each", "all"), -1)})
            },
        ),
    )
    assert output(result, "sizes") == [3, 1]
    assert output(result, "sizes_by_name") == {"a": 3, "b": 3}


def test_many_artifacts_go_through_nested_loops(run):
    inner = frames("inner", items=(1, 2))
    outer = ForEach(
        id="outer",
        items=Items(lists=(literal(["x", "y"]),)),
        body=(inner, task("sizes", inputs={"frames": ref("inner", "all")})),
        outputs={"sizes": ref("sizes")},
    )
    result = run(outer, task("echo", inputs={"value": ref("outer", "sizes")}))
    assert output(result, "echo") == [[1, 2], [1, 2]]


def test_metrics_decide(run):
    score = task("score", inputs={"data": ref("frame")}, outputs=METRICS)
    good = compare(index(ref("score"), "share"), ">=", literal(0.5))
    result = run(
        task("frame", outputs=FRAME),
        score,
        task("one", id="guarded", guard=good),
        task("one", id="not_guarded", guard=compare(index(ref("score"), "rows"), ">", literal(3))),
        Branch(
            id="fork",
            arms=(Arm(name="good", condition=good, body=(task("one", id="inside"),)),),
            otherwise=(task("one", id="outside"),),
        ),
        task("echo", inputs={"value": index(ref("score"), "rows")}),
        task("one", id="has", guard=compare(literal("share"), "in", ref("score"))),
    )
    ended = states(result)
    assert [ended[n] for n in ("guarded", "inside", "has")] == ["succeeded"] * 3
    assert [ended[n] for n in ("not_guarded", "outside")] == ["skipped"] * 2
    assert output(result, "echo") == 3


def test_collected_metrics_are_looked_into(run):
    each = ForEach(
        id="each",
        items=Items(lists=(literal([1, 2]),)),
        body=(
            task("frame_of", inputs={"item": ItemRef(loop="each")}, outputs=FRAME),
            task("score", inputs={"data": ref("frame_of")}, outputs=METRICS),
        ),
        outputs={"scores": ref("score")},
    )
    second = index(index(ref("each", "scores"), 1), "rows")
    assert output(run(each, task("echo", inputs={"value": second})), "echo") == 2


def test_a_large_list_is_looked_into_and_looped_over(run):
    result = run(
        task("big", inputs={"size": literal(20_000)}),
        task("echo", inputs={"value": index(ref("big"), 19_999)}),
        task("one", guard=compare(literal(12_345), "in", ref("big"))),
        ForEach(
            id="each",
            items=Items(lists=(ref("big"), literal([1, 2])), combine="zip"),
            body=(task("echo", id="item", inputs={"value": ItemRef(loop="each")}),),
        ),
    )
    assert output(result, "echo") == 19_999
    assert states(result)["one"] == "succeeded"
    assert output(result, "item[1]") == [1, 2]


def test_every_expression_as_an_input(run):
    moment = RunFact(fact="logical_date")
    values = {
        "fact": RunFact(fact="pipeline"),
        "run": compare(RunFact(fact="run_id"), "==", literal("r1")),
        "start": RunFact(fact="data_interval_start"),
        "attempt": RunFact(fact="attempt"),
        "parameter": ParameterRef(name="n"),
        "format": Format(parts=(literal("n="), ParameterRef(name="n"), literal(" "), ref("one"))),
        "day": DateFormat(base=DateShift(base=moment, by=timedelta(days=1)), pattern="%Y-%m-%d"),
        "back": DateShift(base=moment, by=timedelta(days=1), backwards=True),
        "logic": Logic(operator="not", operands=(compare(ref("one"), ">", literal(1)),)),
        "default": Default(value=ref("skipped"), fallback=literal("none")),
        "state": TaskState(node="skipped"),
        "list": ListOf(items=(ref("one"), MapOf(entries={"a": ParameterRef(name="n")}))),
        "missing": ListOf(items=(ref("skipped"),)),
    }
    result = run(
        task("one"),
        task("one", id="skipped", guard=literal(False)),
        task("echo", inputs={"value": MapOf(entries=values)}, join=Join.NONE_FAILED),
        given={"n": 5},
        parameters={"n": Parameter()},
        options={"run_id": "r1", "logical_date": DAY},
    )
    assert output(result, "echo") == {
        "fact": "p",
        "run": True,
        "start": DAY,
        "attempt": 1,
        "parameter": 5,
        "format": "n=5 1",
        "day": "2026-03-02",
        "back": "2026-02-28T00:00:00+00:00",
        "logic": True,
        "default": "none",
        "state": "skipped",
        "list": [1, {"a": 5}],
        "missing": [None],
    }


def test_secrets_inside_lists_and_maps(run):
    value = MapOf(entries={"a": ListOf(items=(SecretRef(name="token"), literal(1)))})
    reveal = task("echo", id="reveal", inputs={"value": value})
    result = run(reveal, options={"environment": {"INTERMODAL_SECRET_TOKEN": "hunter22"}})
    assert states(result) == {"reveal": "succeeded"}


@pytest.mark.parametrize("chosen", [["a"], ["a", "b"]])
def test_a_merged_output_is_looped_over(run, chosen):
    arms = (
        Arm(name="a", body=(task("echo", id="left", inputs={"value": literal([1, 2])}),)),
        Arm(name="b", body=(task("one", id="right"),)),
    )
    fork = Branch(
        id="fork",
        arms=arms,
        chooser=literal(chosen),
        outputs={"items": (OutputRef(node="left"),)},
    )
    each = ForEach(
        id="each",
        items=Items(lists=(ref("fork", "items"),)),
        body=(task("double", inputs={"item": ItemRef(loop="each")}),),
        outputs={"all": ref("double")},
    )
    result = run(fork, each, task("total", inputs={"values": ref("each", "all")}))
    assert output(result, "total") == 6


def test_an_exit_task_sees_states_facts_and_outputs(run):
    entries = {
        "state": RunFact(fact="state"),
        "bad": TaskState(node="fail"),
        "one": ref("one"),
        "none": Default(value=ref("fail"), fallback=literal("nothing")),
    }
    last = Task(
        id="last",
        action=task("echo").action,
        outputs=task("echo").outputs,
        inputs={"value": MapOf(entries=entries)},
    )
    result = run(task("one"), task("fail"), exit_tasks=(last,))
    assert output(result, "last") == {
        "state": "failed",
        "bad": "failed",
        "one": 1,
        "none": "nothing",
    }
    assert result.state == "failed"
