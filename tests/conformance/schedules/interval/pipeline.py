"""A pipeline with a schedule can be started by hand as well."""

from witness import attempt

from intermodal import Interval, pipeline, task


@task
def give() -> int:
    with attempt("give") as seen:
        return seen(7)


@pipeline(schedule=Interval("6h"))
def interval():
    give()
