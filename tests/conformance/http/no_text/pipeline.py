"""A response that is no text fails the request."""

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
def no_text():
    given = first()
    never(http("/bytes", connection="api", id="request", after=[given]))
