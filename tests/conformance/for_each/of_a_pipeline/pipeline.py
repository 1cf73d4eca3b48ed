"""A pipeline is called for each item."""

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


@task
def item(me: str, n: int, value: int) -> int:
    """The instance of item `n`, with a value of its own."""
    with attempt(me, [n]) as seen:
        return seen(value)


@pipeline
def of_a_pipeline():
    with for_each([0, 1]) as n:
        squares = part(n)
    total.with_options(id="sum")("sum", collect(squares))


@pipeline
def part(n: int = 0):
    return item("part.item", n, square("part.square", n))
