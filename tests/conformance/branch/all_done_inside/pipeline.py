"""A join rule does not wake a task in a way that is not taken."""

from witness import attempt

from intermodal import Join, pipeline, task, when


@task
def give(me: str, value: int) -> int:
    with attempt(me) as seen:
        return seen(value)


@pipeline
def all_done_inside():
    n = give.with_options(id="first")("first", 5)
    with when(n > 100) as good:
        a = give.with_options(id="a")("a", 1)
        give.with_options(id="b", join=Join.ALL_DONE, after=a)("b", 2)
    with good.otherwise():
        c = give.with_options(id="c")("c", 3)
        give.with_options(id="d", join=Join.ALL_DONE, after=c)("d", 4)
