"""An exit task that fails fails the pipeline."""

from witness import attempt

from intermodal import on_exit, pipeline, task


@task
def give(me: str, value: int) -> int:
    with attempt(me) as seen:
        return seen(value)


@task
def broken(me: str) -> int:
    with attempt(me):
        raise ValueError(me)


@pipeline
def failing():
    give.with_options(id="work")("work", 1)
    on_exit(broken, "broken")
