"""Runs if nothing before it failed and something succeeded. Some before it failed."""

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
def none_failed_min_one_success_after_failures(on: bool = False):
    good = give.with_options(id="good")("good", 1)
    skipped = give.with_options(id="skipped", guard=on)("skipped", 2)
    bad = broken.with_options(id="bad")("bad")
    stopped = give.with_options(id="stopped")("stopped", bad)
    join = give.with_options(join=Join.NONE_FAILED_MIN_ONE_SUCCESS)
    join.with_options(id="after_mixed", after=[good, bad])("after_mixed", 3)
    join.with_options(id="after_bad", after=[bad, stopped])("after_bad", 4)
    join.with_options(id="after_skip_and_bad", after=[skipped, bad])(
        "after_skip_and_bad", 5
    )
