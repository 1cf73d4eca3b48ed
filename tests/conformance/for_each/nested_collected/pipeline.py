"""What an inner loop gives is used in the outer one, and after it."""

from witness import attempt

from intermodal import collect, for_each, pipeline, task


@task
def total(me: str, values: list[int]) -> int:
    with attempt(me) as seen:
        return seen(sum(values))


@task
def both(me: str, i: int, j: int) -> int:
    with attempt(me, [i, j]) as seen:
        return seen(10 * i + j)


@task
def summed(me: str, i: int, values: list[int]) -> int:
    with attempt(me, [i]) as seen:
        return seen(sum(values))


@pipeline
def nested_collected():
    with for_each([0, 1]) as i:
        with for_each([0, 1, 2]) as j:
            cell = both.with_options(id="cell")("cell", i, j)
        row = summed.with_options(id="row")("row", i, collect(cell))
    total.with_options(id="sum")("sum", collect(row))
