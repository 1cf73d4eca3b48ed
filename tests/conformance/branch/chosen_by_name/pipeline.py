"""A task names the way to go."""

from witness import attempt

from intermodal import choose, pipeline, task


@task
def give(me: str, value: int) -> int:
    with attempt(me) as seen:
        return seen(value)


@task
def word(me: str, value: str) -> str:
    with attempt(me) as seen:
        return seen(value)


@pipeline
def chosen_by_name():
    with choose(word.with_options(id="pick")("pick", "small")) as way:
        with way.arm("small"):
            a = give.with_options(id="small")("small", 1)
        with way.arm("large"):
            b = give.with_options(id="large")("large", 2)
    give.with_options(id="end")("end", way.merge(a, b))
