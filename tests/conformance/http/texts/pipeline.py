"""Responses are text in the charset that they name."""

from witness import attempt

from intermodal import http, pipeline, task, text


@task
def told(me: str, answer: str) -> str:
    with attempt(me) as seen:
        return seen(answer)


@pipeline
def texts(server: str):
    over = http("/latin", connection="api", id="over")
    told.with_options(id="of_over")("of_over", over)
    plain = http(text("{server}/latin", server=server), id="plain")
    told.with_options(id="of_plain")("of_plain", plain)
