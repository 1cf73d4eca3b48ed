"""Another pipeline is run, and waited for."""

from witness import attempt

from intermodal import pipeline, task, trigger


@task
def give(me: str, value: int) -> int:
    with attempt(me) as seen:
        return seen(value)


@pipeline
def waiting():
    n = give.with_options(id="first")("first", 1)
    done = trigger(other, wait=True, n=n, id="start")
    give.with_options(id="after", after=done)("after", 2)


@pipeline
def other(n: int = 0):
    give.with_options(id="inside")("inside", n)
