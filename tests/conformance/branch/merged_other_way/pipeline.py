"""The same with the condition true."""

from witness import attempt

from intermodal import pipeline, task, when


@task
def give(me: str, value: int) -> int:
    with attempt(me) as seen:
        return seen(value)


@pipeline
def merged_other_way(floor: int = 9):
    n = give.with_options(id="first")("first", 5)
    with when(n > floor) as good:
        high = give.with_options(id="high")("high", 1)
    with good.otherwise():
        low = give.with_options(id="low")("low", 2)
    give.with_options(id="chosen")("chosen", good.merge(high, low))
