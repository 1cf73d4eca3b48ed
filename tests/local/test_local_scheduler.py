"""The scheduler alone: what runs, in which order, and where everything ends; no processes."""

import pytest

from intermodal.analysis.dissolve_groups import dissolve_groups
from intermodal.analysis.validate import validate
from intermodal.findings import errors_of
from intermodal.ir import (
    Arm,
    Branch,
    Compare,
    Default,
    ForEach,
    Format,
    Group,
    Index,
    ItemRef,
    Items,
    Join,
    Literal_,
    Noop,
    OutputRef,
    Pairing,
    ParameterRef,
    Pipeline,
    RunFact,
    StringType,
    Task,
    TaskState,
)
from intermodal.trace import pipeline_state
from intermodal_backends.local.plan import Plan
from intermodal_backends.local.scheduler import Scheduler
from intermodal_backends.local.scope import Run


def task(name, *after, **fields):
    fields.setdefault("outputs", {"return": StringType()})
    return Task(id=name, action=Noop(), after=after, **fields)


def literal(value):
    return Literal_(value=value)


def condition(value):
    return Compare(operator="==", left=literal(value), right=literal(True))


def loop(name, items, *body, **fields):
    return ForEach(id=name, items=Items(lists=(items,)), body=body, **fields)


class Driver:
    """Runs a pipeline one instance at a time; tasks end as told, `succeeded` if not, and give their inputs."""

    def __init__(self, *body, exit_tasks=(), outcomes=None, outputs=None, **parameters):
        from intermodal.ir import Parameter

        self.pipeline = Pipeline(
            name="p",
            body=body,
            exit_tasks=exit_tasks,
            parameters={name: Parameter() for name in parameters},
        )
        assert errors_of(validate(self.pipeline)) == []
        run = Run("p", "r1", parameters, "2026-01-01T00:00:00+00:00")
        self.scheduler = Scheduler(Plan(dissolve_groups(self.pipeline)), run, lambda value: value)
        self.outcomes = outcomes or {}
        self.outputs = outputs or {}
        self.order = []
        self.most = 0
        self._drain()
        if exit_tasks:
            self.scheduler.begin_exit(self.state)
            self._drain()
        assert self.scheduler.is_done

    def _drain(self):
        from intermodal.analysis.evaluate import evaluate
        from intermodal.analysis.waits import instance_id

        while True:
            started = []
            while (key := self.scheduler.take()) is not None:
                started.append(key)
            if not started:
                return
            self.most = max(self.most, len(started))
            for key in started:
                name = instance_id(*key)
                self.order.append(name)
                scope = self.scheduler.scope(key)
                node = self.scheduler.plan.steps[key[0]].node
                given = [evaluate(value, scope) for value in node.inputs.values()]
                output = self.outputs.get(key[0], given[0] if given else name)
                state = self.outcomes.get(name, self.outcomes.get(key[0], "succeeded"))
                self.scheduler.finish(key, state, {"return": output})

    @property
    def states(self):
        return self.scheduler.final_states()

    @property
    def state(self):
        return pipeline_state(self.pipeline, self.states)

    def output(self, node, name="return"):
        return self.scheduler.output_of(node, name, ())


def test_a_diamond_runs_in_order():
    run = Driver(task("d", "b", "c"), task("b", "a"), task("c", "a"), task("a"))
    assert run.order == ["a", "b", "c", "d"]
    assert run.state == "succeeded"


def test_priority_comes_before_the_pipelines_order():
    run = Driver(task("low"), task("high", priority=5), task("mid", priority=1))
    assert run.order == ["high", "mid", "low"]


def test_a_failure_goes_down_all_success_and_stops_at_all_done():
    run = Driver(
        task("a"),
        task("b", "a"),
        task("c", "b"),
        task("end", "c", join=Join.ALL_DONE),
        outcomes={"a": "failed"},
    )
    assert run.states == {
        "a": "failed",
        "b": "upstream_failed",
        "c": "upstream_failed",
        "end": "succeeded",
    }
    assert run.state == "succeeded", "the only leaf succeeded"


def test_a_false_guard_skips_and_the_skip_goes_on():
    run = Driver(task("a"), task("b", "a", guard=condition(False)), task("c", "b"), task("d", "a"))
    assert run.states == {"a": "succeeded", "b": "skipped", "c": "skipped", "d": "succeeded"}
    assert run.state == "succeeded"


