"""Where the list's task failed no item runs."""

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
def no_list(me: str) -> list[int]:
    with attempt(me):
        raise ValueError(me)


@pipeline
def failed_list():
    with for_each(no_list.with_options(id="list")("list")) as n:
        squares = square.with_options(id="each")("each", n)
    total.with_options(id="sum")("sum", collect(squares))
