"""An exit task takes parameters, too, and is tried again."""

from witness import attempt, fail_first

from intermodal import Retry, on_exit, pipeline, task


@task
def give(me: str, value: int) -> int:
    with attempt(me) as seen:
        return seen(value)


@task
def flaky(path: str) -> str:
    with attempt("flaky") as seen:
        fail_first(1, "flaky")
        return seen(path)


@pipeline
def with_parameters(path: str = "it's here"):
    give.with_options(id="work")("work", 1)
    on_exit(flaky.with_options(retry=Retry(2)), path)