def test_a_false_guard_wins_over_a_failed_upstream():
    run = Driver(
        task("check"),
        task("bad"),
        task(
            "b",
            "bad",
            guard=Compare(operator="==", left=OutputRef(node="check"), right=literal("no")),
        ),
        outcomes={"bad": "failed"},
    )
    assert run.states["b"] == "skipped"


def test_a_guard_on_a_missing_output_leaves_it_to_the_join_rule():
    guard = Compare(operator=">", left=OutputRef(node="a"), right=literal(1))
    run = Driver(task("a"), task("b", guard=guard), outcomes={"a": "skipped"})
    assert run.states["b"] == "skipped"
    run = Driver(task("a"), task("b", guard=guard), outcomes={"a": "failed"})
    assert run.states["b"] == "upstream_failed"


def test_a_guard_without_a_value_fails_the_task():
    guard = Compare(operator="<", left=literal("text"), right=literal(1))
    run = Driver(task("a", guard=guard), task("b", "a"))
    assert run.states == {"a": "failed", "b": "upstream_failed"}
    assert "cannot compare" in run.scheduler.problems["a", ()]


def branch(first, second=None, **fields):
    arms = (
        Arm(name="yes", condition=condition(first), body=(task("y1"), task("y2", "y1"))),
        *(
            (Arm(name="maybe", condition=condition(second), body=(task("m"),)),)
            if second is not None
            else ()
        ),
    )
    return Branch(id="fork", arms=arms, otherwise=(task("n"),), **fields)


@pytest.mark.parametrize(
    ("first", "second", "ran"),
    [
        (True, True, {"y1", "y2"}),
        (False, True, {"m"}),
        (False, False, {"n"}),
    ],
)
def test_the_first_arm_whose_condition_holds_is_taken(first, second, ran):
    run = Driver(branch(first, second), task("after", "fork"))
    assert {name for name, state in run.states.items() if state == "succeeded"} == ran | {"after"}
    assert all(run.states[name] == "skipped" for name in {"y1", "y2", "m", "n"} - ran)


def test_a_branch_without_an_arm_to_take_is_skipped():
    node = Branch(id="fork", arms=(Arm(name="yes", condition=condition(False), body=(task("y"),)),))
    run = Driver(node, task("after", "fork"), task("anyway", "fork", join=Join.NONE_FAILED))
    assert run.states == {"y": "skipped", "after": "skipped", "anyway": "succeeded"}


def test_a_failure_in_an_arm_fails_what_follows_the_branch():
    run = Driver(branch(True), task("after", "fork"), outcomes={"y1": "failed"})
    assert run.states["y2"] == "upstream_failed"
    assert run.states["after"] == "upstream_failed"
    assert run.state == "failed"


def test_a_branch_merges_the_outputs_of_the_arm_that_ran():
    merged = {"which": (OutputRef(node="y2"), OutputRef(node="n"))}
    use = task("use", inputs={"value": OutputRef(node="fork", output="which")})
    assert Driver(branch(True, outputs=merged), use).output("use") == "y2"
    assert Driver(branch(False, outputs=merged), use).output("use") == "n"


def test_a_failed_upstream_of_a_branch_reaches_everything_inside():
    node = Branch(
        id="fork",
        arms=(
            Arm(
                name="yes",
                condition=Compare(operator="==", left=OutputRef(node="a"), right=literal(1)),
                body=(task("y", join=Join.ALL_DONE), loop("l", literal([1]), task("x"))),
            ),
        ),
    )
    run = Driver(task("a"), node, outcomes={"a": "failed"})
    assert run.states == {"a": "failed", "y": "upstream_failed", "x": "upstream_failed"}


def test_a_chooser_names_arms():
    def fork(chosen):
        arms = tuple(Arm(name=name, body=(task(name),)) for name in ("red", "green", "blue"))
        node = Branch(
            id="fork", arms=arms, chooser=OutputRef(node="choose"), otherwise=(task("no"),)
        )
        return Driver(task("choose"), node, outputs={"choose": chosen})

    def ran(run):
        return {name for name, state in run.states.items() if state == "succeeded"} - {"choose"}

    assert ran(fork("red")) == {"red"}
    assert ran(fork(["red", "blue"])) == {"red", "blue"}
    assert ran(fork(None)) == {"no"}
    wrong = fork("pink")
    assert wrong.state == "failed"
    assert "pink" in wrong.scheduler.problems["fork", ()]


