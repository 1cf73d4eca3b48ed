"""Where the list's task was skipped the loop is skipped, and what needs it."""

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
def square(me: str, n: int) -> int:
    with attempt(me, [n]) as seen:
        return seen(n * n)


@pipeline
def skipped_list(on: bool = False):
    ns = numbers.with_options(id="list", guard=on)("list", 3)
    with for_each(ns) as n:
        squares = square.with_options(id="each")("each", n)
    total.with_options(id="sum")("sum", collect(squares))
    give.with_options(id="beside")("beside", 1)
