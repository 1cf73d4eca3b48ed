"""A teardown runs after the work that its setup was made for."""

from witness import attempt

from intermodal import pipeline, task


@task
def give(me: str, value: int) -> int:
    with attempt(me) as seen:
        return seen(value)


@pipeline
def around_work():
    make = give.with_options(id="make")("make", 1)
    work = give.with_options(id="work")("work", make)
    give.with_options(id="drop", after=work)("drop", make).as_teardown(setups=make)
