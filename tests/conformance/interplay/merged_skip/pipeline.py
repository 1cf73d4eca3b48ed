"""A branch inside a way that is not taken; the merge takes the other."""

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
def merged_skip():
    n = give.with_options(id="n")("n", 5)
    with when(n > 100) as outer:
        with when(n > 2) as inner:
            a = give.with_options(id="a")("a", 1)
        with inner.otherwise():
            b = give.with_options(id="b")("b", 2)
        c = give.with_options(id="c")("c", inner.merge(a, b))
    with outer.otherwise():
        with for_each([0, 1]) as i:
            squares = square.with_options(id="each")("each", i)
        d = total.with_options(id="d")("d", collect(squares))
    end = give.with_options(id="end")("end", outer.merge(c, d))
    give.with_options(id="checked", guard=end > 0)("checked", end)
