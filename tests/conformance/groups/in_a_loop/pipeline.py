"""A group in a loop."""

from witness import attempt

from intermodal import collect, for_each, group, pipeline, task


@task
def total(me: str, values: list[int]) -> int:
    with attempt(me) as seen:
        return seen(sum(values))


@task
def square(me: str, n: int) -> int:
    with attempt(me, [n]) as seen:
        return seen(n * n)


@task
def item(me: str, n: int, value: int) -> int:
    """The instance of item `n`, with a value of its own."""
    with attempt(me, [n]) as seen:
        return seen(value)


@pipeline
def in_a_loop():
    with for_each([0, 1]) as n:
        with group("both"):
            squares = square.with_options(id="first")("first", n)
            second = item.with_options(id="second")("second", n, squares)
    total.with_options(id="sum")("sum", collect(second))
