"""Commands, and functions without annotations, that are given artifacts need the runtime to fetch them."""

import pytest

from intermodal import Metrics, collect, default, for_each, pipeline, shell, task, text
from intermodal.analysis.needs import needs_runtime
from intermodal.analysis.taking_artifacts import fetch_artifacts
from intermodal.analysis.validate import validate


@task
def make() -> bytes:
    return b"x"


@task
def score() -> Metrics:
    return Metrics(a=1)


@task
def count() -> int:
    return 1


@task
def take(x):
    return 1


TAKING = {
    "whole": lambda: shell("true", id="it", inputs={"X": make()}),
    "in a list": lambda: take.with_options(id="it")([1, make()]),
    "in a map": lambda: take.with_options(id="it")({"a": {"b": make()}}),
    "or else": lambda: take.with_options(id="it")(default(make(), 1)),
    "a value": lambda: shell("true", id="it", inputs={"X": count()}),
    "inside an artifact": lambda: take.with_options(id="it")(score()["a"]),
    "in a text": lambda: take.with_options(id="it")(text("{n}", n=count())),
}
NOT_TAKEN = ("a value", "inside an artifact", "in a text")


@pytest.mark.parametrize("how", TAKING)
def test_what_needs_the_runtime(how):
    @pipeline
    def pipe():
        TAKING[how]()

    made, _ = pipe.trace()
    changed = fetch_artifacts(made)
    [it] = [node for node in changed.body if node.id == "it"]
    assert needs_runtime(it) is (how not in NOT_TAKEN)
    assert (changed is made) is (how in NOT_TAKEN)
    assert validate(made) == []


def test_collected_ones():
    @pipeline
    def pipe():
        with for_each([1, 2]):
            found = make()
        take.with_options(id="it")(collect(found))

    made, _ = pipe.trace()
    assert needs_runtime(fetch_artifacts(made).body[-1])
