"""A guard skips items; what is collected leaves them out."""

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


@pipeline
def guarded_items():
    with for_each(numbers.with_options(id="list")("list", 4)) as n:
        kept = square.with_options(id="each", guard=n > 1)("each", n)
    total.with_options(id="sum")("sum", collect(kept))
