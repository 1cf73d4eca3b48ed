"""A failure stops what waits for it, directly or not, and nothing else."""

from witness import attempt

from intermodal import pipeline, task


@task
def first() -> int:
    with attempt("first") as seen:
        return seen(1)


@task
def broken(n: int) -> int:
    with attempt("broken"):
        raise ValueError(f"bad {n}")


@task
def after_broken(n: int) -> int:
    with attempt("after_broken") as seen:
        return seen(n)


@task
def last(n: int, m: int) -> int:
    with attempt("last") as seen:
        return seen(n + m)


@task
def beside(n: int) -> int:
    with attempt("beside") as seen:
        return seen(n + 1)


@task
def beside_too(n: int) -> int:
    with attempt("beside_too") as seen:
        return seen(n + 1)


@pipeline
def middle():
    n = first()
    m = beside(n)
    last(after_broken(broken(n)), m)
    beside_too(m)
