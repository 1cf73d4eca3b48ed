"""Each of several outputs is collected by itself."""

from typing import NamedTuple

from witness import attempt

from intermodal import collect, for_each, pipeline, task


@task
def total(me: str, values: list[int]) -> int:
    with attempt(me) as seen:
        return seen(sum(values))


class Parts(NamedTuple):
    low: int
    high: int


@task
def split(me: str, n: int) -> Parts:
    with attempt(me, [n]) as seen:
        return Parts(seen(n, "low"), seen(n + 100, "high"))


@pipeline
def several_outputs():
    with for_each([0, 1, 2]) as n:
        parts = split.with_options(id="parts")("parts", n)
    total.with_options(id="lows")("lows", collect(parts.low))
    total.with_options(id="highs")("highs", collect(parts.high))
