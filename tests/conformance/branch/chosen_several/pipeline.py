"""A task may name several ways."""

from witness import attempt

from intermodal import choose, pipeline, task


@task
def give(me: str, value: int) -> int:
    with attempt(me) as seen:
        return seen(value)


@task
def pick() -> list[str]:
    with attempt("pick") as seen:
        return seen(["one", "three"])


@pipeline
def chosen_several():
    with choose(pick()) as way:
        with way.arm("one"):
            give.with_options(id="one")("one", 1)
        with way.arm("two"):
            give.with_options(id="two")("two", 2)
        with way.arm("three"):
            give.with_options(id="three")("three", 3)
    give.with_options(id="end", after=way)("end", 4)
