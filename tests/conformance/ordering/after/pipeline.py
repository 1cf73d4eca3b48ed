"""Edges that pass no data: with `after`, and with `>>`."""

from witness import attempt

from intermodal import pipeline, task


@task
def step(who: str) -> None:
    with attempt(who):
        pass


@pipeline
def after():
    first = step.with_options(id="first")("first")
    second = step.with_options(id="second", after=[first])("second")
    third = step.with_options(id="third")("third")
    fourth = step.with_options(id="fourth")("fourth")
    second >> [third, fourth]
    last = step.with_options(id="last")("last")
    [third, fourth] >> last
