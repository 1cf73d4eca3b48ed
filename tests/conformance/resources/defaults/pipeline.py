"""The pipeline's resources hold for tasks that name none."""

from witness import attempt

from intermodal import Resources, TaskDefaults, pipeline, task


@task
def work() -> int:
    with attempt("work") as seen:
        return seen(1)


@pipeline(defaults=TaskDefaults(resources=Resources(cpu=2)))
def defaults():
    work()
