"""Requests over a connection and without one: what is sent, and the text that comes back."""

import json

from witness import attempt

from intermodal import http, pipeline, task, text


@task
def give() -> dict:
    with attempt("give") as seen:
        return seen({"n": 3, "text": "{{ ds }} é", "parts": [1.5, None, True]})


@task
def told(me: str, answer: str) -> dict:
    with attempt(me) as seen:
        return seen(json.loads(answer))


@task
def empty(answer: str) -> bool:
    with attempt("empty") as seen:
        return seen(answer == "")


@pipeline
def requests(server: str, day: str = "2026-02-01"):
    given = give()
    got = http(
        text("/echo/{n}?day={day}&q=a b", n=given["n"], day=day),
        connection="api",
        headers={"X-Day": day, "X-Fixed": "{{ ds }}"},
        id="get",
    )
    told.with_options(id="of_get")("of_get", got)
    posted = http("/echo", method="POST", body=given, connection="api", id="post")
    told.with_options(id="of_post")("of_post", posted)
    put = http(
        text("{server}/echo", server=server),
        method="PUT",
        headers={"X-Parts": given["parts"], "Content-Type": "text/csv"},
        body=text("day,{n}", n=given["n"]),
        id="put",
    )
    told.with_options(id="of_put")("of_put", put)
    deleted = http("echo", method="DELETE", connection="api", id="delete")
    told.with_options(id="of_delete")("of_delete", deleted)
    patched = http(
        "/echo", method="PATCH", body="plain {{ ds }}", connection="api", id="patch"
    )
    told.with_options(id="of_patch")("of_patch", patched)
    head = http("/echo", method="HEAD", connection="api", id="head")
    empty(head)
