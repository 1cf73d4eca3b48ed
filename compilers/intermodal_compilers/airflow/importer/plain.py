"""What counts as plain data: what has a text, and can be told in full."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from pathlib import PurePath
from typing import Any

from intermodal_compilers.airflow.importer.sizes import CONTAINERS, is_bulky

PRINTABLE = (
    str,
    int,
    float,
    bool,
    type(None),
    datetime,
    date,
    time,
    timedelta,
    PurePath,
    list,
    dict,
    tuple,
)
KNOWN = (*PRINTABLE, bytes, frozenset, set, range, complex)


def holds_unknown(value: Any) -> bool:
    """Whether anything in a value is not plain, or there is too much of it to go through."""
    if not isinstance(value, CONTAINERS):
        return not isinstance(value, KNOWN)
    if is_bulky(value):
        return True
    pending: list[Any] = [value]
    while pending:
        one = pending.pop()
        for item in one.values() if isinstance(one, dict) else one:
            if isinstance(item, CONTAINERS):
                pending.append(item)
            elif not isinstance(item, KNOWN):
                return True
    return False
