"""A group in a way that is not taken, and one in the way that is."""

from witness import attempt

from intermodal import group, pipeline, task, when


@task
def give(me: str, value: int) -> int:
    with attempt(me) as seen:
        return seen(value)


@pipeline
def in_a_branch():
    n = give.with_options(id="first")("first", 5)
    with when(n > 100) as way:
        with group("far"):
            a = give.with_options(id="a")("a", 1)
    with way.otherwise():
        with group("near"):
            b = give.with_options(id="b")("b", 2)
    give.with_options(id="end")("end", way.merge(a, b))
