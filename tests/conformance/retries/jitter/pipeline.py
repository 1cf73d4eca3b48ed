"""A pause between attempts that varies, so that tasks that failed together do not start together."""

from witness import attempt, fail_first

from intermodal import Retry, pipeline, task


@task(retry=Retry(2, delay="1s", jitter=0.5))
def flaky() -> int:
    with attempt("flaky") as seen:
        fail_first(1, "flaky")
        return seen(1)


@pipeline
def jitter():
    flaky()
