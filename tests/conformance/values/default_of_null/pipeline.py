"""Null has a fallback, zero and empty text have none."""

from witness import attempt

from intermodal import default, pipeline, task


@task
def give(me: str, value: int) -> int:
    with attempt(me) as seen:
        return seen(value)


@task
def word(me: str, value: str) -> str:
    with attempt(me) as seen:
        return seen(value)


@pipeline
def default_of_null(given: int | None = None, zero: int = 0, empty: str = ""):
    give.with_options(id="null")("null", default(given, 7))
    give.with_options(id="zero")("zero", default(zero, 7))
    word.with_options(id="empty")("empty", default(empty, "x"))
