"""One task fans out to two, which meet again."""

from witness import attempt

from intermodal import pipeline, task


@task
def top(base: int) -> int:
    with attempt("top") as seen:
        return seen(base)


@task
def left(n: int) -> int:
    with attempt("left") as seen:
        return seen(n * 2)


@task
def right(n: int) -> int:
    with attempt("right") as seen:
        return seen(n + 100)


@task
def bottom(a: int, b: int) -> int:
    with attempt("bottom") as seen:
        return seen(a * b)


@pipeline
def diamond(base: int = 5):
    start = top(base)
    bottom(left(start), right(start))
