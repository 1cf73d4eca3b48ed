"""Traces: made from events, written and read, compared."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intermodal.findings import FindingsError
from intermodal.ir import (
    ForEach,
    Group,
    Items,
    Join,
    Literal_,
    Noop,
    OutputRef,
    Pipeline,
    StringType,
    Task,
)
from intermodal.runtime.events import condensed
from intermodal.trace import Instance, Trace, compare, pipeline_state, read_events, trace_of


def task(name, *after, **fields):
    return Task(id=name, action=Noop(), after=after, outputs={"return": StringType()}, **fields)


def pipeline(*body, **fields):
    return Pipeline(name="p", body=body, **fields)


class Log:
    """Writes an event log, one second for each event."""

    def __init__(self, path):
        self.path = path
        self.time = 0.0

    def __call__(self, event, name, source="runtime", at=None, **more):
        self.time += 1
        line = {"event": event, "task": name, "time": at or self.time, "pid": 1, "source": source}
        with self.path.open("a") as file:
            file.write(json.dumps({**line, **more}) + "\n")

    def attempt(self, name, outcome="succeeded", **more):
        index = {"index": more.pop("index", [])}
        source = {"source": more.pop("source", "runtime")}
        self("start", name, **index, **source)
        self("end", name, outcome=outcome, **index, **source, **more)

    def events(self):
        return read_events(self.path)


@pytest.fixture
def log(tmp_path):
    return Log(tmp_path / "events.jsonl")


def test_attempts_outputs_and_artifacts(log):
    log.attempt("a", "failed")
    log.attempt("a", outputs={"return": 1}, artifacts={"model": "ab"})
    trace = trace_of(pipeline(task("a")), log.events())
    assert trace.instances["a"] == Instance(
        state="succeeded", attempts=2, outputs={"return": 1}, artifacts={"model": "ab"}
    )


def test_a_start_without_an_end_is_a_failure(log):
    log("start", "a")
    assert trace_of(pipeline(task("a")), log.events()).instances["a"].state == "failed"


@pytest.mark.parametrize(
    ("outcome", "state"), [("timed_out", "failed"), ("interrupted", "failed"), ("cached", "cached")]
)
def test_outcomes_are_states(log, outcome, state):
    log.attempt("a", outcome)
    assert trace_of(pipeline(task("a")), log.events()).instances["a"].state == state


def test_the_runtimes_events_count_where_both_logged(log):
    log("start", "a")
    log.attempt("a", outputs={"return": "witness"}, source="witness")
    log("end", "a", outcome="succeeded", outputs={"return": "runtime"})
    log.attempt("b", "failed", source="witness")
    instances = trace_of(pipeline(task("a"), task("b")), log.events()).instances
    assert (instances["a"].attempts, instances["a"].outputs) == (1, {"return": "runtime"})
    assert instances["b"].state == "failed"


def test_what_never_started_has_the_state_the_engine_knows(log):
    log.attempt("a", "failed")
    body = (task("a"), task("b", "a"), task("c"))
    trace = trace_of(pipeline(*body), log.events(), {"b": "upstream_failed", "a": "succeeded"})
    assert {name: i.state for name, i in trace.instances.items()} == {
        "a": "failed",
        "b": "upstream_failed",
        "c": "not_started",
    }


def test_large_outputs_stand_by_their_hash_whoever_logged_them(log):
    value = list(range(10_000))
    log.attempt("a", outputs={"return": value}, source="witness")
    log.attempt("b", outputs={"return": condensed(value)})
    instances = trace_of(pipeline(task("a"), task("b")), log.events()).instances
    assert instances["a"].outputs == instances["b"].outputs
    assert list(instances["a"].outputs["return"]) == ["$sha256"]


def test_broken_lines_are_left_out(log):
    log.attempt("a")
    with log.path.open("a") as file:
        file.write('{"event": "start", "task"\n[]\n{"event": "start"}\nnull\n')
    assert len(log.events()) == 2
    assert read_events(log.path.with_name("none")) == []


def ordered(trace):
    return {name: instance.ordered for name, instance in trace.instances.items()}


def test_a_start_before_an_upstreams_end_is_out_of_order(log):
    log("start", "a")
    log.attempt("b")
    log("end", "a", outcome="succeeded")
    assert ordered(trace_of(pipeline(task("a"), task("b", "a")), log.events())) == {
        "a": True,
        "b": False,
    }


def test_order_counts_the_last_attempt_of_an_upstream_and_the_first_of_a_task(log):
    log.attempt("a", "failed")
    log.attempt("b", "failed")
    log.attempt("a")
    log.attempt("b")
    assert not trace_of(pipeline(task("a"), task("b", "a")), log.events()).instances["b"].ordered


@pytest.mark.parametrize(
    ("join", "holds"),
    [
        (Join.ALL_DONE, False),
        (Join.ONE_SUCCESS, True),
        (Join.ALWAYS, True),
        (Join.ALL_SUCCESS, False),
    ],
)
def test_order_knows_the_join_rule(log, join, holds):
    log("start", "slow")
    log.attempt("quick")
    log.attempt("t")
    log("end", "slow", outcome="succeeded")
    body = (task("slow"), task("quick"), task("t", "slow", "quick", join=join))
    assert trace_of(pipeline(*body), log.events()).instances["t"].ordered is holds


def test_order_in_loops_is_by_item(log):
    body = (task("x"), task("y", "x"))
    each = ForEach(
        id="each", items=Items(lists=(Literal_(value=[1, 2]),)), body=body, after=("before",)
    )
    whole = pipeline(task("before"), each, task("last", "each"))
    log.attempt("before")
    log.attempt("x", index=[0])
    log.attempt("y", index=[0])
    log.attempt("x", index=[1])
    log("start", "y", index=[1])
    log("start", "last")
    log("end", "y", index=[1], outcome="succeeded")
    log("end", "last", outcome="succeeded")
    found = ordered(trace_of(whole, log.events()))
    assert found.pop("last") is False
    assert all(found.values())
    assert set(found) == {"before", "x[0]", "x[1]", "y[0]", "y[1]"}


def test_order_inside_a_group_counts_what_the_group_waits_for(log):
    log.attempt("b")
    log.attempt("a")
    whole = pipeline(task("a"), Group(id="g", body=(task("b"),), after=("a",)))
    assert ordered(trace_of(whole, log.events())) == {"a": True, "b": False}


def test_exit_tasks_come_last(log):
    log("start", "a")
    log.attempt("x")
    log("end", "a", outcome="succeeded")
    whole = pipeline(task("a"), exit_tasks=(task("x"),))
    assert ordered(trace_of(whole, log.events())) == {"a": True, "x": False}


def test_a_pipeline_ends_as_its_leaves_do():
    whole = pipeline(task("a"), task("b", "a", join=Join.ALL_DONE))
    assert pipeline_state(whole, {"a": "failed", "b": "succeeded"}) == "succeeded"
    assert pipeline_state(whole, {"a": "succeeded", "b": "failed"}) == "failed"
    assert pipeline_state(whole, {"a": "succeeded", "b": "not_started"}) == "failed"
    assert pipeline_state(whole, {"a": "succeeded", "b": "skipped"}) == "succeeded"


def test_a_task_in_a_loop_that_others_wait_for_is_no_leaf():
    each = ForEach(id="each", items=Items(lists=(Literal_(value=[1]),)), body=(task("x"),))
    whole = pipeline(each, task("end", "each", join=Join.ALL_DONE))
    assert pipeline_state(whole, {"x[0]": "failed", "end": "succeeded"}) == "succeeded"
    assert pipeline_state(pipeline(each), {"x[0]": "failed"}) == "failed"


def trace(**instances):
    return Trace(pipeline="p", state="succeeded", instances=instances)


def test_equal_traces_have_no_differences():
    one = trace(a=Instance(state="succeeded", attempts=1, outputs={"return": [1]}))
    assert compare(one, Trace.read(one.to_yaml())) == []


def test_differences_read_well():
    expected = trace(
        a=Instance(state="succeeded", attempts=2, outputs={"return": 1, "more": 2}),
        b=Instance(state="skipped"),
    )
    actual = Trace(
        pipeline="other",
        state="failed",
        instances={
            "a": Instance(state="failed", attempts=1, outputs={"return": "1"}),
            "c": Instance(state="succeeded"),
        },
    )
    assert [str(difference) for difference in compare(expected, actual)] == [
        'the pipeline: state is "failed", expected "succeeded"',
        '`a`: state is "failed", expected "succeeded"',
        "`a`: attempts is 1, expected 2",
        "`a`: outputs.more is (absent), expected 2",
        '`a`: outputs.return is "1", expected 1',
        '`b`: instance is "absent", expected "present"',
        '`c`: instance is "present", expected "absent"',
    ]


def test_fields_that_must_differ_can_be_left_out():
    expected = trace(a=Instance(state="succeeded", attempts=1, outputs={"return": 1, "id": "x"}))
    actual = trace(a=Instance(state="succeeded", attempts=3, outputs={"return": 1, "id": "y"}))
    assert compare(expected, actual, ignore=["attempts", "a.outputs.id"]) == []
    assert compare(expected, actual, ignore=["attempts", "outputs"]) == []
    assert len(compare(expected, actual, ignore=["b.attempts"])) == 2


@pytest.mark.parametrize(
    ("text", "code"), [("a: [", "PORT003"), ("a: 1", "PORT102"), ("", "PORT102")]
)
def test_text_that_is_no_trace(text, code):
    with pytest.raises(FindingsError) as refused:
        Trace.read(text)
    assert refused.value.findings[0].code == code


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from("abc"), values), st.integers(0, 5), st.booleans())
def test_what_is_written_reads_equal(outputs, attempts, in_order):
    one = trace(a=Instance(state="failed", attempts=attempts, outputs=outputs, ordered=in_order))
    assert Trace.read(one.to_json()) == one
    assert Trace.read(one.to_yaml()) == one


def test_references_make_edges_too(log):
    log.attempt("b")
    log.attempt("a")
    use = task("b", inputs={"x": OutputRef(node="a")})
    assert not trace_of(pipeline(task("a"), use), log.events()).instances["b"].ordered
