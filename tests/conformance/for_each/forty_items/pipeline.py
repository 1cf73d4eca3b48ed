"""A longer list keeps its order."""

import json
from typing import Any

from witness import attempt

from intermodal import collect, for_each, pipeline, task


@task
def numbers(me: str, count: int) -> list[int]:
    with attempt(me) as seen:
        return seen(list(range(count)))


@task
def show(me: str, value: Any) -> str:
    with attempt(me) as seen:
        return seen(json.dumps(value))


@task
def square(me: str, n: int) -> int:
    with attempt(me, [n]) as seen:
        return seen(n * n)


@pipeline
def forty_items():
    with for_each(numbers.with_options(id="list")("list", 40), max_parallel=8) as n:
        squares = square.with_options(id="each")("each", n)
    show.with_options(id="all")("all", collect(squares))
