"""A task that names no way leaves the rest, or nothing."""

from witness import attempt

from intermodal import choose, pipeline, task


@task
def give(me: str, value: int) -> int:
    with attempt(me) as seen:
        return seen(value)


@task
def pick() -> list[str]:
    with attempt("pick") as seen:
        return seen([])


@pipeline
def chosen_none():
    with choose(pick()) as way:
        with way.arm("one"):
            give.with_options(id="one")("one", 1)
        with way.otherwise():
            give.with_options(id="rest")("rest", 2)
