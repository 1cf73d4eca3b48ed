"""Lists and maps are made of results, parameters and plain values."""

import json
from typing import Any

from witness import attempt

from intermodal import pipeline, task


@task
def give(me: str, value: int) -> int:
    with attempt(me) as seen:
        return seen(value)


@task
def total(me: str, values: list[int]) -> int:
    with attempt(me) as seen:
        return seen(sum(values))


@task
def show(me: str, value: Any) -> str:
    with attempt(me) as seen:
        return seen(json.dumps(value))


@pipeline
def lists_and_maps(p: str = "q"):
    a = give.with_options(id="a")("a", 1)
    b = give.with_options(id="b")("b", 2)
    total.with_options(id="sum")("sum", [a, b, 3])
    show.with_options(id="nested")(
        "nested", {"x": [a, {"y": b}], "p": p, "plain": [True, None]}
    )
