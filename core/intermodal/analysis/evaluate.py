"""The value of an expression: pure, and total over all expressions but those of other ecosystems."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import singledispatch
from typing import Any, Protocol

from intermodal.dataversions.marker import Wanted, marker_of
from intermodal.ir import (
    Compare,
    DataVersion,
    DateFormat,
    DateShift,
    Default,
    Expression,
    Format,
    Index,
    InputRef,
    ItemRef,
    ListOf,
    Literal_,
    Logic,
    MapOf,
    OutputRef,
    ParameterRef,
    PathRef,
    RunFact,
    SecretRef,
    SourceExpression,
    TaskState,
)


class Missing:
    """What stands for an output that does not exist: its task was skipped, or failed."""

    def __repr__(self) -> str:
        return "MISSING"

    def __bool__(self) -> bool:
        return False


MISSING = Missing()


class EvaluationError(Exception):
    """Why an expression has no value, in words for the user."""


class Scope(Protocol):
    """What the names in an expression stand for. JSON values, or MISSING."""

    def parameter(self, name: str) -> Any:
        """A parameter of the pipeline."""

    def output(self, node: str, output: str) -> Any:
        """An output of a task or region; a reference where it is an artifact."""

    def item(self, loop: str) -> Any:
        """The item of a loop."""

    def fact(self, fact: str) -> Any:
        """What the engine knows of the run."""

    def state(self, node: str) -> str:
        """The final state of a task."""

    def secret(self, name: str, key: str | None) -> Any:
        """What stands for a secret."""

    def input(self, name: str) -> Any:
        """An input of the task whose action holds the expression."""

    def path(self, direction: str, name: str) -> str:
        """The path of an input or output of that task."""

    def fetch(self, value: Any) -> Any:
        """The value in place of a reference, where something has to look inside."""

    def join_secret(self, parts: list[Any]) -> Any | None:
        """What stands for a text with secrets among its parts; None if there are none."""


def evaluate(expression: Expression, scope: Scope) -> Any:
    """The JSON value of an expression; null where an output is missing.

    Raises:
        EvaluationError: It has none.
    """
    value = _value(expression, scope)
    return None if value is MISSING else value


def truth(expression: Expression, scope: Scope) -> bool:
    """Whether a condition holds, as Python sees the value.

    Raises:
        EvaluationError: It has no value.
    """
    return bool(_fetched(expression, scope))


@singledispatch
def _value(expression: Expression, scope: Scope) -> Any:  # noqa: ARG001
    raise EvaluationError(f"{type(expression).__name__} is no expression that can be evaluated")


@_value.register
def _(expression: Literal_, scope: Scope) -> Any:  # noqa: ARG001
    return expression.value


@_value.register
def _(expression: ParameterRef, scope: Scope) -> Any:
    return scope.parameter(expression.name)


@_value.register
def _(expression: OutputRef, scope: Scope) -> Any:
    return scope.output(expression.node, expression.output)


@_value.register
def _(expression: ItemRef, scope: Scope) -> Any:
    return scope.item(expression.loop)


@_value.register
def _(expression: RunFact, scope: Scope) -> Any:
    return scope.fact(expression.fact)


@_value.register
def _(expression: TaskState, scope: Scope) -> Any:
    return scope.state(expression.node)


@_value.register
def _(expression: SecretRef, scope: Scope) -> Any:
    return scope.secret(expression.name, expression.key)


@_value.register
def _(expression: DataVersion, scope: Scope) -> Any:  # noqa: ARG001
    wanted = Wanted(expression.uri, expression.version, expression.digest, expression.remote)
    return marker_of(wanted)


@_value.register
def _(expression: PathRef, scope: Scope) -> Any:
    return scope.path(expression.direction, expression.name)


@_value.register
def _(expression: InputRef, scope: Scope) -> Any:
    return scope.input(expression.name)


@_value.register
def _(expression: Format, scope: Scope) -> Any:
    values = [_fetched(part, scope) for part in expression.parts]
    secret = scope.join_secret(values)
    return "".join(as_text(value) for value in values) if secret is None else secret


@_value.register
def _(expression: Compare, scope: Scope) -> bool:
    left, right = _fetched(expression.left, scope), _fetched(expression.right, scope)
    left, right = _as_times(left, right)
    try:
        return COMPARISONS[expression.operator](left, right)
    except TypeError as problem:
        raise EvaluationError(
            f"cannot compare {_shown(left)} {expression.operator} {_shown(right)}"
        ) from problem


@_value.register
def _(expression: Logic, scope: Scope) -> bool:
    if expression.operator == "not":
        return not truth(expression.operands[0], scope)
    combine = all if expression.operator == "and" else any
    return combine(truth(operand, scope) for operand in expression.operands)


@_value.register
def _(expression: Index, scope: Scope) -> Any:
    base, key = _value(expression.base, scope), _fetched(expression.key, scope)
    if base is MISSING:
        return MISSING
    base = scope.fetch(base)
    if isinstance(base, Mapping) and isinstance(key, str):
        if key in base:
            return base[key]
        raise EvaluationError(f"there is no {key!r} in {_shown(base)}")
    if isinstance(base, list) and isinstance(key, int) and not isinstance(key, bool):
        if -len(base) <= key < len(base):
            return base[key]
        raise EvaluationError(f"there is no item {key} in a list of {len(base)}")
    raise EvaluationError(f"{_shown(base)} cannot be indexed with {_shown(key)}")


@_value.register
def _(expression: DateShift, scope: Scope) -> str:
    base = _time(_fetched(expression.base, scope))
    shifted = base - expression.by if expression.backwards else base + expression.by
    return shifted.isoformat()


@_value.register
def _(expression: DateFormat, scope: Scope) -> str:
    return _time(_fetched(expression.base, scope)).strftime(expression.pattern)


@_value.register
def _(expression: Default, scope: Scope) -> Any:
    value = _value(expression.value, scope)
    return _value(expression.fallback, scope) if value is MISSING or value is None else value


@_value.register
def _(expression: ListOf, scope: Scope) -> list[Any]:
    return [evaluate(item, scope) for item in expression.items]


@_value.register
def _(expression: MapOf, scope: Scope) -> dict[str, Any]:
    return {key: evaluate(value, scope) for key, value in expression.entries.items()}


@_value.register
def _(expression: SourceExpression, scope: Scope) -> Any:  # noqa: ARG001
    raise EvaluationError(f"only {expression.ecosystem} can evaluate `{expression.text}`")


def _contains(item: Any, container: Any) -> bool:
    return item in container


COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": lambda left, right: bool(left == right),
    "!=": lambda left, right: bool(left != right),
    "<": lambda left, right: bool(left < right),
    "<=": lambda left, right: bool(left <= right),
    ">": lambda left, right: bool(left > right),
    ">=": lambda left, right: bool(left >= right),
    "in": _contains,
    "not in": lambda left, right: not _contains(left, right),
}


def as_text(value: Any) -> str:
    """Text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def _fetched(expression: Expression, scope: Scope) -> Any:
    value = _value(expression, scope)
    return None if value is MISSING else scope.fetch(value)


def _as_times(left: Any, right: Any) -> tuple[Any, Any]:
    """Two timestamps as points in time: the same one can be written with different offsets."""
    if not (isinstance(left, str) and isinstance(right, str)):
        return left, right
    try:
        times = datetime.fromisoformat(left), datetime.fromisoformat(right)
    except ValueError:
        return left, right
    return times if all(time.tzinfo for time in times) else (left, right)


def _time(value: Any) -> datetime:
    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError) as problem:
        raise EvaluationError(f"{_shown(value)} is no timestamp in ISO 8601") from problem


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
