"""Faults inside loops and branches, with exit tasks; and going on with such runs."""

from datetime import timedelta
from pathlib import Path

import pytest
from local_pipelines import attempts, output, ref, states, task

from intermodal.ir import (
    Arm,
    Branch,
    Cache,
    Compare,
    ForEach,
    ItemRef,
    Items,
    Join,
    Literal_,
    Retry,
    RunFact,
)

SOON = timedelta(seconds=0.4)
FAULTS = ("fail_for", "exit_hard_for", "kill_for", "hang_for", "wrong_for")


def literal(value):
    return Literal_(value=value)


def compare(left, operator, right):
    return Compare(left=left, operator=operator, right=right)


def each_of(function, items, bad, retry=None, **fields):
    faulty = task(
        function,
        id="work",
        inputs={"item": ItemRef(loop="each"), "bad": literal(bad)},
        timeout=SOON if function == "hang_for" else None,
        retry=retry,
    )
    body = (
        faulty,
        task("echo", id="next", inputs={"value": ref("work")}),
        task("one", "work", id="clean", join=Join.ALL_DONE),
    )
    items = Items(lists=(literal(items),))
    return ForEach(id="each", items=items, body=body, outputs={"all": ref("next")}, **fields)


@pytest.mark.parametrize("function", FAULTS)
def test_a_fault_of_one_item_in_a_loop_in_a_branch(run, function):
    fork = Branch(
        id="fork",
        arms=(
            Arm(
                name="yes",
                condition=compare(ref("one"), "==", literal(1)),
                body=(each_of(function, [1, 2, 3], 2, retry=Retry(max=1)),),
            ),
        ),
        otherwise=(task("one", id="never"),),
    )
    result = run(
        task("one"),
        fork,
        task("one", "fork", id="after"),
        task("one", "fork", id="anyway", join=Join.ALL_DONE),
        exit_tasks=(task("echo", id="last", inputs={"value": RunFact(fact="state")}),),
        options={"workers": 3},
    )
    assert states(result) == {
        "one": "succeeded",
        "never": "skipped",
        **{f"work[{n}]": "failed" if n == 1 else "succeeded" for n in range(3)},
        **{f"next[{n}]": "upstream_failed" if n == 1 else "succeeded" for n in range(3)},
        **{f"clean[{n}]": "succeeded" for n in range(3)},
        "after": "upstream_failed",
        "anyway": "succeeded",
        "last": "succeeded",
    }
    assert attempts(result)["work[1]"] == 2
    assert attempts(result)["work[0]"] == 1
    assert output(result, "last") == "failed"
    assert result.state == "failed"
    assert {failure.instance for failure in result.failures} == {"work[1]"}


@pytest.mark.parametrize("function", FAULTS)
def test_what_other_items_gave_is_collected(run, function):
    result = run(
        each_of(function, [1, 2, 3], 2),
        task("total", inputs={"values": ref("each", "all")}, join=Join.ALL_DONE),
    )
    assert output(result, "total") == 4


def test_one_item_at_a_time_goes_on_after_a_fault(run):
    result = run(each_of("exit_hard_for", [1, 2, 3], 1, max_parallel=1))
    assert [states(result)[f"work[{n}]"] for n in range(3)] == ["failed", "succeeded", "succeeded"]


def test_a_dead_worker_in_an_exit_task_fails_the_run(run):
    result = run(task("one"), exit_tasks=(task("exit_hard"), task("one", id="other")))
    assert states(result) == {"one": "succeeded", "exit_hard": "failed", "other": "succeeded"}
    assert result.state == "failed"


# --- going on


