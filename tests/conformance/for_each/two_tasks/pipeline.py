"""Two tasks for each item, the second with what the first gives."""

from witness import attempt

from intermodal import collect, for_each, pipeline, task


@task
def numbers(me: str, count: int) -> list[int]:
    with attempt(me) as seen:
        return seen(list(range(count)))


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
def two_tasks():
    with for_each(numbers.with_options(id="list")("list", 3)) as n:
        squares = square.with_options(id="first")("first", n)
        second = item.with_options(id="second")("second", n, squares)
    total.with_options(id="sum")("sum", collect(second))
