"""After a killed attempt the next one succeeds."""

from witness import attempt, kill_self, starts

from intermodal import Retry, pipeline, task


@task
def give(me: str, value: int) -> int:
    with attempt(me) as seen:
        return seen(value)


@task
def dies_once() -> int:
    with attempt("dies_once") as seen:
        if starts("dies_once") == 1:
            kill_self()
        return seen(1)


@pipeline
def killed_then_well():
    n = dies_once.with_options(retry=Retry(1))()
    give.with_options(id="after")("after", n)
