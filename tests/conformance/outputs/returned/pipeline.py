"""A pipeline can give a result of its own."""

from witness import attempt

from intermodal import pipeline, task


@task
def give() -> int:
    with attempt("give") as seen:
        return seen(7)


@pipeline
def returned():
    return give()
