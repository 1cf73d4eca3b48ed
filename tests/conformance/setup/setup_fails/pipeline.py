"""A teardown does not run where its setup failed."""

from witness import attempt

from intermodal import pipeline, task


@task
def give(me: str, value: int) -> int:
    with attempt(me) as seen:
        return seen(value)


@task
def broken(me: str) -> int:
    with attempt(me):
        raise ValueError(me)


@pipeline
def setup_fails():
    make = broken.with_options(id="make")("make")
    work = give.with_options(id="work", after=make)("work", 1)
    give.with_options(id="drop", after=work)("drop", 2).as_teardown(setups=make)
