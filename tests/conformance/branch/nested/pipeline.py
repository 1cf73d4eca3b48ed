"""A branch in a branch."""

from witness import attempt

from intermodal import pipeline, task, when


@task
def give(me: str, value: int) -> int:
    with attempt(me) as seen:
        return seen(value)


@pipeline
def nested():
    n = give.with_options(id="first")("first", 5)
    with when(n > 1) as outer:
        m = give.with_options(id="outside")("outside", n)
        with when(m > 100) as inner:
            give.with_options(id="never")("never", m)
        with inner.otherwise():
            give.with_options(id="inside")("inside", m)
    with outer.otherwise():
        with when(n > 2):
            give.with_options(id="not_asked")("not_asked", n)
