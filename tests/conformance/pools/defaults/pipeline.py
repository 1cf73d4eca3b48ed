"""The pipeline's pool holds for tasks that name none."""

from witness import attempt

from intermodal import TaskDefaults, pipeline, task


@task
def work() -> int:
    with attempt("work") as seen:
        return seen(1)


@pipeline(defaults=TaskDefaults(pool="default_pool"))
def defaults():
    work()
