"""A loop in the way that is taken, and one in the way that is not."""

from witness import attempt

from intermodal import collect, for_each, pipeline, task, when


@task
def give(me: str, value: int) -> int:
    with attempt(me) as seen:
        return seen(value)


@task
def total(me: str, values: list[int]) -> int:
    with attempt(me) as seen:
        return seen(sum(values))


@task
def square(me: str, n: int) -> int:
    with attempt(me, [n]) as seen:
        return seen(n * n)


@pipeline
def inside_a_branch():
    count = give.with_options(id="count")("count", 2)
    with when(count > 1) as way:
        with for_each([0, 1]) as n:
            a = square.with_options(id="taken")("taken", n)
        s = total.with_options(id="sum")("sum", collect(a))
    with way.otherwise():
        with for_each([0, 1]) as n:
            b = square.with_options(id="not_taken")("not_taken", n)
        t = total.with_options(id="other")("other", collect(b))
    give.with_options(id="end")("end", way.merge(s, t))
