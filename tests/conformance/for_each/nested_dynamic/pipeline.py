"""The list of the inner loop is made by a task in the outer one."""

from witness import attempt

from intermodal import for_each, pipeline, task


@task
def upto(me: str, i: int) -> list[int]:
    with attempt(me, [i]) as seen:
        return seen(list(range(i)))


@task
def both(me: str, i: int, j: int) -> int:
    with attempt(me, [i, j]) as seen:
        return seen(10 * i + j)


@pipeline
def nested_dynamic():
    with for_each([0, 1, 2]) as i:
        with for_each(upto.with_options(id="upto")("upto", i)) as j:
            both.with_options(id="cell")("cell", i, j)
