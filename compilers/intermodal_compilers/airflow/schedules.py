"""Schedules as arguments of the DAG, which mean the same in every version of Airflow."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

from intermodal.ir import Cron, Interval, Pipeline, Schedule
from intermodal_compilers.airflow.dialects import Dialect
from intermodal_compilers.pysource import Call, Expr, Value, call

# Where a schedule names no start. With catch-up off its date changes nothing but the rhythm of an
# interval, and a fixed one keeps the output the same on every day.
FIRST_DAY = datetime(2024, 1, 1)  # noqa: DTZ001 - the schedule's own zone is put in


def schedule_keywords(pipeline: Pipeline, dialect: Dialect) -> dict[str, Expr]:
    """`schedule`, `start_date`, `end_date` and `catchup`."""
    schedule = pipeline.schedule
    trigger = next(
        (t for t in (schedule.triggers if schedule else ()) if isinstance(t, (Cron, Interval))),
        None,
    )
    if schedule is None or trigger is None:
        return _manual(schedule, dialect)
    zone_name = trigger.timezone if isinstance(trigger, Cron) else "UTC"
    zone: tzinfo = UTC if zone_name == "UTC" else ZoneInfo(zone_name)
    start = schedule.start.astimezone(zone) if schedule.start else FIRST_DAY.replace(tzinfo=zone)
    if isinstance(trigger, Cron):
        when = _cron(trigger, dialect)
    else:
        when = _interval(trigger, dialect)
        if not dialect.plain_schedules and not dialect.delta_trigger:
            start -= trigger.every
    keywords = {"schedule": when, "start_date": moment(start, zone_name)}
    if schedule.end:
        keywords["end_date"] = moment(schedule.end.astimezone(zone), zone_name)
    return {**keywords, "catchup": Value(schedule.catch_up)}


def moment(value: datetime, zone_name: str) -> Call:
    """`pendulum.datetime(...)` in a named time zone; times that occur twice say which they are."""
    parts = [value.year, value.month, value.day]
    rest = [value.hour, value.minute, value.second, value.microsecond]
    while rest and rest[-1] == 0:
        rest.pop()
    other = value.replace(fold=1 - value.fold)
    twice = value.utcoffset() != other.utcoffset()
    return call(
        "pendulum.datetime",
        *(Value(part) for part in [*parts, *rest]),
        tz=Value(zone_name),
        fold=Value(value.fold) if twice else None,
    )


def _manual(schedule: Schedule | None, dialect: Dialect) -> dict[str, Expr]:
    keywords: dict[str, Expr] = {"schedule": Value(None)}
    start = schedule.start if schedule else None
    if start is not None:
        keywords["start_date"] = moment(start.astimezone(UTC), "UTC")
    elif not dialect.plain_schedules:
        # Airflow 2 runs no task without a start.
        keywords["start_date"] = moment(FIRST_DAY.replace(tzinfo=UTC), "UTC")
    if schedule is not None and schedule.end:
        keywords["end_date"] = moment(schedule.end.astimezone(UTC), "UTC")
    return keywords


def _cron(trigger: Cron, dialect: Dialect) -> Expr:
    if dialect.plain_schedules:
        return Value(trigger.expression)
    return call("CronTriggerTimetable", Value(trigger.expression), timezone=Value(trigger.timezone))


def _interval(trigger: Interval, dialect: Dialect) -> Expr:
    if dialect.delta_trigger:
        return call("DeltaTriggerTimetable", Value(trigger.every))
    return Value(trigger.every)
