"""A float that is a whole number stays a float."""

from witness import attempt

from intermodal import pipeline, task


@task
def give(start: float) -> float:
    with attempt("give") as seen:
        return seen(start * 2)


@task
def check(passed: float, literal: float) -> list[bool]:
    with attempt("check") as seen:
        return seen([isinstance(value, float) for value in (passed, literal)])


@pipeline
def whole_floats(start: float = 21.0):
    check(give(start), 3.0)
