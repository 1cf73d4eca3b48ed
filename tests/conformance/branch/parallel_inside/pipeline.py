"""Tasks of a way that do not wait for each other all run."""

from witness import attempt

from intermodal import pipeline, task, when


@task
def give(me: str, value: int) -> int:
    with attempt(me) as seen:
        return seen(value)


@task
def total(me: str, values: list[int]) -> int:
    with attempt(me) as seen:
        return seen(sum(values))


@pipeline
def parallel_inside():
    n = give.with_options(id="first")("first", 5)
    with when(n > 1) as good:
        a = give.with_options(id="a")("a", 1)
        b = give.with_options(id="b")("b", 2)
        c = total.with_options(id="c")("c", [a, b])
    with good.otherwise():
        d = give.with_options(id="d")("d", 4)
    give.with_options(id="end")("end", good.merge(c, d))
