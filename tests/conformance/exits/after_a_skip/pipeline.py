"""A skipped end is no failure."""

from witness import attempt

from intermodal import on_exit, pipeline, run, task


@task
def give(me: str, value: int) -> int:
    with attempt(me) as seen:
        return seen(value)


@task
def tidy(me: str, state: str) -> str:
    with attempt(me) as seen:
        return seen(state)


@pipeline
def after_a_skip(on: bool = False):
    a = give.with_options(id="a")("a", 1)
    give.with_options(id="b", guard=on)("b", a)
    on_exit(tidy, "tidy", state=run.state)
