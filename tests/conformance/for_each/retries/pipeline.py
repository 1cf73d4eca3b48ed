"""An item that fails once is tried again; the others are not."""

from witness import attempt, fail_first

from intermodal import Retry, collect, for_each, pipeline, task


@task
def numbers(me: str, count: int) -> list[int]:
    with attempt(me) as seen:
        return seen(list(range(count)))


@task
def total(me: str, values: list[int]) -> int:
    with attempt(me) as seen:
        return seen(sum(values))


@task
def flaky(me: str, n: int) -> int:
    with attempt(me, [n]) as seen:
        if n == 1:
            fail_first(1, me, [n])
        return seen(n)


@pipeline
def retries():
    with for_each(numbers.with_options(id="list")("list", 3)) as n:
        values = flaky.with_options(id="each", retry=Retry(2))("each", n)
    total.with_options(id="sum")("sum", collect(values))
