"""Another pipeline is started by its name; this one goes on."""

from witness import attempt

from intermodal import pipeline, task, trigger


@task
def give(me: str, value: int) -> int:
    with attempt(me) as seen:
        return seen(value)


@pipeline
def not_waiting():
    done = trigger("other", id="start")
    give.with_options(id="after", after=done)("after", 2)


@pipeline
def other(n: int = 0):
    give.with_options(id="inside")("inside", n)
