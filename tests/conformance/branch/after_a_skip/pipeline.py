"""A branch that waits for a skipped task is skipped whole."""

from witness import attempt

from intermodal import pipeline, task, when


@task
def give(me: str, value: int) -> int:
    with attempt(me) as seen:
        return seen(value)


@pipeline
def after_a_skip():
    n = give.with_options(id="first")("first", 5)
    with when(n > 100):
        m = give.with_options(id="skipped")("skipped", 1)
        with when(m > 0) as inner:
            give.with_options(id="inside")("inside", 2)
        with inner.otherwise():
            give.with_options(id="other")("other", 3)
    give.with_options(id="beside")("beside", n)
