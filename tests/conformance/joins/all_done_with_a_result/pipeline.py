"""What runs when all is done may use the result of an earlier task, whatever failed after that."""

from witness import attempt

from intermodal import Join, pipeline, task


@task
def give(me: str, value: int) -> int:
    with attempt(me) as seen:
        return seen(value)


@task
def broken(me: str, value: int) -> int:
    with attempt(me):
        raise ValueError(value)


@pipeline
def all_done_with_a_result():
    first = give.with_options(id="first")("first", 1)
    second = give.with_options(id="second")("second", first)
    bad = broken.with_options(id="bad")("bad", second)
    give.with_options(id="stopped")("stopped", bad)
    give.with_options(id="tidy", join=Join.ALL_DONE, after=bad)("tidy", second)
