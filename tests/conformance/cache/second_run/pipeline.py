"""A second run takes the results of the first."""

from witness import attempt

from intermodal import Cache, pipeline, task


@task
def numbers(me: str, count: int) -> list[int]:
    with attempt(me) as seen:
        return seen(list(range(count)))


@task
def total(me: str, values: list[int]) -> int:
    with attempt(me) as seen:
        return seen(sum(values))


@pipeline
def second_run():
    n = numbers.with_options(id="list", cache=Cache(ttl="1h"))("list", 3)
    total.with_options(id="sum")("sum", n)
