"""Secrets in a header and in a statement's parameters, beside those of the connections."""

import json

from witness import attempt

from intermodal import http, pipeline, secret, sql, task, text


@task
def told(answer: str) -> dict:
    with attempt("told") as seen:
        return seen(json.loads(answer))


@task
def found(rows: list[list]) -> list:
    with attempt("found") as seen:
        return seen(rows)


@pipeline
def secrets():
    token = secret("token")
    bearer = {"Authorization": text("Bearer {token}", token=token)}
    told(http("/echo", connection="api", headers=bearer, id="ask"))
    given = {"token": token, "n": 3}
    rows = sql(
        "select length(:token), :n", connection="db", parameters=given, id="rows"
    )
    found(rows)
