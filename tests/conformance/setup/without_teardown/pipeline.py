"""A setup that nothing tears down still decides over what comes after it."""

from witness import attempt

from intermodal import Join, pipeline, task


@task
def give(me: str, value: int) -> int:
    with attempt(me) as seen:
        return seen(value)


@task
def broken(me: str) -> int:
    with attempt(me):
        raise ValueError(me)


@pipeline
def lone():
    make = broken.with_options(id="make")("make")
    make.as_setup()
    work = give.with_options(id="work", after=make)("work", 1)
    give.with_options(id="far", after=work, join=Join.ALL_DONE)("far", 1)
