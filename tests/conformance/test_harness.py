"""The harness itself: what it compares, fills in, checks and receives; each part can fail."""

import json
import urllib.request

import pytest
from pydantic import ValidationError

from intermodal.ir import ForEach, Items, Literal_, Noop, Pipeline, Shell, Task
from intermodal.trace import Instance, Trace, pipeline_state
from intermodal.unrecorded import settle_unrecorded, told_by_engine
from intermodal_backends.conformance.checks import unmet
from intermodal_backends.conformance.expectation import EmittedCheck, Expectation
from intermodal_backends.conformance.inbox import open_inbox


def shell(name, **more):
    return Task(id=name, action=Shell(command="true"), **more)


def loop(name, *body, **more):
    items = Items(lists=(Literal_(value=[1, 2]),))
    return ForEach(id=name, items=items, body=body, **more)


def trace(pipeline, **states):
    """A trace of states; those that ran have one attempt."""
    instances = {
        name: Instance(state=state, attempts=state in ("succeeded", "failed"))
        for name, state in states.items()
    }
    state = pipeline_state(pipeline, states)
    return Trace(pipeline=pipeline.name, state=state, instances=instances)


PLAIN = Pipeline(name="plain", body=(shell("a"), shell("b", after=("a",))))
LOOP = Pipeline(name="loop", body=(shell("a"), loop("each", shell("t"), after=("a",))))
NESTED = Pipeline(name="nested", body=(loop("outer", loop("inner", shell("t"))),))


@pytest.mark.parametrize("word", ["skipped", "upstream_failed"])
def test_an_engine_without_a_word_for_an_instance_that_did_not_run(word):
    wanted = trace(PLAIN, a="succeeded", b=word)
    told = trace(PLAIN, a="succeeded", b="not_started")
    assert settle_unrecorded(PLAIN, wanted.instances, told) == wanted


def test_what_an_engine_says_is_not_overruled():
    wanted = trace(PLAIN, a="succeeded", b="skipped").instances
    for said in ("succeeded", "failed", "upstream_failed"):
        told = trace(PLAIN, a="succeeded", b=said)
        assert settle_unrecorded(PLAIN, wanted, told) == told
    silent = trace(PLAIN, a="succeeded", b="not_started")
    ran = trace(PLAIN, a="succeeded", b="succeeded").instances
    assert settle_unrecorded(PLAIN, ran, silent) == silent


WHOLE = [{}, {"t": "not_started"}, {"t": "skipped"}, {"t[0]": "skipped"}]


@pytest.mark.parametrize("recorded", WHOLE, ids=str)
def test_instances_of_a_loop_that_an_engine_records_as_a_whole(recorded):
    wanted = trace(LOOP, **{"a": "succeeded", "t[0]": "skipped", "t[1]": "skipped"})
    told = trace(LOOP, a="succeeded", **recorded)
    assert settle_unrecorded(LOOP, wanted.instances, told) == wanted


def test_another_word_for_the_whole_loop_is_a_difference():
    wanted = trace(
        LOOP, **{"a": "succeeded", "t[0]": "skipped", "t[1]": "skipped"}
    ).instances
    told = trace(LOOP, a="failed", t="upstream_failed")
    assert "t[0]" not in settle_unrecorded(LOOP, wanted, told).instances


def test_an_instance_that_ran_beside_others_that_are_missing():
    wanted = trace(
        LOOP, **{"a": "succeeded", "t[0]": "succeeded", "t[1]": "skipped"}
    ).instances
    told = trace(LOOP, **{"a": "succeeded", "t[1]": "skipped"})
    assert "t[0]" not in settle_unrecorded(LOOP, wanted, told).instances


def test_nested_loops_recorded_at_any_depth():
    wanted = trace(
        NESTED, **{"t[0][0]": "skipped", "t[0][1]": "skipped", "t[1][0]": "succeeded"}
    )
    told = trace(NESTED, **{"t[0]": "skipped", "t[1][0]": "succeeded"})
    assert settle_unrecorded(NESTED, wanted.instances, told) == wanted


def test_an_empty_loop_succeeds_whatever_the_engine_calls_it():
    wanted = trace(LOOP, a="succeeded", t="not_started")
    assert wanted.state == "succeeded"
    told = trace(LOOP, a="succeeded", t="skipped")
    assert settle_unrecorded(LOOP, wanted.instances, told) == wanted


def test_states_that_only_the_engine_can_tell():
    pipeline = Pipeline(name="p", body=(shell("a"), Task(id="joint", action=Noop())))
    states = {"a": "succeeded", "b": "skipped", "joint": "succeeded", "c[1]": "cached"}
    told = told_by_engine(pipeline, states)
    assert told == {"b": "skipped", "joint": "succeeded", "c[1]": "cached"}


FILES = {
    "flow.py": "@task(retries=2)\ndef a(): ...\n",
    "pipeline.yaml": "a:\n  exec.b: {retries: [1, 2]}\n---\nplatforms: {}\n",
}


@pytest.mark.parametrize(
    ("check", "met"),
    [
        ({"file": "flow.py", "contains": "retries=2"}, True),
        ({"file": "flow.py", "contains": "retries=3"}, False),
        ({"file": "pipeline.yaml", "path": 'a."exec.b".retries[1]', "equals": 2}, True),
        (
            {"file": "pipeline.yaml", "path": 'a."exec.b".retries[1]', "equals": 2.0},
            False,
        ),
        ({"file": "pipeline.yaml", "path": "a.other", "equals": None}, False),
        (
            {"file": "pipeline.yaml", "path": "platforms", "equals": {}, "document": 1},
            True,
        ),
        (
            {"file": "pipeline.yaml", "path": "platforms", "equals": {}, "document": 2},
            False,
        ),
        ({"file": "other.yaml", "contains": "x"}, False),
    ],
)
def test_checks_of_emitted_files(check, met):
    assert (unmet([EmittedCheck(**check)], FILES) == []) is met


@pytest.mark.parametrize("extra", [{}, {"contains": "a", "path": "b"}])
def test_a_check_looks_for_one_thing(extra):
    with pytest.raises(ValidationError, match="either `contains`"):
        EmittedCheck(file="flow.py", **extra)


def test_compiles_only_needs_a_check():
    with pytest.raises(ValidationError):
        Expectation(compiles_only=[{"target": "kfp", "reason": "r", "check": []}])


def test_the_inbox_keeps_what_arrives():
    with open_inbox() as inbox:
        for body in ({"text": "a failed"}, {"text": "b", "more": 1}):
            data = json.dumps(body).encode()
            urllib.request.urlopen(urllib.request.Request(inbox.url, data)).close()
    assert inbox.messages == ["a failed", '{"text": "b", "more": 1}']
