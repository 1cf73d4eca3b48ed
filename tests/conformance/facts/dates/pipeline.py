"""Timestamps are moved, and written as text."""

from datetime import UTC, datetime, timedelta

from witness import attempt

from intermodal import pipeline, task, text


@task
def word(me: str, value: str) -> str:
    with attempt(me) as seen:
        return seen(value)


@task
def same(when: datetime, later: datetime) -> float:
    with attempt("same") as seen:
        return seen((later - when).total_seconds() + 0.5)


@pipeline
def dates(when: datetime = datetime(2024, 2, 28, 22, 30, tzinfo=UTC)):
    later = when + timedelta(hours=2)
    word.with_options(id="later")("later", later.strftime("%Y-%m-%d %H:%M"))
    word.with_options(id="leap")(
        "leap", (when + timedelta(days=1)).strftime("%d.%m.%y")
    )
    word.with_options(id="before")(
        "before", (when - timedelta(days=59, seconds=1)).strftime("%Y-%m-%dT%H:%M:%S")
    )
    word.with_options(id="path")(
        "path", text("s3://lake/{day:%Y/%m}/{name}", day=later, name="x")
    )
    same(when, later)
