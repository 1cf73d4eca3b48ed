"""A failure stops what waits for it by an ordering edge only."""

from witness import attempt

from intermodal import pipeline, task


@task
def broken() -> None:
    with attempt("broken"):
        raise ValueError("bad")


@task
def later() -> int:
    with attempt("later") as seen:
        return seen(1)


@pipeline
def ordering_edge():
    later.with_options(after=[broken()])()
