"""A failure stops what comes after it for the same item only."""

from witness import attempt

from intermodal import for_each, pipeline, task


@task
def numbers(me: str, count: int) -> list[int]:
    with attempt(me) as seen:
        return seen(list(range(count)))


@task
def item(me: str, n: int, value: int) -> int:
    """The instance of item `n`, with a value of its own."""
    with attempt(me, [n]) as seen:
        return seen(value)


@task
def odd_breaks(me: str, n: int) -> int:
    with attempt(me, [n]) as seen:
        if n % 2:
            raise ValueError(f"{n} is odd")
        return seen(n)


@pipeline
def failure_inside_a_region():
    with for_each(numbers.with_options(id="list")("list", 3)) as n:
        evens = odd_breaks.with_options(id="first")("first", n)
        item.with_options(id="second")("second", n, evens)
