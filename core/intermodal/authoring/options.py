"""Settings that users pass by keyword: each is checked at their line, and made what the IR holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from intermodal import ir
from intermodal.authoring import hints as type_hints
from intermodal.authoring.handles import Handle
from intermodal.authoring.spans import caller_span
from intermodal.findings import FindingsError, error
from intermodal.ir.node import parse_duration


class Setting(NamedTuple):
    """What a setting may be, in words, and how it becomes what the IR holds; ValueError if it cannot."""

    wanted: str
    convert: Callable[[Any], Any]


def _instance(kind: type[Any]) -> Callable[[Any], Any]:
    def convert(value: Any) -> Any:
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise ValueError
        return value

    return convert


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError  # noqa: TRY004
    value.encode(
        "utf-8"
    )  # half of a surrogate pair has no place in a file; the error is a ValueError
    return value


def _texts(value: Any) -> tuple[str, ...]:
    given = (value,) if isinstance(value, str) else value
    if not isinstance(given, Sequence):
        raise ValueError  # noqa: TRY004
    return tuple(map(_text, given))


def _text_map(value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise ValueError  # noqa: TRY004
    return {_text(key): _text(part) for key, part in value.items()}


def _positive(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError
    return value


def _retry(value: Any) -> ir.Retry:
    if isinstance(value, ir.Retry):
        return value
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError
    return ir.Retry(max=value)


def _notifications(value: Any) -> tuple[ir.Notification, ...]:
    given = (value,) if isinstance(value, ir.Notification) else value
    if not isinstance(given, (list, tuple)):
        raise ValueError  # noqa: TRY004
    if not all(isinstance(item, ir.Notification) for item in given):
        raise ValueError
    return tuple(given)


def _secrets(value: Any) -> tuple[ir.SecretVariable, ...]:
    if not isinstance(value, Mapping):
        raise ValueError  # noqa: TRY004
    for variable, secret in value.items():
        if not (isinstance(variable, str) and isinstance(secret, Handle)):
            raise ValueError  # noqa: TRY004
        if not isinstance(secret._expression, ir.SecretRef):
            raise ValueError  # noqa: TRY004
    return tuple(
        ir.SecretVariable.of(variable=variable, secret=secret._expression)
        for variable, secret in value.items()
    )


def _condition(value: Any) -> Any:
    if isinstance(value, ir.Node):
        return value
    if not isinstance(value, Handle):
        raise ValueError  # noqa: TRY004
    return value._expression


def _takes(value: Any) -> dict[str, ir.Type]:
    if not isinstance(value, Mapping):
        raise ValueError  # noqa: TRY004
    return {_text(name): _type(hint) for name, hint in value.items()}


def _returns(value: Any) -> type_hints.Returns:
    if isinstance(value, Mapping):
        return type_hints.Returns(_takes(value), "items")
    if isinstance(value, tuple) and len(value) == 2:
        return type_hints.Returns({_text(value[0]): _type(value[1])}, "none")
    try:
        return type_hints.returns_of({"return": value}, annotated=True)
    except type_hints.Unsupported as problem:
        raise ValueError(str(problem)) from None


def _type(hint: Any) -> ir.Type:
    try:
        return type_hints.type_of(hint)
    except type_hints.Unsupported as problem:
        raise ValueError(str(problem)) from None


TEXT = Setting("text", _text)
TEXTS = Setting("text, or a list of texts", _texts)
TEXT_MAP = Setting("a dict of text by text", _text_map)
FLAG = Setting("True or False", _instance(bool))
DURATION = Setting("a duration such as '20m'", parse_duration)
NOTIFICATIONS = Setting("Notification(...), or a list of them", _notifications)
COUNT = Setting("a whole number from 1", _positive)

TASK_SETTINGS: Mapping[str, Setting] = {
    "cache": Setting("Cache(...)", _instance(ir.Cache)),
    "display_name": TEXT,
    "docs": TEXT,
    "environment": TEXT_MAP,
    "join": Setting("a member of Join", _instance(ir.Join)),
    "guard": Setting("a condition, such as `rows > 0`", _condition),
    "labels": TEXT_MAP,
    "notifications": NOTIFICATIONS,
    "owners": TEXTS,
    "pool": TEXT,
    "pool_slots": COUNT,
    "priority": Setting("a whole number", _instance(int)),
    "reads": TEXTS,
    "resources": Setting("Resources(...)", _instance(ir.Resources)),
    "secrets": Setting("a dict of secret(...) by variable", _secrets),
    "returns": Setting("a type", _returns),
    "retry": Setting("Retry(...) or a number of retries", _retry),
    "takes": Setting("a dict of types by parameter", _takes),
    "timeout": DURATION,
    "writes": TEXTS,
}
PIPELINE_SETTINGS: Mapping[str, Setting] = {
    "name": TEXT,
    "description": TEXT,
    "owners": TEXTS,
    "labels": TEXT_MAP,
    "defaults": Setting("TaskDefaults(...)", _instance(ir.TaskDefaults)),
    "image": TEXT,
    "packages": TEXTS,
    "max_active_runs": COUNT,
    "max_active_tasks": COUNT,
    "tracking": Setting("Tracking(...)", _instance(ir.Tracking)),
    "notifications": NOTIFICATIONS,
}
DOCUMENTED: Mapping[str, Setting] = {"display_name": TEXT, "docs": TEXT}


def checked(settings: Mapping[str, Setting], given: Mapping[str, Any], who: str) -> dict[str, Any]:
    """The given settings as the IR holds them; those that are None are left out.

    Raises:
        FindingsError: If a name is unknown (PORT116) or a value does not fit (PORT118).
    """
    made: dict[str, Any] = {}
    findings = []
    for name, value in given.items():
        if name not in settings:
            what = f"{who} has no option `{name}`"
            known = f"options are {', '.join(settings)}"
            findings.append(error("PORT116", what, caller_span(), next=known))
        elif value is not None:
            try:
                made[name] = settings[name].convert(value)
            except ValueError as problem:
                what = f"`{name}` of {who} cannot be {_shown(value)}"
                advice = f"give {settings[name].wanted}"
                why = str(problem)
                findings.append(error("PORT118", what, caller_span(), why=why, next=advice))
    if findings:
        raise FindingsError(findings)
    return made


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
