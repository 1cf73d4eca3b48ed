"""A NamedTuple gives several outputs, which travel apart."""

from typing import NamedTuple

from witness import attempt

from intermodal import pipeline, task


class Parts(NamedTuple):
    low: list[int]
    high: list[int]
    total: int


@task
def split(at: int) -> Parts:
    with attempt("split") as seen:
        numbers = list(range(6))
        return Parts(
            low=seen([n for n in numbers if n < at], "low"),
            high=seen([n for n in numbers if n >= at], "high"),
            total=seen(sum(numbers), "total"),
        )


@task
def add(numbers: list[int], who: str) -> int:
    with attempt(who) as seen:
        return seen(sum(numbers))


@task
def check(low: int, high: int, total: int) -> bool:
    with attempt("check") as seen:
        return seen(low + high == total)


@pipeline
def named_tuple(at: int = 2):
    parts = split(at)
    low = add.with_options(id="low")(parts.low, who="low")
    high = add.with_options(id="high")(parts.high, who="high")
    check(low, high, parts.total)
