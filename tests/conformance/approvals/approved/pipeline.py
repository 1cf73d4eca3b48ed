"""What waits for an approval runs when it is given."""

from witness import attempt

from intermodal import approval, pipeline, task, text


@task
def give(me: str, value: int) -> int:
    with attempt(me) as seen:
        return seen(value)


@pipeline
def approved():
    n = give.with_options(id="first")("first", 1)
    ok = approval(text("Go on with {n}?", n=n), approvers="ann", id="ask")
    give.with_options(id="after", after=ok)("after", 2)
    give.with_options(id="beside")("beside", 3)