def test_a_loop_makes_an_instance_for_each_item_and_collects_in_order():
    body = (
        task("clean", inputs={"item": ItemRef(loop="each")}),
        task("predict", inputs={"rows": OutputRef(node="clean")}),
    )
    run = Driver(
        loop("each", literal([10, 20, 30]), *body, outputs={"all": OutputRef(node="predict")}),
        task("publish", inputs={"all": OutputRef(node="each", output="all")}),
    )
    assert run.output("publish") == [10, 20, 30]
    assert set(run.states) == {"publish"} | {
        f"{t}[{i}]" for t in ("clean", "predict") for i in range(3)
    }


def test_an_empty_loop_succeeds_with_empty_outputs():
    run = Driver(
        loop("each", literal([]), task("x"), outputs={"all": OutputRef(node="x")}),
        task("publish", inputs={"all": OutputRef(node="each", output="all")}),
    )
    assert run.states == {"publish": "succeeded"}
    assert run.output("publish") == []


def test_one_failing_item_fails_the_loop_and_no_other_item():
    run = Driver(
        loop("each", literal([1, 2, 3]), task("x"), task("y", "x")),
        task("after", "each"),
        outcomes={"x[1]": "failed"},
    )
    assert run.states["y[0]"] == run.states["y[2]"] == "succeeded"
    assert run.states["y[1]"] == run.states["after"] == "upstream_failed"


def test_max_parallel_limits_the_iterations_at_once():
    body = (task("x"), task("y", "x"))
    run = Driver(loop("each", literal(list(range(5))), *body, max_parallel=2))
    assert run.most == 2
    assert len(run.states) == 10


def test_a_long_loop_of_skipped_items_one_at_a_time():
    body = task("x", guard=condition(False))
    run = Driver(loop("each", literal(list(range(3000))), body, max_parallel=1), task("z", "each"))
    assert run.states["x[2999]"] == "skipped"
    assert run.states["z"] == "skipped"


def test_a_long_chain_of_skips():
    chain = [task(f"t{i}", f"t{i - 1}") for i in range(1, 5000)]
    run = Driver(task("t0", guard=condition(False)), *chain)
    assert run.states["t4999"] == "skipped"


def test_nested_loops_see_outer_items_and_collect_lists_of_lists():
    inner = loop(
        "inner",
        Index(base=ItemRef(loop="outer"), key=literal("parts")),
        task(
            "x",
            inputs={
                "t": Format(
                    parts=(
                        Index(base=ItemRef(loop="outer"), key=literal("n")),
                        ItemRef(loop="inner"),
                    )
                )
            },
        ),
        outputs={"all": OutputRef(node="x")},
    )
    items = [{"n": "a", "parts": [1, 2]}, {"n": "b", "parts": []}]
    run = Driver(
        loop("outer", literal(items), inner, outputs={"all": OutputRef(node="inner", output="all")})
    )
    assert run.output("outer", "all") == [["a1", "a2"], []]
    assert set(run.states) == {"x[0][0]", "x[0][1]"}


@pytest.mark.parametrize(
    ("combine", "items"),
    [("product", [[1, "a"], [1, "b"], [2, "a"], [2, "b"]]), ("zip", [[1, "a"], [2, "b"]])],
)
def test_loops_over_several_lists(combine, items):
    node = ForEach(
        id="each",
        items=Items(lists=(literal([1, 2]), literal(["a", "b"])), combine=combine),
        body=(task("x", inputs={"item": ItemRef(loop="each")}),),
        outputs={"all": OutputRef(node="x")},
    )
    assert Driver(node).output("each", "all") == items


def test_a_loop_over_no_list_fails():
    run = Driver(loop("each", ParameterRef(name="n"), task("x")), task("after", "each"), n=3)
    assert run.states == {"x": "upstream_failed", "after": "upstream_failed"}
    assert "no list" in run.scheduler.problems["each", ()]


def test_skipped_items_are_left_out_of_what_is_collected():
    body = task(
        "x",
        inputs={"item": ItemRef(loop="each")},
        guard=Compare(operator=">", left=ItemRef(loop="each"), right=literal(1)),
    )
    run = Driver(loop("each", literal([1, 2, 3]), body, outputs={"all": OutputRef(node="x")}))
    assert run.output("each", "all") == [2, 3]


