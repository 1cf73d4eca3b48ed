"""Of several conditions the first that holds decides."""

from witness import attempt

from intermodal import pipeline, task, when


@task
def give(me: str, value: int) -> int:
    with attempt(me) as seen:
        return seen(value)


@pipeline
def first_that_holds():
    n = give.with_options(id="first")("first", 5)
    with when(n > 100) as way:
        give.with_options(id="huge")("huge", n)
    with way.elsewhen(n > 4):
        give.with_options(id="large")("large", n)
    with way.elsewhen(n > 3):
        give.with_options(id="medium")("medium", n)
    with way.otherwise():
        give.with_options(id="small")("small", n)
