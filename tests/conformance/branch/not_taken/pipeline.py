"""A condition that does not hold skips its tasks, and what waits for the branch."""

from witness import attempt

from intermodal import pipeline, task, when


@task
def give(me: str, value: int) -> int:
    with attempt(me) as seen:
        return seen(value)


@pipeline
def not_taken(floor: int = 9):
    n = give.with_options(id="first")("first", 5)
    with when(n > floor) as good:
        inside = give.with_options(id="inside")("inside", n)
        give.with_options(id="deeper")("deeper", inside)
    after = give.with_options(id="after", after=good)("after", 1)
    give.with_options(id="far")("far", after)
    give.with_options(id="beside")("beside", n)
