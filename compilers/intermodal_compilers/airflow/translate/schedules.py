"""The schedule of a DAG in neutral terms."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

from intermodal.analysis.values import cron_problem
from intermodal.ir import Cron, Interval, Manual, OnData, Pipeline, Schedule, Trigger
from intermodal_compilers.airflow.translate.context import Context
from intermodal_compilers.airflow.translate.sources import UNKNOWN, Called, Unknown, read

PRESETS: Mapping[str, str] = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@quarterly": "0 0 1 */3 *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
NAMES = ("schedule", "schedule_interval", "timetable")
ASSETS = ("Asset", "Dataset", "Model")
COMBINED = {"&": "all", "|": "any", "AssetAll": "all", "DatasetAll": "all"} | {
    "AssetAny": "any",
    "DatasetAny": "any",
}


class NoPlaceError(Exception):
    """Why a schedule has no neutral form."""


def schedule_of(pipeline: Pipeline, context: Context) -> Schedule | None:
    """The schedule; None where only people start runs."""
    arguments = pipeline.hosted.arguments if pipeline.hosted else {}
    given = next((arguments[name] for name in NAMES if name in arguments), None)
    start = read(arguments.get("start_date"))
    defaults = read(arguments.get("default_args"))
    if start is None and isinstance(defaults, dict):
        start = defaults.get("start_date")
    timezone = zone_of(start)
    value = read(given)
    if value == {} or value is None or value == []:
        return None
    try:
        triggers = tuple(_triggers(value, timezone))
    except NoPlaceError as why:
        context.warn_once("schedule", str(why), pipeline.span)
        return None
    if not any(not isinstance(trigger, Manual) for trigger in triggers):
        return None
    return Schedule.of(
        triggers=triggers,
        start=_date(start, "start_date", context),
        end=_date(read(arguments.get("end_date")), "end_date", context),
        catch_up=read(arguments.get("catchup")) is True,
    )


def zone_of(start: Any) -> str:
    """The time zone that a DAG's cron expression is read in: that of its first date."""
    zone = start.tzinfo if isinstance(start, dt.datetime) else None
    return str(getattr(zone, "key", "UTC"))


def _date(value: Any, name: str, context: Context) -> dt.datetime | None:
    if isinstance(value, dt.datetime):
        return value if value.tzinfo else value.replace(tzinfo=dt.UTC)
    if isinstance(value, str):
        try:
            found = dt.datetime.fromisoformat(value)
        except ValueError:
            value = UNKNOWN
        else:
            return found if found.tzinfo else found.replace(tzinfo=dt.UTC)
    if value is not None:
        context.warn_once(name, "its value is made while the file runs", context.pipeline.span)
    return None


def _triggers(value: Any, timezone: str) -> list[Trigger]:
    if isinstance(value, str):
        return _named(value, timezone)
    if isinstance(value, dt.timedelta):
        return [Interval.of(every=value)]
    if isinstance(value, list):
        return [OnData.of(assets=tuple(uri for item in value for uri in _uris(item)))]
    if isinstance(value, Called):
        return _made(value, timezone)
    if isinstance(value, Unknown):
        raise NoPlaceError("it is made while the file runs")
    raise NoPlaceError(f"a {type(value).__name__} is no schedule that other engines know")


def _named(text: str, timezone: str) -> list[Trigger]:
    if text in ("@once", "@continuous"):
        raise NoPlaceError(f"`{text}` means runs one after the other, which a person starts here")
    if text in ("None", "@none"):
        return [Manual.of()]
    return [_cron(PRESETS.get(text, text), timezone)]


def _cron(expression: str, timezone: str) -> Cron:
    words = expression.split()
    shown = " ".join(words[:5]) if len(words) > 5 else expression
    if len(words) > 5 or cron_problem(shown):
        raise NoPlaceError(f"`{expression}` is no cron expression of five fields")
    return Cron.of(expression=shown, timezone=timezone)


def _made(made: Called, timezone: str) -> list[Trigger]:
    if made.name in ASSETS:
        return [OnData.of(assets=tuple(_uris(made)))]
    if made.name in COMBINED or made.path in COMBINED:
        return [_combined(made)]
    maker = TIMETABLES.get(made.name)
    if maker is None:
        raise NoPlaceError(f"`{made.name}` is code that only Airflow runs")
    return maker(made, timezone)


def _combined(made: Called) -> OnData:
    """Assets joined by `&` or `|`.

    Raises:
        NoPlaceError: Both are mixed.
    """
    word = COMBINED.get(made.name) or COMBINED[made.path]
    found: list[str] = []
    for part in made.args:
        if isinstance(part, Called) and (part.path in COMBINED or part.name in COMBINED):
            inner = _combined(part)
            if inner.require != word:
                raise NoPlaceError("it mixes `any` and `all` of assets")
            found += inner.assets
        else:
            found += _uris(part)
    return OnData.of(assets=tuple(found), require=word)


def _uris(value: Any) -> list[str]:
    """The URI of an asset.

    Raises:
        NoPlaceError: It is none, or not known.
    """
    uri = asset_uri(value)
    if uri is None:
        raise NoPlaceError("one of its assets is not known before the file runs")
    return [uri]


def asset_uri(value: Any) -> str | None:
    """The URI of an asset, or its name where it has none; None for anything else."""
    if isinstance(value, str):
        return value
    if isinstance(value, Called) and value.name in ASSETS:
        positional = value.args[1] if len(value.args) > 1 else None
        name = value.args[0] if value.args else value.named.get("name")
        found = value.named.get("uri", positional) or name
        return found if isinstance(found, str) else None
    return None


def _zone_argument(made: Called, position: int, default: str) -> str:
    given = made.named.get("timezone", made.args[position] if len(made.args) > position else None)
    if isinstance(given, str):
        return given
    return str(getattr(given, "key", "UTC")) if isinstance(given, dt.tzinfo) else default


def _cron_timetable(made: Called, timezone: str) -> list[Trigger]:
    text = made.named.get("cron", made.args[0] if made.args else None)
    if not isinstance(text, str):
        raise NoPlaceError("its cron expression is not known before the file runs")
    return [_cron(PRESETS.get(text, text), _zone_argument(made, 1, timezone))]


def _many_crons(made: Called, timezone: str) -> list[Trigger]:
    zone = _zone_argument(made, len(made.args), timezone)
    if not all(isinstance(text, str) for text in made.args):
        raise NoPlaceError("its cron expressions are not known before the file runs")
    return [_cron(PRESETS.get(text, text), zone) for text in made.args]


def _interval_timetable(made: Called, timezone: str) -> list[Trigger]:  # noqa: ARG001
    every = made.named.get("delta", made.args[0] if made.args else None)
    if not isinstance(every, dt.timedelta):
        raise NoPlaceError("its interval is not known before the file runs")
    return [Interval.of(every=every)]


def _assets_or_time(made: Called, timezone: str) -> list[Trigger]:
    assets = made.named.get("assets", made.named.get("datasets"))
    return [*_triggers(made.named.get("timetable"), timezone), *_triggers(assets, timezone)]


TIMETABLES: Mapping[str, Callable[[Called, str], list[Trigger]]] = {
    "CronTriggerTimetable": _cron_timetable,
    "CronDataIntervalTimetable": _cron_timetable,
    "MultipleCronTriggerTimetable": _many_crons,
    "DeltaTriggerTimetable": _interval_timetable,
    "DeltaDataIntervalTimetable": _interval_timetable,
    "AssetOrTimeSchedule": _assets_or_time,
    "DatasetOrTimeSchedule": _assets_or_time,
}
