"""Tasks in a loop use what was made before it, and parameters."""

from witness import attempt

from intermodal import for_each, pipeline, task


@task
def give(me: str, value: int) -> int:
    with attempt(me) as seen:
        return seen(value)


@task
def item(me: str, n: int, value: int) -> int:
    """The instance of item `n`, with a value of its own."""
    with attempt(me, [n]) as seen:
        return seen(value)


@pipeline
def outside_values(base: int = 100):
    n0 = give.with_options(id="before")("before", 7)
    with for_each([0, 1]) as n:
        item.with_options(id="with_result")("with_result", n, n0)
        item.with_options(id="with_parameter")("with_parameter", n, base)
