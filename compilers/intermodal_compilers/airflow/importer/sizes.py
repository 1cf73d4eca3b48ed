"""How much a value holds: files can make values of a few names that have more items than can be gone through."""

from __future__ import annotations

from typing import Any

# Values of more items than this are not worked with.
MOST = 100_000
CONTAINERS = (list, tuple, dict, set, frozenset)


def is_bulky(value: Any, most: int = MOST) -> bool:
    """Whether a value has more than `most` items, those of the containers in it counted each time."""
    if not isinstance(value, CONTAINERS):
        return isinstance(value, str | bytes) and len(value) > 10 * most
    pending: list[Any] = [value]
    count = 0
    while pending:
        one = pending.pop()
        count += len(one) + 8
        if count > most:
            return True
        items = one.values() if isinstance(one, dict) else one
        pending.extend(item for item in items if isinstance(item, CONTAINERS))
        if isinstance(one, dict):
            pending.extend(key for key in one if isinstance(key, tuple | frozenset))
    return False
