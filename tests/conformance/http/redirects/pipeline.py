"""Redirects are followed; credentials stay with the server that they are for."""

import json

from witness import attempt

from intermodal import http, pipeline, secret, task, text


@task
def told(me: str, answer: str) -> dict:
    with attempt(me) as seen:
        return seen(json.loads(answer))


@pipeline
def redirects(server: str, other: str):
    elsewhere = text("/redirect/302?to={other}/echo/elsewhere", other=other)
    api = http(elsewhere, connection="api", id="api")
    told.with_options(id="of_api")("of_api", api)
    own = http(
        "/redirect/307?to=/echo/own",
        method="POST",
        body="kept",
        connection="api",
        id="own",
    )
    told.with_options(id="of_own")("of_own", own)
    bearer = {"Authorization": text("Bearer {token}", token=secret("token"))}
    for name, place in {"plain": other, "same": server}.items():
        answer = http(
            text("{server}/redirect/303?to={place}/echo", server=server, place=place),
            method="POST",
            headers=bearer,
            body={"a": 1},
            id=name,
        )
        told.with_options(id=f"of_{name}")(f"of_{name}", answer)
