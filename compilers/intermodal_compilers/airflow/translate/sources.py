"""Reading source expressions: what plain Python of a DAG file stands for, found without running it."""

from __future__ import annotations

import ast
import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import field
from functools import lru_cache
from types import NoneType
from typing import Any

from intermodal.frozen import Frozen
from intermodal.ir import Expression, ListOf, Literal_, MapOf, SourceExpression


class Called(Frozen):
    """A call of something that is no plain value: `Param(3, type="integer")`; `path` is its full path."""

    path: str
    args: tuple[Any, ...] = ()
    named: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition(".")[2]


class Referred(Frozen):
    """A name that is not called: `WeightRule.ABSOLUTE`."""

    path: str

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition(".")[2]


class Unknown(Frozen):
    """What only running the file could tell."""


UNKNOWN = Unknown()
MISREAD = (ValueError, TypeError, KeyError, OverflowError, AttributeError)


def read(expression: Expression | None) -> Any:
    """The value of an expression: plain data with dates and durations, or one of the classes above."""
    match expression:
        case None:
            return None
        case Literal_(value=value):
            return value
        case ListOf(items=items):
            return [read(item) for item in items]
        case MapOf(entries=entries):
            return {name: read(item) for name, item in entries.items()}
        case SourceExpression():
            tree = parsed(expression.text)
            return UNKNOWN if tree is None else _Reader(expression).value(tree)
        case _:
            return UNKNOWN


def parsed(text: str) -> ast.expr | None:
    """The syntax of one expression; None where it is none."""
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError):
        return None


@lru_cache(maxsize=4096)
def statements(text: str) -> list[ast.stmt]:
    """The syntax of statements, not to be changed; none where it is no Python."""
    try:
        return ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError):
        return []


def imported(imports: tuple[str, ...]) -> dict[str, str]:
    """The full path that each name of these import statements stands for."""
    found: dict[str, str] = {}
    for node in (node for text in imports for node in statements(text)):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                found[alias.asname or alias.name] = f"{node.module}.{alias.name}"
        elif isinstance(node, ast.Import):
            for alias in node.names:
                root = alias.name.partition(".")[0]
                found[alias.asname or root] = alias.name if alias.asname else root
    return found


class _Reader:
    """Reads the syntax of one source expression."""

    def __init__(self, source: SourceExpression) -> None:
        self.names = imported(source.imports)
        self.assigned = {
            target.id: node.value
            for text in source.definitions
            for node in statements(text)
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }

    def value(self, node: ast.expr) -> Any:
        match node:
            case ast.Constant(value=value):
                return value
            case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
                return [self.value(item) for item in items]
            case ast.Dict(keys=keys, values=values):
                pairs = [
                    (self.value(k), self.value(v))
                    for k, v in zip(keys, values, strict=True)
                    if k is not None
                ]
                plain = all(isinstance(key, (str, int, float, NoneType)) for key, _ in pairs)
                return dict(pairs) if plain else UNKNOWN
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                inner = self.value(operand)
                return -inner if isinstance(inner, (int, float, dt.timedelta)) else UNKNOWN
            case ast.BinOp(left=left, op=operator, right=right):
                return self._binary(self.value(left), operator, self.value(right))
            case ast.Call():
                return self._call(node)
            case ast.Name() | ast.Attribute():
                return self._name(node)
            case _:
                return UNKNOWN

    def path(self, node: ast.expr) -> str:
        """The full path of a dotted name; empty where it is none."""
        if isinstance(node, ast.Name):
            return self.names.get(node.id, node.id)
        if isinstance(node, ast.Attribute):
            base = self.path(node.value)
            return f"{base}.{node.attr}" if base else ""
        return ""

    def _name(self, node: ast.Name | ast.Attribute) -> Any:
        if isinstance(node, ast.Name) and node.id in self.assigned:
            return self.value(self.assigned.pop(node.id))
        path = self.path(node)
        if path in UTC_NAMES:
            return dt.UTC
        return Referred(path) if path else UNKNOWN

    def _binary(self, left: Any, operator: ast.operator, right: Any) -> Any:
        if isinstance(operator, (ast.BitAnd, ast.BitOr)):
            return Called("&" if isinstance(operator, ast.BitAnd) else "|", (left, right))
        plain = (int, float, str, dt.timedelta, dt.datetime)
        combine = ARITHMETIC.get(type(operator))
        if combine is None or not (isinstance(left, plain) and isinstance(right, plain)):
            return UNKNOWN
        try:
            return combine(left, right)
        except (*MISREAD, ZeroDivisionError):
            return UNKNOWN

    def _call(self, node: ast.Call) -> Any:
        path = self.path(node.func)
        args = [self.value(arg) for arg in node.args]
        named = {k.arg: self.value(k.value) for k in node.keywords if k.arg is not None}
        maker = next((make for paths, make in MAKERS if path in paths), None)
        if maker is not None:
            try:
                return maker(*args, **named)
            except MISREAD:
                return UNKNOWN
        return Called(path, tuple(args), named) if path else UNKNOWN


def _zone(name: Any = "UTC") -> dt.tzinfo:
    from zoneinfo import ZoneInfo

    return dt.UTC if name in ("UTC", "utc") else ZoneInfo(name)


def _pendulum_date(*parts: Any, tz: Any = "UTC", **named: Any) -> dt.datetime:
    zone = tz if isinstance(tz, dt.tzinfo) else _zone(tz)
    return dt.datetime(*parts, **named, tzinfo=zone)  # type: ignore[misc]


def _duration(**named: Any) -> dt.timedelta:
    return dt.timedelta(**named)


def _at_utc(text: str) -> dt.datetime:
    found = dt.datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=dt.UTC)


ARITHMETIC: Mapping[type, Callable[[Any, Any], Any]] = {
    ast.Add: lambda left, right: left + right,
    ast.Sub: lambda left, right: left - right,
    ast.Mult: lambda left, right: left * right,
    ast.Div: lambda left, right: left / right,
}
UTC_NAMES = frozenset(
    {
        "datetime.UTC",
        "datetime.timezone.utc",
        "pendulum.UTC",
        "pendulum.utc",
        "pytz.utc",
        "pytz.UTC",
        "airflow.utils.timezone.utc",
        "airflow.sdk.timezone.utc",
    }
)
MAKERS: tuple[tuple[tuple[str, ...], Callable[..., Any]], ...] = (
    (("datetime.timedelta",), dt.timedelta),
    (("pendulum.duration", "dateutil.relativedelta.relativedelta"), _duration),
    (("datetime.datetime",), dt.datetime),
    (("datetime.time",), dt.time),
    (
        ("pendulum.datetime", "airflow.utils.timezone.datetime", "airflow.sdk.timezone.datetime"),
        _pendulum_date,
    ),
    (("pendulum.DateTime",), dt.datetime),
    (("datetime.datetime.fromisoformat",), dt.datetime.fromisoformat),
    (("datetime.datetime.strptime",), dt.datetime.strptime),
    (("pendulum.parse", "airflow.utils.timezone.parse", "airflow.sdk.timezone.parse"), _at_utc),
    (("pendulum.timezone", "pytz.timezone", "zoneinfo.ZoneInfo", "pendulum.Timezone"), _zone),
)
