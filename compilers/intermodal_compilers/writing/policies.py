"""Options of tasks and pipelines: what `@task(...)`, `.with_options(...)` and `@pipeline(...)` are given."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from intermodal import ir
from intermodal.frozen import defaults_of
from intermodal_compilers.pysource import Call, Expr, Lines, Name, Value, call, dict_of, list_of
from intermodal_compilers.writing.names import ModuleNames

UNITS = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))
FIRST_BY_PLACE = {"Retry": 1, "Notification": 2, "Cron": 1, "Interval": 1, "OnEvent": 1}
"""How many of the fields are given by position."""


def duration(value: timedelta) -> Expr:
    """`"1h30m"`, or ISO 8601 where that says too little."""
    seconds, text = value.total_seconds(), ""
    for unit, size in UNITS:
        count, seconds = divmod(seconds, size)
        text += f"{int(count)}{unit}" if count else ""
    return Value(text if text and not seconds else ir.format_duration(value))


def made(node: ir.Node, names: ModuleNames) -> Call:
    """A policy as users write it: `Retry(2, delay="30s")`."""
    kind = type(node).__name__
    known = defaults_of(type(node))
    placed = [name for name in known if name not in ("span", "kind")][: FIRST_BY_PLACE.get(kind, 0)]
    keywords = {
        name: _field(getattr(node, name), names)
        for name, default in known.items()
        if name not in ("span", "kind", *placed) and getattr(node, name) != default
    }
    args = tuple(_field(getattr(node, name), names) for name in placed)
    return Call(Name(names.ours(kind)), args, keywords)


def task_options(task: ir.Task, names: ModuleNames, docs: str | None) -> dict[str, Expr]:
    """What a task sets, by option, apart from its id, its edges and its guard.

    Args:
        task: The task.
        names: Names of the module.
        docs: What its function says of itself; None where it has none.
    """
    options: dict[str, Expr] = {}
    if task.display_name:
        options["display_name"] = Value(task.display_name)
    if task.docs and inspect.cleandoc(task.docs) != docs:
        options["docs"] = Lines(task.docs, whole=True)
    if task.join is not ir.Join.ALL_SUCCESS:
        options["join"] = Name(f"{names.ours('Join')}.{task.join.name}")
    if task.retry is not None:
        options["retry"] = retry(task.retry, names)
    if task.timeout is not None:
        options["timeout"] = duration(task.timeout)
    for name in ("cache", "resources"):
        if getattr(task, name) is not None:
            options[name] = made(getattr(task, name), names)
    if task.pool is not None:
        options["pool"] = Value(task.pool)
    if task.pool_slots != 1:
        options["pool_slots"] = Value(task.pool_slots)
    if task.priority is not None:
        options["priority"] = Value(task.priority)
    if task.environment:
        options["environment"] = Value(dict(task.environment))
    if task.secrets:
        pairs = {each.variable: secret(each.secret, names) for each in task.secrets}
        options["secrets"] = dict_of(pairs)
    return {**options, **_described(task, names)}


def _described(task: ir.Task, names: ModuleNames) -> dict[str, Expr]:
    options: dict[str, Expr] = {}
    if task.notifications:
        options["notifications"] = notifications(task.notifications, names)
    for name in ("owners", "reads", "writes"):
        if getattr(task, name):
            options[name] = texts(getattr(task, name))
    if task.labels:
        options["labels"] = Value(dict(task.labels))
    return options


def retry(given: ir.Retry, names: ModuleNames) -> Expr:
    """`Retry(...)`, or a number where it says no more."""
    plain = given == ir.Retry.of(max=given.max, span=given.span)
    return Value(given.max) if plain else made(given, names)


def secret(given: ir.SecretRef, names: ModuleNames) -> Expr:
    """`secret("warehouse", "password")`."""
    key = () if given.key is None else (Value(given.key),)
    return call(names.ours("secret"), Value(given.name), *key)


def notifications(given: tuple[ir.Notification, ...], names: ModuleNames) -> Expr:
    """One of them, or a list."""
    policies = [made(each, names) for each in given]
    return policies[0] if len(policies) == 1 else list_of(policies)


def texts(given: tuple[str, ...]) -> Expr:
    """A list of texts."""
    return list_of(Value(each) for each in given)


def pipeline_options(pipeline: ir.Pipeline, names: ModuleNames) -> dict[str, Expr]:
    """What `@pipeline` is given, apart from the name and the description."""
    options: dict[str, Expr] = {}
    if pipeline.schedule is not None:
        options["schedule"] = schedule(pipeline.schedule, names)
    if pipeline.owners:
        options["owners"] = texts(pipeline.owners)
    if pipeline.labels:
        options["labels"] = Value(dict(pipeline.labels))
    if pipeline.defaults != ir.TaskDefaults.of(span=pipeline.defaults.span):
        options["defaults"] = _defaults(pipeline.defaults, names)
    if pipeline.environment.image is not None:
        options["image"] = Value(pipeline.environment.image)
    if pipeline.environment.packages:
        options["packages"] = texts(pipeline.environment.packages)
    for name in ("max_active_runs", "max_active_tasks"):
        if getattr(pipeline.concurrency, name) is not None:
            options[name] = Value(getattr(pipeline.concurrency, name))
    if pipeline.tracking != ir.Tracking.of(span=pipeline.tracking.span):
        options["tracking"] = made(pipeline.tracking, names)
    if pipeline.notifications:
        options["notifications"] = notifications(pipeline.notifications, names)
    return options


def schedule(given: ir.Schedule, names: ModuleNames) -> Expr:
    """A trigger, a list of them, or `Schedule(...)` where it says more."""
    triggers = tuple(_trigger(each, names) for each in given.triggers)
    keywords: dict[str, Expr] = {}
    for name in ("start", "end"):
        moment = getattr(given, name)
        if moment is not None:
            keywords[name] = Value(timestamp(moment))
    if given.catch_up:
        keywords["catch_up"] = Value(True)
    if given.jitter is not None:
        keywords["jitter"] = duration(given.jitter)
    if keywords:
        return Call(Name(names.ours("Schedule")), triggers, keywords)
    return triggers[0] if len(triggers) == 1 else list_of(triggers)


def timestamp(moment: datetime) -> str:
    """ISO 8601 text; in UTC where the offset is no whole minutes, which not every reader takes."""
    offset = moment.utcoffset() or timedelta(0)
    if not offset or offset.total_seconds() % 60:
        return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return moment.isoformat()


def _trigger(given: ir.Trigger, names: ModuleNames) -> Expr:
    if not isinstance(given, ir.OnData):
        return made(given, names)
    keywords: Mapping[str, Expr] = {} if given.require == "all" else {"require": Value("any")}
    return Call(Name(names.ours("OnData")), tuple(Value(uri) for uri in given.assets), keywords)


def _defaults(given: ir.TaskDefaults, names: ModuleNames) -> Expr:
    policy = made(given.model_copy(update={"retry": None}), names)
    if given.retry is None:
        return policy
    return Call(policy.function, (), {"retry": retry(given.retry, names), **policy.keywords})


def _field(value: Any, names: ModuleNames) -> Expr:
    if isinstance(value, ir.Node):
        return made(value, names)
    if isinstance(value, timedelta):
        return duration(value)
    if isinstance(value, float) and value.is_integer():
        return Value(int(value))
    if isinstance(value, Mapping):
        return Value(dict(value))
    return Value(value)
