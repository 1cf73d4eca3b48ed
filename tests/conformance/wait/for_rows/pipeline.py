"""A wait for a statement to give rows, and one for a server to answer with text."""

from datetime import timedelta

from witness import attempt

from intermodal import action, ir, pipeline, sql, task


@task
def done() -> int:
    with attempt("done") as seen:
        return seen(1)


def until(check):
    return ir.Wait(
        check=check, interval=timedelta(seconds=1), timeout=timedelta(minutes=2)
    )


@pipeline
def for_rows():
    made = sql("create table t (n integer)", connection="db", id="made")
    one = sql("insert into t values (1)", connection="db", id="one", after=[made])
    query = ir.Literal_(value="select n from t where n > 0")
    rows = action(
        until(ir.Sql(connection="db", statement=query)), id="rows", after=[one]
    )
    path = ir.Literal_(value="/echo")
    answer = action(until(ir.Http(connection="api", url=path)), id="answer")
    done.with_options(after=[rows, answer])()
