"""What an inner branch gives is given on by the outer one."""

from witness import attempt

from intermodal import pipeline, task, when


@task
def give(me: str, value: int) -> int:
    with attempt(me) as seen:
        return seen(value)


@pipeline
def nested_merge():
    n = give.with_options(id="first")("first", 5)
    with when(n > 1) as outer:
        with when(n > 100) as inner:
            a = give.with_options(id="a")("a", 1)
        with inner.otherwise():
            b = give.with_options(id="b")("b", 2)
        c = give.with_options(id="c")("c", inner.merge(a, b))
    with outer.otherwise():
        d = give.with_options(id="d")("d", 4)
    give.with_options(id="end")("end", outer.merge(c, d))
