"""Where a task was skipped its fallback is taken."""

from witness import attempt

from intermodal import Join, default, pipeline, task


@task
def give(me: str, value: int) -> int:
    with attempt(me) as seen:
        return seen(value)


@pipeline
def default_of_a_skip(on: bool = False):
    a = give.with_options(id="a", guard=on)("a", 1)
    b = give.with_options(id="b")("b", 2)
    pick = give.with_options(join=Join.NONE_FAILED)
    pick.with_options(id="c")("c", default(a, 10))
    pick.with_options(id="d")("d", default(b, 20))
