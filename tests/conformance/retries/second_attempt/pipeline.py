"""A task that fails once is started again."""

from witness import attempt, starts

from intermodal import Retry, pipeline, task


@task(retry=Retry(3, delay="1s"))
def flaky() -> int:
    with attempt("flaky") as seen:
        if starts("flaky") < 2:
            raise RuntimeError("not yet")
        return seen(5)


@task
def use(n: int) -> int:
    with attempt("use") as seen:
        return seen(n * 2)


@pipeline
def second_attempt():
    use(flaky())
