"""Schedules: the body of a recurring run for KFP's API, one for each trigger."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from intermodal.findings import Finding, error, warning
from intermodal.ir import Cron, Interval, Pipeline, Schedule, Trigger
from intermodal_compilers.kfp.model import PipelinePlan

MOST_RUNS = 10
SCHEDULED = "[[ScheduledTime.2006-01-02T15:04:05+00:00]]"
"""What KFP puts the time into for which a run was scheduled: a layout in the way of Go."""

FILE = "recurring_run"


def recurring_runs(pipeline: Pipeline, plan: PipelinePlan) -> dict[str, str]:
    """Files by name: what `POST /apis/v2beta1/recurringruns` takes, save for the pipeline's id."""
    schedule = pipeline.schedule
    if schedule is None:
        return {}
    triggers = [trigger for trigger in schedule.triggers if isinstance(trigger, (Cron, Interval))]
    files = {}
    for number, trigger in enumerate(triggers, start=1):
        suffix = f"-{number}" if number > 1 else ""
        body = _recurring_run(pipeline, schedule, trigger, plan.name + suffix)
        if plan.date_parameter:
            body["runtime_config"]["parameters"][plan.date_parameter] = SCHEDULED
        text = json.dumps(body, indent=2, ensure_ascii=False)
        files[f"{FILE}{suffix}.json"] = text + "\n"
    return files


def schedule_findings(pipeline: Pipeline, target: str, server_zone: str) -> Iterator[Finding]:
    """What a recurring run cannot hold of a schedule.

    Args:
        pipeline: The pipeline.
        target: What findings call the target.
        server_zone: The time zone of KFP's server, from the profile; empty if it does not say.
    """
    schedule = pipeline.schedule
    most = pipeline.concurrency.max_active_runs
    timed = [
        trigger
        for trigger in (schedule.triggers if schedule else ())
        if isinstance(trigger, (Cron, Interval))
    ]
    if most is not None and (not timed or most > MOST_RUNS):
        yield error(
            "PORT204",
            f"{target} cannot limit `{pipeline.name}` to {most} runs at once",
            pipeline.concurrency.span or pipeline.span,
            why=f"KFP limits the runs of a schedule only, to at most {MOST_RUNS}",
            next="leave `max_active_runs` out, or choose a smaller one for a scheduled pipeline",
        )
    for trigger in timed:
        if isinstance(trigger, Cron):
            yield from _zone_findings(pipeline, trigger, target, server_zone)
        problem = _problem(trigger)
        if problem:
            yield error(
                "PORT204",
                f"{target} cannot start `{pipeline.name}` by this schedule",
                trigger.span or pipeline.span,
                why=problem,
                next="write another schedule",
            )
        elif any(parameter.required for parameter in pipeline.parameters.values()):
            required = [name for name, p in pipeline.parameters.items() if p.required]
            yield error(
                "PORT204",
                f"{target} cannot start `{pipeline.name}` by a schedule",
                trigger.span or pipeline.span,
                why=f"nobody gives its parameter `{required[0]}` a value then",
                next="give the parameter a default",
            )


def _zone_findings(
    pipeline: Pipeline, trigger: Cron, target: str, server_zone: str
) -> Iterator[Finding]:
    """KFP's cron has no time zone of its own: it runs in that of the server (`CRON_SCHEDULE_TIMEZONE`)."""
    span = trigger.span or pipeline.span
    zone = trigger.timezone
    if server_zone and server_zone != zone:
        yield error(
            "PORT204",
            f"{target} cannot start `{pipeline.name}` by the clock of {zone}",
            span,
            why=f"its server runs schedules in {server_zone}, as the profile says",
            next="write the schedule in that time zone",
        )
    elif not server_zone and zone != "UTC":
        yield warning(
            "PORT204",
            f"{target} starts `{pipeline.name}` by the clock of its server, which must be {zone}",
            span,
            why="a recurring run has no time zone of its own, and the server's is UTC unless it is set",
            next=f"set `CRON_SCHEDULE_TIMEZONE={zone}` on the scheduled-workflow controller, and "
            f'`kfp.timezone = "{zone}"` in the profile',
        )


def _problem(trigger: Trigger) -> str:
    if isinstance(trigger, Interval):
        seconds = trigger.every.total_seconds()
        return "" if seconds >= 1 and seconds == int(seconds) else "intervals are whole seconds"
    if not isinstance(trigger, Cron):
        return ""
    days = trigger.expression.split()[-1]
    if "7" in days.replace("/7", "") and days != "7":
        return "KFP counts the days of the week from 0 for Sunday to 6; 7 stands alone only"
    return ""


def _recurring_run(
    pipeline: Pipeline, schedule: Schedule, trigger: Cron | Interval, name: str
) -> dict[str, Any]:
    body: dict[str, Any] = {"display_name": name}
    if pipeline.description:
        body["description"] = pipeline.description
    return {
        **body,
        "max_concurrency": str(pipeline.concurrency.max_active_runs or MOST_RUNS),
        "mode": "ENABLE",
        "no_catchup": not schedule.catch_up,
        "runtime_config": {"parameters": {}},
        "trigger": _trigger(schedule, trigger),
    }


def _trigger(schedule: Schedule, trigger: Cron | Interval) -> dict[str, Any]:
    window = {
        name: _utc(moment)
        for name, moment in (("start_time", schedule.start), ("end_time", schedule.end))
        if moment is not None
    }
    if isinstance(trigger, Interval):
        seconds = str(int(trigger.every.total_seconds()))
        return {"periodic_schedule": {**window, "interval_second": seconds}}
    return {"cron_schedule": {**window, "cron": _six_fields(trigger.expression)}}


def _six_fields(expression: str) -> str:
    """KFP's cron has seconds before the minutes, and Sunday is 0."""
    *fields, days = expression.split()
    return " ".join(["0", *fields, "0" if days == "7" else days])


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