def test_a_group_stands_for_its_first_and_last_tasks():
    group = Group(
        id="g",
        after=("before",),
        body=(task("a"), task("b", "a"), task("c", "a")),
        outputs={"b": OutputRef(node="b")},
    )
    run = Driver(task("after", "g"), group, task("before"), outcomes={"c": "skipped"})
    assert run.order == ["before", "a", "b", "c"]
    assert run.states["after"] == "skipped", (
        "each of the group's last tasks is an upstream of its own"
    )


def test_an_output_of_a_group_waits_for_its_task_only():
    group = Group(id="g", body=(task("a"), task("b")), outputs={"a": OutputRef(node="a")})
    use = task("use", inputs={"a": OutputRef(node="g", output="a")})
    run = Driver(use, group, outcomes={"b": "failed"})
    assert run.states["use"] == "succeeded"
    assert run.output("use") == "a"


def test_edges_pass_through_an_empty_group():
    run = Driver(task("z", "g"), Group(id="g", body=(), after=("a",)), task("a"))
    assert run.order == ["a", "z"]


def test_nested_groups():
    inner = Group(id="inner", body=(task("b"),), after=("a",))
    outer = Group(id="outer", body=(task("a"), inner), after=("before",))
    run = Driver(task("end", "outer"), outer, task("before"))
    assert run.order == ["before", "a", "b", "end"]


def test_exit_tasks_run_once_after_everything_and_see_the_state():
    see = task("see", inputs={"state": RunFact(fact="state")})
    last = task("last", "see")
    run = Driver(task("a"), task("b", "a"), exit_tasks=(see, last), outcomes={"a": "failed"})
    assert run.order == ["a", "see", "last"]
    assert run.output("see") == "failed"
    assert run.state == "failed"
    assert Driver(task("a"), exit_tasks=(see,)).output("see") == "succeeded"


def test_a_failing_exit_task_fails_the_pipeline():
    assert Driver(task("a"), exit_tasks=(task("x"),), outcomes={"x": "failed"}).state == "failed"


def test_an_exit_task_gets_null_for_an_output_that_is_missing():
    inputs = {"a": Default(value=OutputRef(node="a"), fallback=literal("none"))}
    run = Driver(task("a"), exit_tasks=(task("x", inputs=inputs),), outcomes={"a": "failed"})
    assert run.output("x") == "none"


def test_the_state_of_a_task_is_a_value():
    use = task("use", join=Join.ALL_DONE, inputs={"s": TaskState(node="a")})
    assert Driver(task("a"), use, outcomes={"a": "failed"}).output("use") == "failed"


def test_a_teardown_runs_if_its_setup_did_and_does_not_decide_the_end():
    def run(**outcomes):
        return Driver(
            task("up", pairing=Pairing(role="setup")),
            task("work", "up"),
            task("down", "work", pairing=Pairing(role="teardown", partners=("up",))),
            outcomes=outcomes,
        )

    broken = run(work="failed")
    assert broken.states["down"] == "succeeded"
    assert broken.state == "failed", "the teardown hides no failure"
    assert run(down="failed").state == "succeeded"
    assert run(up="failed").states["down"] == "upstream_failed"


@pytest.mark.parametrize(
    ("rule", "state"),
    [
        (Join.ONE_DONE, "skipped"),
        (Join.ONE_FAILED, "succeeded"),
        (Join.ALL_FAILED, "succeeded"),
        (Join.NONE_SKIPPED, "succeeded"),
        (Join.ALL_DONE, "succeeded"),
        (Join.ONE_SUCCESS, "upstream_failed"),
    ],
)
@pytest.mark.parametrize("kind", ["branch", "loop", "no list", "no condition"])
def test_a_region_that_failed_counts_as_one_that_never_ran(rule, state, kind):
    """As a task would that waits for its leaves by `none_failed_min_one_success`."""
    bad = Compare(operator="<", left=literal("x"), right=literal(1))
    regions = {
        "branch": Branch(id="r", arms=(Arm(name="a", condition=literal(True), body=(task("x"),)),)),
        "loop": loop("r", literal([1]), task("x")),
        "no list": loop("r", ParameterRef(name="n"), task("x")),
        "no condition": Branch(id="r", arms=(Arm(name="a", condition=bad, body=(task("x"),)),)),
    }
    run = Driver(regions[kind], task("after", "r", join=rule), outcomes={"x": "failed"}, n=3)
    assert run.states["after"] == state
