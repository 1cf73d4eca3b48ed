"""Each item goes its own way; only those that went there are collected."""

from witness import attempt

from intermodal import collect, for_each, pipeline, task, when


@task
def numbers(me: str, count: int) -> list[int]:
    with attempt(me) as seen:
        return seen(list(range(count)))


@task
def total(me: str, values: list[int]) -> int:
    with attempt(me) as seen:
        return seen(sum(values))


@task
def item(me: str, n: int, value: int) -> int:
    """The instance of item `n`, with a value of its own."""
    with attempt(me, [n]) as seen:
        return seen(value)


@pipeline
def branch_inside():
    with for_each(numbers.with_options(id="list")("list", 4)) as n:
        with when(n > 1) as large:
            up = item.with_options(id="large")("large", n, n)
        with large.otherwise():
            item.with_options(id="small")("small", n, 0)
    total.with_options(id="sum")("sum", collect(up))
