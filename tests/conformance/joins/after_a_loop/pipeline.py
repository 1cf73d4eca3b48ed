"""A rule looks at every item of a loop."""

from witness import attempt

from intermodal import Join, collect, for_each, pipeline, task


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
def after_a_loop():
    with for_each(numbers.with_options(id="list")("list", 3), id="loop") as n:
        values = odd_breaks.with_options(id="each")("each", n)
    found = total.with_options(id="sum", join=Join.ALL_DONE)("sum", collect(values))
    give.with_options(id="end")("end", found)
