"""A loop in a loop, both over lists that are written down."""

from witness import attempt

from intermodal import for_each, pipeline, task


@task
def both(me: str, i: int, j: int) -> int:
    with attempt(me, [i, j]) as seen:
        return seen(10 * i + j)


@pipeline
def nested_literals():
    with for_each([0, 1]) as i:
        with for_each([0, 1, 2]) as j:
            both.with_options(id="cell")("cell", i, j)
