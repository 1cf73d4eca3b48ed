"""A group in a group; results are used from outside."""

from witness import attempt

from intermodal import group, pipeline, task


@task
def give(me: str, value: int) -> int:
    with attempt(me) as seen:
        return seen(value)


@task
def total(me: str, values: list[int]) -> int:
    with attempt(me) as seen:
        return seen(sum(values))


@pipeline
def nested():
    with group("outer"):
        a = give.with_options(id="a")("a", 1)
        with group("inner") as inner:
            b = give.with_options(id="b")("b", a)
    c = give.with_options(id="c")("c", b)
    d = give.with_options(id="d", after=inner)("d", 3)
    total.with_options(id="sum")("sum", [c, d])
