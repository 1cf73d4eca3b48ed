"""Teardown first, exit task last, after a failure."""

from witness import attempt

from intermodal import on_exit, pipeline, run, task


@task
def give(me: str, value: int) -> int:
    with attempt(me) as seen:
        return seen(value)


@task
def broken(me: str) -> int:
    with attempt(me):
        raise ValueError(me)


@task
def tidy(me: str, state: str) -> str:
    with attempt(me) as seen:
        return seen(state)


@pipeline
def exit_and_teardown():
    make = give.with_options(id="make")("make", 1)
    work = broken.with_options(id="work", after=make)("work")
    give.with_options(id="drop", after=work)("drop", make).as_teardown(setups=make)
    on_exit(tidy, "tidy", state=run.state)
