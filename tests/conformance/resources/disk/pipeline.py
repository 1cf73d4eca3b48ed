"""A task that needs room on its disk."""

from witness import attempt

from intermodal import Resources, pipeline, task


@task(resources=Resources(disk="5Gi"))
def work() -> int:
    with attempt("work") as seen:
        return seen(1)


@pipeline
def disk():
    work()
