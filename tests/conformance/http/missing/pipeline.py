"""A status from 400 on fails a request over a connection."""

from witness import attempt

from intermodal import http, pipeline, task


@task
def first() -> str:
    with attempt("first") as seen:
        return seen("x")


@task
def never(answer: str) -> str:
    with attempt("never") as seen:
        return seen(answer)


@pipeline
def missing():
    given = first()
    never(http("/status/404", connection="api", id="request", after=[given]))
