"""Two runs side by side: what belongs together in them, and what is the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from intermodal.comparable import counted_tasks
from intermodal.compiling import Compiled
from intermodal.engines import SourceRun, TrialResult, Waits
from intermodal.ir import ForEach, Items, Literal_, Noop, Pipeline, PythonCall, Task
from intermodal.side_by_side import Old, data_beside, side_of
from intermodal.trace import Instance, Trace
from intermodal.verifying import Request, Tried

OK = Instance(state="succeeded", attempts=1)
SKIPPED = Instance(state="skipped")


def call(name):
    return Task.of(id=name, action=PythonCall.of(module="m", function=name))


def loop(name, *body):
    return ForEach.of(id=name, items=Items.of(lists=(Literal_.of(value=[1, 2]),)), body=body)


FLAT = Pipeline.of(name="p", body=(call("a"), loop("each", call("b")), call("c")))
NESTED = Pipeline.of(name="p", body=(call("a"), loop("one", loop("two", call("b"))), call("c")))


def trace(state="succeeded", **instances):
    named = {
        name.replace("_", "[", 1).replace("_", "][") + "]" * ("_" in name): i
        for name, i in instances.items()
    }
    return Trace(pipeline="p", state=state, instances=named)


def differing(pipeline, old, new, *, waits=None, spans=None, source=None):
    """The differences as text."""
    ran = SourceRun("old@1", old, waits or {}, "")
    done = TrialResult(new, "", timed_out=False, spans=spans or {})
    tried = Tried("new@1", pipeline, Compiled({}, ()), done)
    request = Request(pipeline=source or pipeline)
    side = side_of(tried, request, Old(Path("old.py"), "p", "old@1", {}), ran)
    return [str(one) for one in side.verified.differences]


def test_instances_belong_together_by_index():
    one = Instance(state="succeeded", attempts=1, outputs={"return": 1})
    two = Instance(state="succeeded", attempts=1, outputs={"return": 2})
    old = trace(a=OK, b_0=one, b_1=two, c=OK)
    assert differing(FLAT, old, trace(a=OK, b_0=one, b_1=two, c=OK)) == []
    assert differing(FLAT, old, trace(a=OK, b_0=two, b_1=one, c=OK)) == [
        "`b[0]`: outputs.return is 2, expected 1",
        "`b[1]`: outputs.return is 1, expected 2",
    ]


def test_nested_loops_are_counted_through():
    old = trace(a=OK, b_0=OK, b_1=OK, b_2=OK, b_3=SKIPPED, c=OK)
    new = trace(a=OK, b_0_0=OK, b_0_1=OK, b_1_0=OK, b_1_1=SKIPPED, c=OK)
    assert differing(NESTED, old, new) == []
    other = trace(a=OK, b_0_0=OK, b_0_1=OK, b_1_0=SKIPPED, b_1_1=OK, c=OK)
    assert '`b[2]`: state is "skipped", expected "succeeded"' in differing(NESTED, old, other)


def test_a_loop_that_was_skipped_as_a_whole():
    old = trace(a=SKIPPED, b=SKIPPED, c=SKIPPED)
    assert differing(FLAT, old, trace(a=SKIPPED, b_0=SKIPPED, b_1=SKIPPED, c=SKIPPED)) == []
    assert differing(FLAT, old, trace(a=SKIPPED, b=Instance(state="not_started"), c=SKIPPED)) == []
    assert differing(FLAT, old, trace(a=SKIPPED, b_0=OK, b_1=SKIPPED, c=SKIPPED)) != []


def test_nothing_and_none_are_the_same_result():
    none = Instance(state="succeeded", attempts=1, outputs={"return": None})
    assert differing(FLAT, trace(a=OK, b=SKIPPED, c=OK), trace(a=none, b=SKIPPED, c=OK)) == []


def test_tasks_that_compiling_made_do_not_count():
    made = Pipeline.of(name="p", body=(*FLAT.body, Task.of(id="joint", action=Noop.of())))
    old, new = trace(a=OK, b=SKIPPED, c=OK), trace(a=OK, b=SKIPPED, c=OK, joint=OK)
    assert differing(made, old, new, source=FLAT) == []
    assert differing(made, old, new) != []


@pytest.mark.parametrize(
    ("waits", "ordered"),
    [
        ({"c": Waits(("b",), "all_success")}, False),
        ({"c": Waits(("b",), "all_done")}, False),
        ({"c": Waits(("b",), "one_success")}, True),
        ({"c": Waits(("b",), "always")}, True),
        ({"c": Waits(("a",), "all_success")}, True),
        ({}, True),
    ],
)
def test_order_is_that_of_the_old_edges(waits, ordered):
    both = trace(a=OK, b_0=OK, b_1=OK, c=OK)
    spans = {"a": (0.0, 1.0), "b[0]": (1.0, 2.0), "b[1]": (1.0, 4.0), "c": (3.0, 5.0)}
    found = differing(FLAT, both, both, waits=waits, spans=spans)
    assert found == ([] if ordered else ["`c`: ordered is false, expected true"])


def test_instances_of_a_mapped_group_wait_for_their_own_index_only():
    pipeline = Pipeline.of(name="p", body=(loop("g", call("b"), call("c")),))
    both = trace(b_0=OK, b_1=OK, c_0=OK, c_1=OK)
    spans = {"b[0]": (0.0, 1.0), "c[0]": (1.0, 2.0), "b[1]": (1.0, 3.0), "c[1]": (3.0, 4.0)}
    inside = {name: Waits(up, "all_success", "g") for name, up in (("b", ()), ("c", ("b",)))}
    assert differing(pipeline, both, both, waits=inside, spans=spans) == []
    outside = {name: Waits(told.upstream, told.join) for name, told in inside.items()}
    assert differing(pipeline, both, both, waits=outside, spans=spans) != []


def test_types_stand_for_values_that_are_no_json():
    def returning(value):
        return trace(
            a=Instance(state="succeeded", attempts=1, outputs={"return": value}), b=SKIPPED, c=OK
        )

    moment = {"when": {"$type": "datetime.datetime"}, "n": 1}
    assert differing(FLAT, returning(moment), returning({"when": "2026-01-01", "n": 1})) == []
    assert differing(FLAT, returning(moment), returning({"when": "2026-01-01", "n": 2})) != []
    assert differing(FLAT, returning(moment), returning({"when": None, "n": 1})) != []
    assert differing(FLAT, returning(moment), returning({"when": {"$type": "set"}, "n": 1})) != []


def test_tasks_and_mapped_ones_are_counted():
    assert counted_tasks(trace(a=OK, b_0=OK, b_1=OK, c=OK)) == (3, 1)


def test_data_beside_a_file(tmp_path):
    for name in (
        "etl.py",
        "other.py",
        "a.sql",
        ".hidden",
        "sql/b.sql",
        "sql/__init__.py",
        "lib/x.py",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "__pycache__").mkdir()
    assert {path.name for path in data_beside(tmp_path / "etl.py")} == {"a.sql", "sql"}
