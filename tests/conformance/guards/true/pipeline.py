"""A guard that is true changes nothing."""

from witness import attempt

from intermodal import pipeline, task


@task
def give(me: str, value: int) -> int:
    with attempt(me) as seen:
        return seen(value)


@pipeline
def true(on: bool = False):
    a = give.with_options(id="a", guard=on)("a", 1)
    give.with_options(id="b")("b", a)
