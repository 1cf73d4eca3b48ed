"""Exactly one of two ways runs."""

from witness import attempt

from intermodal import pipeline, task, when


@task
def give(me: str, value: int) -> int:
    with attempt(me) as seen:
        return seen(value)


@pipeline
def otherwise(floor: int = 9):
    n = give.with_options(id="first")("first", 5)
    with when(n >= floor) as good:
        give.with_options(id="high")("high", n)
    with good.otherwise():
        give.with_options(id="low")("low", n)
