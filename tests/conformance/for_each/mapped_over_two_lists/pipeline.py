"""Mapped over two lists side by side."""

from witness import attempt

from intermodal import pipeline, task


@task
def numbers(me: str, count: int) -> list[int]:
    with attempt(me) as seen:
        return seen(list(range(count)))


@task
def add(n: int, base: int) -> int:
    with attempt("add", [n]) as seen:
        return seen(n + base)


@pipeline
def mapped_over_two_lists():
    add.map(numbers.with_options(id="list")("list", 3), [10, 20, 30])
