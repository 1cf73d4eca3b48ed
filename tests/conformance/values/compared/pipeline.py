"""Comparisons are values like others."""

from witness import attempt

from intermodal import pipeline, task


@task
def give(me: str, value: int) -> int:
    with attempt(me) as seen:
        return seen(value)


@task
def flag(me: str, value: bool) -> bool:
    with attempt(me) as seen:
        return seen(value)


@pipeline
def compared(word_given: str = "b"):
    a = give.with_options(id="a")("a", 5)
    flag.with_options(id="larger")("larger", a > 3)
    flag.with_options(id="both")("both", (a > 3) & (a < 4))
    flag.with_options(id="neither")("neither", ~((a > 3) | (a < 1)))
    flag.with_options(id="text")("text", word_given >= "a")
