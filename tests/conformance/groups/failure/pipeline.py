"""A failure in a group stops what waits for the group."""

from witness import attempt

from intermodal import group, pipeline, task


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
    with group("work") as work:
        broken.with_options(id="bad")("bad")
        give.with_options(id="fine")("fine", 1)
    work >> give.with_options(id="after")("after", 2)
