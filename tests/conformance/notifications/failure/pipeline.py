"""Somebody is told of a failure, after the last attempt only."""

from witness import attempt

from intermodal import Notification, Retry, pipeline, task


@task
def give(me: str, value: int) -> int:
    with attempt(me) as seen:
        return seen(value)


@task
def broken(me: str) -> int:
    with attempt(me):
        raise ValueError(me)


@pipeline
def failure():
    tell = Notification("failure", "webhook:HOOK")
    broken.with_options(id="bad", retry=Retry(1), notifications=tell)("bad")
    give.with_options(id="fine", notifications=tell)("fine", 1)
