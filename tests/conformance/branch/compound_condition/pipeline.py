"""Conditions are combined with and, or and not; text is compared as it is."""

from witness import attempt

from intermodal import pipeline, task, when


@task
def give(me: str, value: int) -> int:
    with attempt(me) as seen:
        return seen(value)


@task
def word(me: str, value: str) -> str:
    with attempt(me) as seen:
        return seen(value)


@pipeline
def compound_condition(region: str = "eu-west"):
    n = give.with_options(id="first")("first", 5)
    name = word.with_options(id="name")("name", 'it\'s "quoted"')
    with when((n > 3) & ~(n > 10)):
        give.with_options(id="between")("between", n)
    with when((n > 100) | (region == "eu-west")):
        give.with_options(id="either")("either", n)
    with when((n > 100) & (region == "eu-west")):
        give.with_options(id="both")("both", n)
    with when(name == 'it\'s "quoted"'):
        give.with_options(id="same_text")("same_text", n)
    with when(name != 'it\'s "quoted"'):
        give.with_options(id="other_text")("other_text", n)
