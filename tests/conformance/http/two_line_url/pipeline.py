"""A URL of two lines fails the request."""

from witness import attempt

from intermodal import http, pipeline, task, text


@task
def first() -> str:
    with attempt("first") as seen:
        return seen("one\r\nX-Two: two")


@task
def never(answer: str) -> str:
    with attempt("never") as seen:
        return seen(answer)


@pipeline
def two_line_url(server: str):
    given = first()
    never(
        http(text("{server}/echo?a={given}", server=server, given=given), id="request")
    )
