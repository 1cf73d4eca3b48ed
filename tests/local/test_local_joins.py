"""Every join rule with every combination of up to three upstreams, against the rules in words."""

import itertools

import pytest

from intermodal.ir import Join
from intermodal_backends.local.joins import RULES, count, decide, decide_teardown

FINAL = ("succeeded", "cached", "skipped", "failed", "upstream_failed")
GOOD = {"succeeded", "cached"}
BAD = {"failed", "upstream_failed"}


def skip_or_run(states, runs):
    return "run" if runs else "skipped"


# What each rule says of upstreams that have all ended, as Airflow's documentation and code have it.
DEFINITIONS = {
    Join.ALL_SUCCESS: lambda s: (
        "upstream_failed" if set(s) & BAD else "skipped" if "skipped" in s else "run"
    ),
    Join.ALL_DONE: lambda s: "run",
    Join.NONE_FAILED: lambda s: "upstream_failed" if set(s) & BAD else "run",
    Join.NONE_FAILED_MIN_ONE_SUCCESS: lambda s: (
        "upstream_failed" if set(s) & BAD else "run" if set(s) & GOOD else "skipped"
    ),
    Join.ONE_SUCCESS: lambda s: (
        "run" if set(s) & GOOD else "skipped" if set(s) == {"skipped"} else "upstream_failed"
    ),
    Join.ONE_FAILED: lambda s: skip_or_run(s, set(s) & BAD),
    Join.ONE_DONE: lambda s: skip_or_run(s, set(s) & (GOOD | {"failed"})),
    Join.ALL_FAILED: lambda s: skip_or_run(s, set(s) <= BAD),
    Join.ALL_SKIPPED: lambda s: skip_or_run(s, set(s) == {"skipped"}),
    Join.NONE_SKIPPED: lambda s: skip_or_run(s, "skipped" not in s),
    Join.ALWAYS: lambda s: "run",
}
EAGER = {Join.ONE_SUCCESS, Join.ONE_FAILED, Join.ONE_DONE, Join.ALWAYS}


def combinations(states):
    for size in (1, 2, 3):
        yield from itertools.product(states, repeat=size)


def test_every_rule_is_in_both_tables():
    assert set(RULES) == set(Join) == set(DEFINITIONS)


@pytest.mark.parametrize("rule", list(Join))
def test_all_upstreams_have_ended(rule):
    for states in combinations(FINAL):
        assert decide(rule, count(states)) == DEFINITIONS[rule](states), states


@pytest.mark.parametrize("rule", list(Join))
def test_a_verdict_before_the_end_is_the_one_at_the_end(rule):
    """Whatever the open upstreams will do; only `one_*` may start early, on what has ended already."""
    for states in combinations((*FINAL, None)):
        verdict = decide(rule, count(states))
        possible = {
            DEFINITIONS[rule](ended)
            for ended in itertools.product(*([s] if s else FINAL for s in states))
        }
        if verdict == "wait":
            assert None in states
        else:
            assert possible == {verdict}, states


@pytest.mark.parametrize("rule", sorted(set(Join) - EAGER))
def test_rules_over_all_upstreams_do_not_start_before_the_last_one_ends(rule):
    for states in combinations((*FINAL, None)):
        if None in states:
            assert decide(rule, count(states)) != "run", states


@pytest.mark.parametrize(
    ("rule", "states"),
    [
        (Join.ONE_SUCCESS, ("succeeded", None)),
        (Join.ONE_FAILED, ("failed", None)),
        (Join.ONE_DONE, ("failed", None)),
        (Join.ALWAYS, (None, None)),
    ],
)
def test_rules_that_start_early(rule, states):
    assert decide(rule, count(states)) == "run"


@pytest.mark.parametrize("rule", list(Join))
def test_a_task_without_upstreams_runs(rule):
    assert decide(rule, count(())) == "run"


@pytest.mark.parametrize(
    ("setups", "ups", "verdict"),
    [
        (("succeeded",), ("succeeded", "failed"), "run"),
        (("succeeded",), ("succeeded", None), "wait"),
        (("failed",), ("failed", "upstream_failed"), "upstream_failed"),
        (("skipped",), ("skipped", "skipped"), "skipped"),
        (("skipped", "succeeded"), ("skipped", "succeeded"), "run"),
        ((), ("failed",), "run"),
    ],
)
def test_teardown(setups, ups, verdict):
    assert decide_teardown(count(ups), count(setups)) == verdict
