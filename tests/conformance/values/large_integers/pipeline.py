"""Integers below 2**53 are exact everywhere."""

from witness import attempt

from intermodal import pipeline, task


@task
def give() -> int:
    with attempt("give") as seen:
        return seen(2**53 - 1)


@task
def less(n: int, by: int) -> int:
    with attempt("less") as seen:
        return seen(n - by)


@pipeline
def large_integers(by: int = 9007199254740990):
    less(give(), by)
