"""A header that would be two fails the request."""

from witness import attempt

from intermodal import http, pipeline, task


@task
def first() -> str:
    with attempt("first") as seen:
        return seen("one\r\nX-Two: two")


@task
def never(answer: str) -> str:
    with attempt("never") as seen:
        return seen(answer)


@pipeline
def two_line_header():
    given = first()
    never(http("/echo", connection="api", headers={"X-One": given}, id="request"))
