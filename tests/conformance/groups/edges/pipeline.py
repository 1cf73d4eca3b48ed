"""An edge to a group is one to its first tasks, an edge from it one from its last."""

from witness import attempt

from intermodal import group, pipeline, task


@task
def give(me: str, value: int) -> int:
    with attempt(me) as seen:
        return seen(value)


@pipeline
def edges():
    before = give.with_options(id="before")("before", 1)
    with group("work", docs="The work itself") as work:
        a = give.with_options(id="a")("a", 1)
        b = give.with_options(id="b")("b", a)
        give.with_options(id="c")("c", b)
        give.with_options(id="d")("d", b)
    before >> work >> give.with_options(id="after")("after", 2)
