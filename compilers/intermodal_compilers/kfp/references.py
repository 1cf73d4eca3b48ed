"""Which values an expression hands on as they are."""

from __future__ import annotations

from collections.abc import Iterator

from intermodal.analysis import graph
from intermodal.ir import Expression, ItemRef, OutputRef


def whole_references(expression: Expression) -> Iterator[OutputRef | ItemRef]:
    """The references whose values are handed on as they are."""
    for part in graph.handed_on(expression):
        if isinstance(part, OutputRef | ItemRef):
            yield part
