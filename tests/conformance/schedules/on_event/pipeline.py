"""An event from outside starts the pipeline."""

from witness import attempt

from intermodal import OnEvent, pipeline, task


@task
def give(me: str, value: int) -> int:
    with attempt(me) as seen:
        return seen(value)


@pipeline(schedule=OnEvent("orders.closed"))
def on_event():
    give.with_options(id="one")("one", 1)
