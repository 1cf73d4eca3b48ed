"""A teardown runs although the work was skipped."""

from witness import attempt

from intermodal import pipeline, task


@task
def give(me: str, value: int) -> int:
    with attempt(me) as seen:
        return seen(value)


@pipeline
def work_is_skipped(on: bool = False):
    make = give.with_options(id="make")("make", 1)
    work = give.with_options(id="work", guard=on)("work", make)
    give.with_options(id="drop", after=work)("drop", make).as_teardown(setups=make)
