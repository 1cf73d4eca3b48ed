"""Data that is not what was pinned fails the task that takes it, and nothing else."""

from pathlib import Path

from witness import attempt

from intermodal import data, pipeline, task


@task
def read(me: str, rows: Path) -> int:
    with attempt(me) as seen:
        return seen(len(rows.read_text().splitlines()))


@task
def after(n: int) -> int:
    with attempt("after") as seen:
        return seen(n)


@pipeline
def changed():
    after(read.with_options(id="other")("other", data("rows.csv", sha256="0" * 64)))
