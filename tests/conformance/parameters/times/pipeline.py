"""Timestamps and durations arrive as datetime and timedelta."""

from datetime import UTC, datetime, timedelta

from witness import attempt

from intermodal import pipeline, task


@task
def report(moment: datetime, pause: timedelta) -> str:
    with attempt("report") as seen:
        return seen(f"{(moment + pause).astimezone(UTC).isoformat()} {pause!r}")


@pipeline
def times(
    moment: datetime = datetime(2026, 3, 1, 12, 30, tzinfo=UTC),
    pause: timedelta = timedelta(minutes=90),
):
    report(moment, pause)
