"""Arguments and tasks whose names mean something to an engine or to Python."""

from witness import attempt

from intermodal import pipeline, task


@task
def report(
    ti: int,
    params: str,
    ds: str,
    conf: int,
    dag: str,
    wait_for: int,
    self: str,
) -> str:
    with attempt("report") as seen:
        return seen(f"{ti} {params} {ds} {conf} {dag} {wait_for} {self}")


@task(id="class")
def keyword(n: int) -> int:
    with attempt("class") as seen:
        return seen(n)


@task(id="list")
def builtin(n: int) -> int:
    with attempt("list") as seen:
        return seen(n + 1)


@task(id="with-dash.and_dot")
def punctuated(n: int) -> int:
    with attempt("with-dash.and_dot") as seen:
        return seen(n + 1)


@task(id="with_dash-and_dot")
def collides(n: int) -> int:
    with attempt("with_dash-and_dot") as seen:
        return seen(n + 10)


@pipeline(name="odd-names.here")
def names(task: int = 1, dag_id: str = "d"):
    n = keyword(task)
    m = builtin(n)
    collides(punctuated(m))
    report(
        ti=n,
        params="p",
        ds=dag_id,
        conf=m,
        dag="g",
        wait_for=3,
        self="s",
    )
