"""A rejection fails its task."""

from witness import attempt

from intermodal import approval, pipeline, task


@task
def give(me: str, value: int) -> int:
    with attempt(me) as seen:
        return seen(value)


@pipeline
def rejected():
    ok = approval("Go on?", id="ask", timeout="1m")
    give.with_options(id="after", after=ok)("after", 2)
    give.with_options(id="beside")("beside", 3)
