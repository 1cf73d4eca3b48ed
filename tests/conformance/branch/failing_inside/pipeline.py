"""A failure inside a branch stops what waits for the branch."""

from witness import attempt

from intermodal import pipeline, task, when


@task
def give(me: str, value: int) -> int:
    with attempt(me) as seen:
        return seen(value)


@task
def broken(me: str) -> int:
    with attempt(me):
        raise ValueError(me)


@pipeline
def failing_inside():
    n = give.with_options(id="first")("first", 5)
    with when(n > 1) as good:
        broken.with_options(id="bad")("bad")
        give.with_options(id="fine")("fine", 1)
    give.with_options(id="after", after=good)("after", 2)
