"""A task is told which attempt it is."""

from witness import attempt, fail_first

from intermodal import Retry, pipeline, run, task


@task
def counted(number: int) -> int:
    with attempt("counted") as seen:
        fail_first(1, "counted")
        return seen(number)


@pipeline
def attempts():
    counted.with_options(retry=Retry(2))(run.attempt)
