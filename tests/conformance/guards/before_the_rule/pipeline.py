"""A guard that is false counts before the join rule."""

from witness import attempt

from intermodal import Join, pipeline, task


@task
def give(me: str, value: int) -> int:
    with attempt(me) as seen:
        return seen(value)


@pipeline
def before_the_rule(on: bool = False):
    a = give.with_options(id="a")("a", 1)
    b = give.with_options(id="b", guard=on, join=Join.ALL_DONE, after=a)("b", 2)
    c = give.with_options(id="c", guard=on, join=Join.ALWAYS, after=a)("c", 3)
    give.with_options(id="d", join=Join.ALL_SKIPPED, after=[b, c])("d", 4)
