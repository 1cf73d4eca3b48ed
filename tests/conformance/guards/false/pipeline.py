"""A guard that is false skips its task, and what waits for it."""

from witness import attempt

from intermodal import pipeline, task


@task
def give(me: str, value: int) -> int:
    with attempt(me) as seen:
        return seen(value)


@pipeline
def false(on: bool = False):
    a = give.with_options(id="a", guard=on)("a", 1)
    give.with_options(id="b")("b", a)
    give.with_options(id="c")("c", 3)
