"""A branch in a pipeline that is called in a loop."""

from witness import attempt

from intermodal import collect, for_each, pipeline, task, when


@task
def total(me: str, values: list[int]) -> int:
    with attempt(me) as seen:
        return seen(sum(values))


@task
def item(me: str, n: int, value: int) -> int:
    """The instance of item `n`, with a value of its own."""
    with attempt(me, [n]) as seen:
        return seen(value)


@pipeline
def branch_in_called_pipeline():
    with for_each([0, 1, 2]) as n:
        result = part(n)
    total.with_options(id="sum")("sum", collect(result))


@pipeline
def part(n: int = 0):
    with when(n > 1) as large:
        a = item("part.item", n, 100)
    with large.otherwise():
        b = item("part.item_2", n, 1)
    return large.merge(a, b)
