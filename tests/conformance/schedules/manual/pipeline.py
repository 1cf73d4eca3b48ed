"""A pipeline with a schedule can be started by hand as well."""

from witness import attempt

from intermodal import Manual, pipeline, task


@task
def give() -> int:
    with attempt("give") as seen:
        return seen(7)


@pipeline(schedule=Manual())
def manual():
    give()
