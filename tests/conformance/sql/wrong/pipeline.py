"""A statement that the database refuses fails its task, and changes nothing."""

from witness import attempt

from intermodal import pipeline, sql, task


@task
def kept(rows: list[list]) -> list[list]:
    with attempt("kept") as seen:
        return seen(rows)


@task
def never(rows: list[list]) -> int:
    with attempt("never") as seen:
        return seen(len(rows))


@pipeline
def wrong():
    made = sql("create table t (n integer unique)", connection="db", id="made")
    one = sql("insert into t values (1)", connection="db", id="one", after=[made])
    rows = sql("select n from t", connection="db", id="rows", after=[one])
    twice = sql(
        "insert into t values (2), (1)", connection="db", id="twice", after=[kept(rows)]
    )
    never(twice)
