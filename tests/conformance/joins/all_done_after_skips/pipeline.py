"""Runs when all before it have ended, however. Nothing failed here."""

from witness import attempt

from intermodal import Join, pipeline, task


@task
def give(me: str, value: int) -> int:
    with attempt(me) as seen:
        return seen(value)


@pipeline
def all_done_after_skips(on: bool = False):
    good = give.with_options(id="good")("good", 1)
    fine = give.with_options(id="fine")("fine", 2)
    skipped = give.with_options(id="skipped", guard=on)("skipped", 3)
    passed_on = give.with_options(id="passed_on")("passed_on", skipped)
    join = give.with_options(join=Join.ALL_DONE)
    join.with_options(id="after_good", after=[good, fine])("after_good", 4)
    join.with_options(id="after_mixed", after=[good, skipped])("after_mixed", 5)
    join.with_options(id="after_skips", after=[skipped, passed_on])("after_skips", 6)
