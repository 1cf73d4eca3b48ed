"""Which values an expression hands on as they are."""

from __future__ import annotations

from collections.abc import Iterator

from intermodal.ir import Default, Expression, ItemRef, ListOf, MapOf, OutputRef


def whole_references(expression: Expression) -> Iterator[OutputRef | ItemRef]:
    """The references whose values are handed on as they are."""
    match expression:
        case OutputRef() | ItemRef():
            yield expression
        case ListOf(items=items):
            for item in items:
                yield from whole_references(item)
        case MapOf(entries=entries):
            for item in entries.values():
                yield from whole_references(item)
        case Default(value=value, fallback=fallback):
            yield from whole_references(value)
            yield from whole_references(fallback)
        case _:
            return
