"""The same where the list is a parameter."""

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
def empty_parameter(ns: list[int] = []):  # noqa: B006 - a parameter's default is never changed
    with for_each(ns) as n:
        squares = square.with_options(id="each")("each", n)
    total.with_options(id="sum")("sum", collect(squares))
