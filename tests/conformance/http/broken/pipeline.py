"""A status from 400 on fails a request."""

from witness import attempt

from intermodal import http, pipeline, task, text


@task
def first() -> str:
    with attempt("first") as seen:
        return seen("x")


@task
def never(answer: str) -> str:
    with attempt("never") as seen:
        return seen(answer)


@pipeline
def broken(server: str):
    given = first()
    never(http(text("{server}/status/500", server=server), id="request", after=[given]))
