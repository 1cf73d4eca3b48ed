"""The tasks of a branch run when its condition holds, and what waits for it after them."""

from witness import attempt

from intermodal import pipeline, task, when


@task
def give(me: str, value: int) -> int:
    with attempt(me) as seen:
        return seen(value)


@pipeline
def taken(floor: int = 3):
    n = give.with_options(id="first")("first", 5)
    with when(n > floor) as good:
        inside = give.with_options(id="inside")("inside", n)
        give.with_options(id="deeper")("deeper", inside)
    give.with_options(id="after", after=good)("after", 1)
