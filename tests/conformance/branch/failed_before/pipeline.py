"""Where the condition's task failed, nothing inside runs, either way."""

from witness import attempt

from intermodal import pipeline, task, when


@task
def give(me: str, value: int) -> int:
    with attempt(me) as seen:
        return seen(value)


@task
def broken(me: str) -> int:
    with attempt(me):
        raise ValueError(me)


@pipeline
def failed_before():
    n = broken.with_options(id="bad")("bad")
    with when(n > 1) as good:
        give.with_options(id="inside")("inside", 1)
    with good.otherwise():
        give.with_options(id="other")("other", 2)
    give.with_options(id="after", after=good)("after", 3)
