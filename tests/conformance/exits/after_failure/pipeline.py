"""An exit task runs after a failure and is told of it."""

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
def after_failure():
    n = broken.with_options(id="bad")("bad")
    give.with_options(id="never")("never", n)
    give.with_options(id="beside")("beside", 1)
    on_exit(tidy, "tidy", state=run.state)
