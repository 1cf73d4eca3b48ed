"""Sensors: tasks that look again and again until something holds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from intermodal.ir import CapturedSource, Expression, PythonCall, Task, Wait
from intermodal_compilers.airflow.translate.context import Context, hosted_of
from intermodal_compilers.airflow.translate.hosting import host, module_of
from intermodal_compilers.airflow.translate.jinja import (
    END,
    NotUnderstoodError,
    expression_of,
    shift,
)
from intermodal_compilers.airflow.translate.python_tasks import HARMLESS, call_of, hosted_call
from intermodal_compilers.airflow.translate.sources import read

SETTINGS = frozenset({"poke_interval", "timeout", "soft_fail", "mode"})
DELTA = SETTINGS | {"delta", "deferrable", "end_from_trigger"}
MOMENT = SETTINGS | {"target_time", "deferrable", "end_from_trigger", "start_from_trigger"}
WEEK = dt.timedelta(days=7)
"""How long sensors wait where Airflow is told nothing."""

HAS_COME = '''\
def has_come(moment):
    """Whether a moment is past."""
    moment = datetime.datetime.fromisoformat(moment)
    return datetime.datetime.now(moment.tzinfo) >= moment
'''


def wait_settings(arguments: Mapping[str, Expression]) -> dict[str, Any] | None:
    """Interval, timeout and soft failure of a sensor; None where they are not known."""
    interval = _seconds(read(arguments.get("poke_interval")), dt.timedelta(minutes=1))
    timeout = _seconds(read(arguments.get("timeout")), WEEK)
    soft = read(arguments.get("soft_fail"))
    if interval is None or timeout is None or soft not in (None, True, False):
        return None
    return {"interval": interval, "timeout": timeout, "soft_fail": bool(soft)}


def _seconds(value: Any, default: dt.timedelta) -> dt.timedelta | None:
    if value is None:
        return default
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0:
        return dt.timedelta(seconds=value)
    return value if isinstance(value, dt.timedelta) else None


def python_sensor(task: Task, context: Context) -> Task:
    """A sensor that calls a function."""
    wait = wait_settings(hosted_of(task).arguments)
    if wait is not None and not context.pulled.get(task.id):
        called = call_of(task, context, HARMLESS | SETTINGS)
        if called is not None:
            action = Wait.of(check=called.action, **wait)
            return called.model_copy(update={"action": action, "outputs": {}})
    return hosted_call(task, context, skips=skips_softly(task))


def time_delta_sensor(task: Task, context: Context) -> Task:
    """A sensor that waits for a time after the run's data interval."""
    arguments = hosted_of(task).arguments
    delta = read(arguments.get("delta"))
    if not isinstance(delta, dt.timedelta) or set(arguments) - DELTA:
        return hosted_sensor(task, context)
    return _until(task, shift(END, delta), context) or hosted_sensor(task, context)


def date_time_sensor(task: Task, context: Context) -> Task:
    """A sensor that waits for a moment."""
    arguments = hosted_of(task).arguments
    target = read(arguments.get("target_time"))
    if not isinstance(target, str) or set(arguments) - MOMENT:
        return hosted_sensor(task, context)
    try:
        moment = expression_of(target, task.id, context)
    except NotUnderstoodError:
        return hosted_sensor(task, context)
    return _until(task, moment, context) or hosted_sensor(task, context)


def hosted_sensor(task: Task, context: Context) -> Task:
    """A sensor by Airflow's own class."""
    return host(task, context, skips=skips_softly(task))


def skips_softly(task: Task) -> bool:
    """Whether a sensor skips itself where what it waits for does not come."""
    arguments = hosted_of(task).arguments
    return any(read(arguments.get(name)) is True for name in ("soft_fail", "never_fail"))


def _until(task: Task, moment: Expression, context: Context) -> Task | None:
    wait = wait_settings(hosted_of(task).arguments)
    if wait is None or context.pulled.get(task.id):
        return None
    source = CapturedSource.of(function=HAS_COME, imports=("import datetime",))
    check = PythonCall.of(module=module_of(context), function="has_come", source=source)
    return task.model_copy(
        update={
            "action": Wait.of(check=check, **wait),
            "inputs": {"moment": moment},
            "outputs": {},
        }
    )
