"""Policies and schedules as users write them: the leading argument positional, durations as text."""

# ruff: noqa: N802 - they read as the values that they make
from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

from intermodal import ir
from intermodal.authoring.spans import caller_span
from intermodal.findings import FindingsError, error

DurationLike = timedelta | str | float | int


def _made(model: type[Any], **fields: Any) -> Any:
    """Build a node at the user's line; a wrong value becomes a finding there."""
    span = caller_span()
    try:
        return model(span=span, **fields)
    except ValueError as problem:
        from pydantic import ValidationError

        if not isinstance(problem, ValidationError):
            raise
        raise FindingsError(
            [
                error(
                    "PORT118",
                    f"{model.__name__}: `{'.'.join(map(str, details['loc']))}`: "
                    f"{details['msg'].removeprefix('Value error, ')}",
                    span,
                    next="correct the value",
                )
                for details in problem.errors(include_url=False)
            ]
        ) from None


def Retry(
    max: int,
    *,
    delay: DurationLike = 0,
    factor: float = 1.0,
    ceiling: DurationLike | None = None,
    jitter: float = 0.0,
) -> ir.Retry:
    """Start again up to `max` times after a failed attempt, after a pause of `delay`, which grows by `factor`."""
    made: ir.Retry = _made(
        ir.Retry, max=max, delay=delay, factor=factor, ceiling=ceiling, jitter=jitter
    )
    return made


def Resources(
    *,
    cpu: float | None = None,
    memory: str | None = None,
    cpu_limit: float | None = None,
    memory_limit: str | None = None,
    gpu: int | None = None,
    gpu_type: str | None = None,
    disk: str | None = None,
) -> ir.Resources:
    """What a task needs of its machine: cores, and sizes as Kubernetes quantities (`2Gi`)."""
    made: ir.Resources = _made(
        ir.Resources,
        cpu=cpu,
        memory=memory,
        cpu_limit=cpu_limit,
        memory_limit=memory_limit,
        gpu=gpu,
        gpu_type=gpu_type,
        disk=disk,
    )
    return made


def Cache(
    *, ttl: DurationLike | None = None, key: str | None = None, enabled: bool = True
) -> ir.Cache:
    """Reuse outputs of an earlier attempt with the same inputs and code, for `ttl`.

    `enabled=False` switches off what the pipeline's defaults switch on.
    """
    made: ir.Cache = _made(ir.Cache, ttl=ttl, key=key, enabled=enabled)
    return made


def Notification(
    on: Literal["failure", "success", "retry"], channel: str, message: str | None = None
) -> ir.Notification:
    """Tell a channel: `log`, `email:ADDRESS`, `slack:NAME` or `webhook:NAME`, NAME being a secret's."""
    made: ir.Notification = _made(ir.Notification, on=on, channel=channel, message=message)
    return made


def TaskDefaults(
    *,
    retry: ir.Retry | int | None = None,
    timeout: DurationLike | None = None,
    cache: ir.Cache | None = None,
    resources: ir.Resources | None = None,
    pool: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> ir.TaskDefaults:
    """Policies for tasks that set none of their own."""
    made: ir.TaskDefaults = _made(
        ir.TaskDefaults,
        retry=ir.Retry(max=retry) if isinstance(retry, int) else retry,
        timeout=timeout,
        cache=cache,
        resources=resources,
        pool=pool,
        environment=environment or {},
    )
    return made


def Tracking(
    *,
    enabled: bool = True,
    experiment: str | None = None,
    tags: Mapping[str, str] | None = None,
) -> ir.Tracking:
    """Whether and under which experiment runs are tracked."""
    made: ir.Tracking = _made(ir.Tracking, enabled=enabled, experiment=experiment, tags=tags or {})
    return made


def Cron(expression: str, *, timezone: str = "UTC") -> ir.Cron:
    """At the times of a five-field cron expression in an IANA time zone."""
    made: ir.Cron = _made(ir.Cron, expression=expression, timezone=timezone)
    return made


def Interval(every: DurationLike) -> ir.Interval:
    """Every so often: `Interval("1h")`."""
    made: ir.Interval = _made(ir.Interval, every=every)
    return made


def OnData(*assets: str, require: Literal["any", "all"] = "all") -> ir.OnData:
    """When data assets, given by their URIs, have been updated: all of them, or any."""
    made: ir.OnData = _made(ir.OnData, assets=assets, require=require)
    return made


def OnEvent(event: str) -> ir.OnEvent:
    """When an outside event of this name arrives."""
    made: ir.OnEvent = _made(ir.OnEvent, event=event)
    return made


def Manual() -> ir.Manual:
    """Only when somebody starts it."""
    made: ir.Manual = _made(ir.Manual)
    return made


def Schedule(
    *triggers: ir.Trigger,
    start: datetime | str | None = None,
    end: datetime | str | None = None,
    catch_up: bool = False,
    jitter: DurationLike | None = None,
) -> ir.Schedule:
    """Triggers with the window they hold for; `start` and `end` need a time zone."""
    made: ir.Schedule = _made(
        ir.Schedule, triggers=triggers, start=start, end=end, catch_up=catch_up, jitter=jitter
    )
    return made
