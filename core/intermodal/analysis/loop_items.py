"""What a loop goes over: the items that lists and maps give, alone or together."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from intermodal.ir import ForEach, Literal_


def literal_items(loop: ForEach) -> list[Any] | None:
    """The items, if they are written in the pipeline."""
    lists: list[list[Any]] = []
    for part in loop.items.lists:
        items = as_items(part.value) if isinstance(part, Literal_) else None
        if items is None:
            return None
        lists.append(items)
    return combined(loop, lists)


def as_items(value: Any) -> list[Any] | None:
    """The items of a list, or the pairs of a map's names and values; None of anything else."""
    if isinstance(value, Mapping):
        return [[name, item] for name, item in value.items()]
    return list(value) if isinstance(value, list | tuple) else None


def combined(loop: ForEach, lists: Sequence[list[Any]]) -> list[Any]:
    """The items of a loop over one list, or the product or zip of several: then lists of items."""
    match loop.items.combine:
        case "single":
            return lists[0]
        case "product":
            return [list(item) for item in itertools.product(*lists)]
        case "zip":
            return [list(item) for item in zip(*lists, strict=False)]
