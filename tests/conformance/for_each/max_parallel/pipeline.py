"""At most so many items at once."""

import os
from pathlib import Path

from witness import attempt

from intermodal import collect, for_each, pipeline, task


@task
def numbers(me: str, count: int) -> list[int]:
    with attempt(me) as seen:
        return seen(list(range(count)))


@task
def total(me: str, values: list[int]) -> int:
    with attempt(me) as seen:
        return seen(sum(values))


@task
def alone(me: str, n: int) -> int:
    with attempt(me, [n]) as seen:
        flag = Path(os.environ["INTERMODAL_EVENTS"]).with_name("alone")
        flag.touch(exist_ok=False)
        flag.unlink()
        return seen(n)


@pipeline
def max_parallel():
    with for_each(numbers.with_options(id="list")("list", 4), max_parallel=1) as n:
        squares = alone.with_options(id="alone")("alone", n)
    total.with_options(id="sum")("sum", collect(squares))
