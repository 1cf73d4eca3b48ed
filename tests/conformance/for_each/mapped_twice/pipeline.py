"""What one mapped task gives another one is mapped over."""

from witness import attempt

from intermodal import pipeline, task


@task
def total(me: str, values: list[int]) -> int:
    with attempt(me) as seen:
        return seen(sum(values))


@task
def again(n: int) -> int:
    with attempt("again", [n]) as seen:
        return seen(n)


@task
def twice(n: int) -> int:
    with attempt("twice", [n]) as seen:
        return seen(2 * n)


@pipeline
def mapped_twice():
    first = again.map([0, 1, 2])
    second = twice.map(first)
    total.with_options(id="sum")("sum", second)
