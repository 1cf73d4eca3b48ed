"""What follows a task that ran in spite of a failure runs, too."""

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
def chain_after_all_done():
    bad = broken.with_options(id="bad")("bad")
    tidy = give.with_options(id="tidy", join=Join.ALL_DONE, after=bad)("tidy", 1)
    give.with_options(id="report")("report", tidy)
