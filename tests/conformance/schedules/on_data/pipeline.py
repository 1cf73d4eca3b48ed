"""Data assets that a task of another pipeline writes start this one."""

from witness import attempt

from intermodal import OnData, pipeline, task


@task
def give(me: str, value: int) -> int:
    with attempt(me) as seen:
        return seen(value)


@pipeline(schedule=OnData("s3://lake/orders", "s3://lake/customers"))
def on_data():
    give.with_options(
        id="one", reads=["s3://lake/orders"], writes=["s3://lake/report"]
    )("one", 1)
