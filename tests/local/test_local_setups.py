"""What setups mean for the tasks between them and their teardowns, as Airflow has it."""

import pytest
from test_local_scheduler import Driver, literal, loop, task

from intermodal.ir import Join, Pairing
from intermodal_backends.local.plan import Plan

SETUP = Pairing(role="setup")


def teardown(name, *after, of):
    return task(name, *after, pairing=Pairing(role="teardown", partners=of))


def work(join=Join.ALL_DONE, **outcomes):
    """set up -> a -> b -> tear down, and c after the teardown; a and b have a rule that ignores failures."""
    return Driver(
        task("up", pairing=SETUP),
        task("a", "up", join=join),
        task("b", "a", join=join),
        teardown("down", "b", of=("up",)),
        task("c", "b", join=join),
        outcomes=outcomes,
    ).states


def test_a_failed_setup_stops_what_needs_it_further_down():
    assert work(up="failed") == {
        "up": "failed",
        "a": "succeeded",  # its rule decides: the setup is its direct upstream
        "b": "upstream_failed",
        "down": "upstream_failed",
        "c": "succeeded",  # no teardown of the setup comes after it
    }


def test_a_skipped_setup_skips_it():
    assert work(up="skipped")["b"] == "skipped"


def test_always_means_always():
    assert work(join=Join.ALWAYS, up="failed")["b"] == "succeeded"


def test_a_setup_that_succeeded_changes_nothing():
    assert set(work().values()) == {"succeeded"}


def test_a_setup_without_a_teardown_is_needed_by_all_that_follows():
    states = Driver(
        task("up", pairing=SETUP),
        task("a", "up", join=Join.ALL_DONE),
        task("b", "a", join=Join.ALL_DONE),
        outcomes={"up": "failed"},
    ).states
    assert states["b"] == "upstream_failed"


def test_a_task_waits_for_a_setup_further_up():
    """`a` starts before the setup has ended, so `b` has to wait for more than `a`."""
    run = Driver(
        task("slow"),
        task("up", "slow", pairing=SETUP),
        task("a", "up", join=Join.ALWAYS),
        task("b", "a"),
        outcomes={"up": "failed"},
    )
    assert run.order[:2] == ["slow", "a"]
    assert run.states["b"] == "upstream_failed"


@pytest.mark.parametrize(
    ("state", "ends"), [("succeeded", "succeeded"), ("failed", "upstream_failed")]
)
def test_a_setup_around_a_loop_and_one_inside(state, ends):
    each = loop(
        "each",
        literal([1, 2]),
        task("inner", pairing=SETUP),
        task("x", "inner", join=Join.ALL_DONE),
        task("y", "x", join=Join.ALL_DONE),
        teardown("clean", "y", of=("inner",)),
        after=("a",),
    )
    run = Driver(
        task("up", pairing=SETUP),
        task("a", "up", join=Join.ALL_DONE),
        each,
        teardown("down", "each", of=("up",)),
        outcomes={"inner[1]": state},
    )
    assert run.states["y[0]"] == "succeeded"
    assert run.states["y[1]"] == ends
    assert Plan(run.pipeline).setups == {
        "inner": ("up",),
        "x": ("up",),
        "y": ("up", "inner"),
    }


def test_nobody_outside_a_loop_waits_for_a_setup_inside():
    each = loop("each", literal([1]), task("up", pairing=SETUP), task("x", "up"))
    run = Driver(each, task("after", "each", join=Join.ALL_DONE), outcomes={"up": "failed"})
    assert run.states["after"] == "succeeded"
