"""A skip before a group goes through it, but not beside it."""

from witness import attempt

from intermodal import Join, group, pipeline, task


@task
def give(me: str, value: int) -> int:
    with attempt(me) as seen:
        return seen(value)


@pipeline
def skip_through_a_group(on: bool = False):
    first = give.with_options(id="first", guard=on)("first", 1)
    with group("work", after=first) as work:
        a = give.with_options(id="a")("a", 1)
        give.with_options(id="b")("b", a)
    after = give.with_options(id="after", after=work)("after", 2)
    give.with_options(id="always", join=Join.ALL_DONE, after=after)("always", 3)
    give.with_options(id="beside")("beside", 4)
