"""A loop over a list that is written down."""

from witness import attempt

from intermodal import collect, for_each, pipeline, task


@task
def total(me: str, values: list[int]) -> int:
    with attempt(me) as seen:
        return seen(sum(values))


@task
def square(me: str, n: int) -> int:
    with attempt(me, [n]) as seen:
        return seen(n * n)


@pipeline
def literal():
    with for_each([0, 1, 2]) as n:
        squares = square.with_options(id="each")("each", n)
    total.with_options(id="sum")("sum", collect(squares))
