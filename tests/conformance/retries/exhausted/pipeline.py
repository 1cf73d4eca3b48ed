"""A task that keeps failing is started as often as it says, then fails."""

from witness import attempt

from intermodal import Retry, pipeline, task


@task(retry=Retry(2, delay="1s", factor=2, ceiling="2s"))
def broken() -> int:
    with attempt("broken"):
        raise RuntimeError("never")


@task
def use(n: int) -> int:
    with attempt("use") as seen:
        return seen(n)


@pipeline
def exhausted():
    use(broken())
