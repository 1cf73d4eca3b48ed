"""With `code = import` the worker imports the pipeline's own module."""

from witness import attempt

from intermodal import pipeline, task


@task
def give() -> int:
    with attempt("give") as seen:
        return seen(7)


@task
def double(n: int) -> int:
    with attempt("double") as seen:
        return seen(n * 2)


@pipeline
def imported():
    double(give())
