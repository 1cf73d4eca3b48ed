"""A teardown that fails does not fail the pipeline."""

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
def teardown_fails():
    make = give.with_options(id="make")("make", 1)
    work = give.with_options(id="work")("work", make)
    broken.with_options(id="drop", after=work)("drop").as_teardown(setups=make)
