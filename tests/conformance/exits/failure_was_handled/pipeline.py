"""A failure that a later task took up is none of the pipeline's."""

from witness import attempt

from intermodal import Join, on_exit, pipeline, run, task


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
def failure_was_handled():
    bad = broken.with_options(id="bad")("bad")
    give.with_options(id="repair", join=Join.ONE_FAILED, after=bad)("repair", 1)
    on_exit(tidy, "tidy", state=run.state)
