"""A process that is killed is a failed attempt."""

from witness import attempt, kill_self

from intermodal import pipeline, task


@task
def give(me: str, value: int) -> int:
    with attempt(me) as seen:
        return seen(value)


@task
def dies() -> int:
    with attempt("dies"):
        kill_self()
        return 1


@pipeline
def killed():
    n = dies()
    give.with_options(id="after")("after", n)
    give.with_options(id="beside")("beside", 1)
