"""The first attempt hangs past its timeout, the second succeeds."""

from witness import attempt, hang, starts

from intermodal import Retry, pipeline, task


@task
def give(me: str, value: int) -> int:
    with attempt(me) as seen:
        return seen(value)


@task
def slow_once() -> int:
    with attempt("slow_once") as seen:
        if starts("slow_once") == 1:
            hang()
        return seen(1)


@pipeline
def retry_under_timeout():
    n = slow_once.with_options(timeout="3s", retry=Retry(1))()
    give.with_options(id="after")("after", n)
