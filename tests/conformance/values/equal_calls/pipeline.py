"""Two calls with equal arguments both run: nothing is cached unless it says so."""

from witness import attempt, starts

from intermodal import pipeline, task


@task
def tick(n: int) -> int:
    with attempt("tick" if starts("tick") == 0 else "tick_again") as seen:
        return seen(n)


@task
def add(a: int, b: int) -> int:
    with attempt("add") as seen:
        return seen(a + b)


@pipeline
def equal_calls():
    first = tick(1)
    second = tick.with_options(id="tick_again", after=[first])(1)
    add(first, second)
