"""A pipeline called by another, twice."""

from witness import attempt

from intermodal import pipeline, task


@task
def give(me: str, value: int) -> int:
    with attempt(me) as seen:
        return seen(value)


@task
def scaled(me: str, n: int, by: int) -> int:
    with attempt(me) as seen:
        return seen(n * by)


@pipeline
def called_pipeline(base: int = 3):
    first = part(base, "part.scaled", "part.scaled_2")
    second = part(first, "part_2.scaled", "part_2.scaled_2", by=100)
    give.with_options(id="end")("end", second)


@pipeline
def part(n: int, one: str, two: str, by: int = 10):
    return scaled(two, scaled(one, n, by), 1)
