"""Statements in a loop, behind a guard, and with parameters that are computed."""

from typing import Any

from witness import attempt

from intermodal import collect, for_each, pipeline, sql, task


@task
def numbers() -> dict[str, Any]:
    with attempt("numbers") as seen:
        return seen({"all": [1, 2, 3], "more": {"factor": 10}})


@task
def total(rows: list, me: str) -> list:
    with attempt(me) as seen:
        return seen(rows)


@pipeline
def in_regions(limit: int = 2):
    given = numbers()
    with for_each(given["all"]) as number:
        squared = sql(
            "select :n * :n * :factor, typeof(:n)",
            connection="warehouse",
            parameters={"n": number, "factor": given["more"]["factor"]},
            id="square",
        )
    total(collect(squared), "total")
    sql(
        "create table never (n integer)",
        connection="warehouse",
        id="never",
        guard=given["more"]["factor"] < limit,
    )
    kept = sql(
        "select :f, :ok",
        connection="warehouse",
        parameters={"f": given["more"]["factor"], "ok": given["all"][0] == 1},
        id="kept",
        guard=given["more"]["factor"] > limit,
    )
    total.with_options(id="last")(kept, "last")
