"""A guard looks at what a task before it gave."""

from witness import attempt

from intermodal import pipeline, task


@task
def give(me: str, value: int) -> int:
    with attempt(me) as seen:
        return seen(value)


@pipeline
def on_a_result():
    n = give.with_options(id="n")("n", 5)
    give.with_options(id="more", guard=n > 4)("more", n)
    give.with_options(id="less", guard=n <= 4)("less", n)
    give.with_options(id="apart", guard=n > 4)("apart", 1)
