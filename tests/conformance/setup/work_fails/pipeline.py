"""A teardown runs although the work failed, and does not hide it."""

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
def work_fails():
    make = give.with_options(id="make")("make", 1)
    work = broken.with_options(id="work", after=make)("work")
    give.with_options(id="drop", after=work)("drop", make).as_teardown(setups=make)
