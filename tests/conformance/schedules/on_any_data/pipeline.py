"""Any of two data assets starts the pipeline."""

from witness import attempt

from intermodal import OnData, pipeline, task


@task
def give(me: str, value: int) -> int:
    with attempt(me) as seen:
        return seen(value)


@pipeline(schedule=OnData("s3://lake/orders", "s3://lake/customers", require="any"))
def on_any_data():
    give.with_options(id="one")("one", 1)
