"""One item fails: the others run, and nothing that needs all of them does."""

from witness import attempt

from intermodal import collect, for_each, pipeline, task


@task
def give(me: str, value: int) -> int:
    with attempt(me) as seen:
        return seen(value)


@task
def numbers(me: str, count: int) -> list[int]:
    with attempt(me) as seen:
        return seen(list(range(count)))


@task
def total(me: str, values: list[int]) -> int:
    with attempt(me) as seen:
        return seen(sum(values))


@task
def odd_breaks(me: str, n: int) -> int:
    with attempt(me, [n]) as seen:
        if n % 2:
            raise ValueError(f"{n} is odd")
        return seen(n)


@pipeline
def one_item_fails():
    with for_each(numbers.with_options(id="list")("list", 3)) as n:
        evens = odd_breaks.with_options(id="each")("each", n)
    total.with_options(id="sum")("sum", collect(evens))
    give.with_options(id="beside")("beside", 1)
