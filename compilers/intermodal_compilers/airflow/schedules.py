"""Schedules as arguments of the DAG, which mean the same in every version of Airflow."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

from intermodal.findings import Finding, error
from intermodal.ir import Cron, Interval, OnData, OnEvent, Pipeline, Schedule
from intermodal_compilers.airflow.assets import condition, schedule_of
from intermodal_compilers.airflow.dialects import Dialect
from intermodal_compilers.pysource import Call, Expr, Value, call

# Where a schedule names no start. With catch-up off its date changes nothing but the rhythm of an
# interval, and a fixed one keeps the output the same on every day.
FIRST_DAY = datetime(2024, 1, 1)  # noqa: DTZ001 - the schedule's own zone is put in


def schedule_keywords(pipeline: Pipeline, dialect: Dialect) -> dict[str, Expr]:
    """`schedule`, `start_date`, `end_date` and `catchup`."""
    schedule = pipeline.schedule
    triggers = schedule.triggers if schedule else ()
    times = [t for t in triggers if isinstance(t, (Cron, Interval))]
    data = [t for t in triggers if isinstance(t, (OnData, OnEvent))]
    trigger = times[0] if times else None
    if data and trigger is None:
        keywords = _manual(schedule, dialect)
        plain = schedule_of(data[0], dialect) if len(data) == 1 else condition(data, dialect)
        return {**keywords, "schedule": plain}
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
    if len(times) > 1:
        crons = [t.expression for t in times if isinstance(t, Cron)]
        texts = [Value(text) for text in crons]
        when = call("MultipleCronTriggerTimetable", *texts, timezone=Value(zone_name))
    if data:
        when = _with_data(when if len(times) > 1 else _timetable(trigger), data, dialect)
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


def _timetable(trigger: Cron | Interval) -> Expr:
    """A schedule by time as a timetable."""
    if isinstance(trigger, Interval):
        return call("DeltaTriggerTimetable", Value(trigger.every))
    return call("CronTriggerTimetable", Value(trigger.expression), timezone=Value(trigger.timezone))


def _with_data(timetable: Expr, data: list[OnData | OnEvent], dialect: Dialect) -> Expr:
    """A timetable, or updates of assets, whichever comes first."""
    assets = "datasets" if dialect.is_airflow_2 else "assets"
    given = schedule_of(data[0], dialect) if len(data) == 1 else condition(data, dialect)
    return call(f"{dialect.asset}OrTimeSchedule", timetable=timetable, **{assets: given})


def schedule_findings(pipeline: Pipeline, target: str, dialect: Dialect) -> Iterator[Finding]:
    """Several triggers that no timetable of Airflow's holds together."""
    triggers = pipeline.schedule.triggers if pipeline.schedule else ()
    times = [t for t in triggers if isinstance(t, (Cron, Interval))]
    data = any(isinstance(t, (OnData, OnEvent)) for t in triggers)
    zones = {t.timezone for t in times if isinstance(t, Cron)}
    why = ""
    if len(times) > 1 and any(isinstance(t, Interval) for t in times):
        why = "Airflow has no timetable of an interval and another schedule by time"
    elif len(times) > 1 and dialect.is_airflow_2:
        why = "Airflow 2 has no timetable of several cron expressions"
    elif len(zones) > 1:
        why = "its timetable of several cron expressions has one time zone"
    elif data and any(isinstance(t, Interval) for t in times) and not _has_delta(dialect):
        why = "Airflow 2.10 has no timetable that starts a run every so often"
    if why:
        yield error(
            "PORT204",
            f"{target} cannot start `{pipeline.name}` by these triggers together",
            pipeline.schedule.span or pipeline.span if pipeline.schedule else pipeline.span,
            why=why,
            next="leave one of them, or make a pipeline for each schedule",
        )


def _has_delta(dialect: Dialect) -> bool:
    return dialect.delta_trigger or dialect.plain_schedules
