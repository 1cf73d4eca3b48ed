"""Rebuilding expressions with what they refer to replaced."""

from __future__ import annotations

from collections.abc import Callable

from intermodal.ir import (
    Compare,
    DateFormat,
    DateShift,
    Default,
    Expression,
    Format,
    Index,
    ListOf,
    Logic,
    MapOf,
)

Change = Callable[[Expression], Expression]


def map_expression(expression: Expression, change: Change) -> Expression:
    """The expression with `change` applied to everything in it that is made of nothing else."""

    def inner(part: Expression) -> Expression:
        return map_expression(part, change)

    match expression:
        case Format(parts=parts):
            return Format.of(**_kept(expression), parts=tuple(map(inner, parts)))
        case Compare(left=left, right=right, operator=operator):
            sides = {"left": inner(left), "right": inner(right)}
            return Compare.of(**_kept(expression), operator=operator, **sides)
        case Logic(operands=operands, operator=operator):
            parts = tuple(map(inner, operands))
            return Logic.of(**_kept(expression), operator=operator, operands=parts)
        case Index(base=base, key=key):
            return Index.of(**_kept(expression), base=inner(base), key=inner(key))
        case DateShift(base=base, by=by, backwards=backwards):
            moved = inner(base)
            return DateShift.of(**_kept(expression), base=moved, by=by, backwards=backwards)
        case DateFormat(base=base, pattern=pattern):
            return DateFormat.of(**_kept(expression), base=inner(base), pattern=pattern)
        case Default(value=value, fallback=fallback):
            return Default.of(**_kept(expression), value=inner(value), fallback=inner(fallback))
        case ListOf(items=items):
            return ListOf.of(**_kept(expression), items=tuple(map(inner, items)))
        case MapOf(entries=entries):
            changed = {key: inner(value) for key, value in entries.items()}
            return MapOf.of(**_kept(expression), entries=changed)
        case _:
            return change(expression)


def _kept(expression: Expression) -> dict[str, object]:
    return {"op": expression.op, "span": expression.span}
