"""Two exit tasks, the second with what the first gives."""

from witness import attempt

from intermodal import on_exit, pipeline, run, task


@task
def give(me: str, value: int) -> int:
    with attempt(me) as seen:
        return seen(value)


@task
def word(me: str, value: str) -> str:
    with attempt(me) as seen:
        return seen(value)


@task
def tidy(me: str, state: str) -> str:
    with attempt(me) as seen:
        return seen(state)


@pipeline
def two():
    give.with_options(id="work")("work", 1)
    first = on_exit(tidy, "tidy", state=run.state)
    on_exit(word, "word", first)
