"""One item gives something that is no value."""

from witness import attempt, wrong_type

from intermodal import collect, for_each, pipeline, task


@task
def total(me: str, values: list[int]) -> int:
    with attempt(me) as seen:
        return seen(sum(values))


@task
def sometimes(me: str, n: int) -> int:
    with attempt(me, [n]) as seen:
        if n == 1:
            raise TypeError(wrong_type())
        return seen(n)


@pipeline
def wrong_type_in_a_loop():
    with for_each([0, 1, 2]) as n:
        values = sometimes.with_options(id="each")("each", n)
    total.with_options(id="sum")("sum", collect(values))