def test_a_run_with_everything_goes_on(run, tmp_path):
    """A loop in a branch, a cached task, a skipped one, and exit tasks."""
    calls, needed = str(tmp_path / "calls"), str(tmp_path / "needed")

    def steps():
        paths = literal([calls, needed])
        loop = ForEach(
            id="each",
            items=Items(lists=(paths,)),
            body=(task("fail_unless", inputs={"path": ItemRef(loop="each")}),),
            outputs={"all": ref("fail_unless")},
        )
        fork = Branch(
            id="fork",
            arms=(
                Arm(
                    name="yes", condition=compare(ref("count_calls"), ">", literal(0)), body=(loop,)
                ),
            ),
            otherwise=(task("one", id="never"),),
            outputs={"all": (ref("each", "all"),)},
        )
        return (
            task("count_calls", inputs={"path": literal(calls)}, cache=Cache(key="k")),
            task("one", id="skipped", guard=compare(ref("count_calls"), "<", literal(0))),
            task("one", "skipped", id="after_skip", join=Join.NONE_FAILED),
            fork,
            task("total", inputs={"values": ref("fork", "all")}),
        )

    def exits():
        return (
            task("echo", id="last", inputs={"value": RunFact(fact="state")}),
            task(
                "count_calls", "last", id="counted", inputs={"path": literal(str(tmp_path / "x"))}
            ),
        )

    first = run(*steps(), exit_tasks=exits())
    assert states(first)["fail_unless[1]"] == "failed"
    assert states(first)["total"] == "upstream_failed"
    assert output(first, "last") == "failed"
    Path(needed).touch()
    second = run(*steps(), exit_tasks=exits(), options={"resume": first.run_id})
    assert second.state == "succeeded"
    assert output(second, "total") == 14
    assert Path(calls).read_text() == "x"
    assert attempts(second) == {
        "count_calls": 1,
        "skipped": 0,
        "after_skip": 1,
        "never": 0,
        "fail_unless[0]": 1,
        "fail_unless[1]": 2,
        "total": 1,
        "last": 2,
        "counted": 2,
    }
    assert output(second, "last") == "succeeded", "exit tasks tell of the whole run"
    third = run(*steps(), exit_tasks=exits(), options={"run_id": "new"})
    assert states(third)["count_calls"] == "cached"


def test_a_branch_that_chooses_otherwise_when_a_run_goes_on(run, tmp_path):
    """What chose failed the first time; the arm that is taken then has never run."""
    path = literal(str(tmp_path / "needed"))

    def steps():
        arms = (
            Arm(
                name="yes",
                condition=compare(ref("fail_unless"), "==", literal(7)),
                body=(task("one", id="inside"),),
            ),
        )
        return (
            task("fail_unless", inputs={"path": path}),
            Branch(id="fork", arms=arms, otherwise=(task("one", id="otherwise"),)),
            task("one", "fork", id="after"),
        )

    first = run(*steps())
    assert states(first) == {
        "fail_unless": "failed",
        "inside": "upstream_failed",
        "otherwise": "upstream_failed",
        "after": "upstream_failed",
    }
    (tmp_path / "needed").touch()
    second = run(*steps(), options={"resume": first.run_id})
    assert states(second) == {
        "fail_unless": "succeeded",
        "inside": "succeeded",
        "otherwise": "skipped",
        "after": "succeeded",
    }


def test_a_loop_over_what_has_changed_runs_again(run, tmp_path):
    """The list is made anew, so items that had been done are others now."""
    calls, needed = literal(str(tmp_path / "calls")), literal(str(tmp_path / "needed"))

    def steps(function):
        return (
            task("fail_unless", inputs={"path": needed}),
            task("count_calls", "fail_unless", inputs={"path": calls}),
            ForEach(
                id="each",
                items=Items(lists=(literal([1, 2]),)),
                body=(task(function, id="work", inputs={"item": ItemRef(loop="each")}),),
                outputs={"all": ref("work")},
                after=("count_calls",),
            ),
            task("total", inputs={"values": ref("each", "all")}),
        )

    first = run(*steps("double"))
    assert first.state == "failed"
    (tmp_path / "needed").touch()
    second = run(*steps("double"), options={"resume": first.run_id})
    assert output(second, "total") == 6
    third = run(*steps("double"), options={"resume": first.run_id})
    assert all(task.restored for task in third.instances.values())
