"""Values that JSON has none for fail the task, rather than become something else."""

from witness import attempt

from intermodal import pipeline, sql, task


@task
def never(rows: list[list]) -> int:
    with attempt("never") as seen:
        return seen(len(rows))


@pipeline
def some_bytes():
    never(sql("select 1, x'00ff' as picture", connection="db", id="raw"))
