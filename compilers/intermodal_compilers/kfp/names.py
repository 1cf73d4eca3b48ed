"""Names that KFP takes, made from any id: the same way every time and without collisions."""

from __future__ import annotations

import re
from collections.abc import Iterable

LONGEST_PIPELINE = 128
LONGEST_TASK = 100
LONGEST_KEY = 128

_NOT_DASHED = re.compile(r"[^a-z0-9]+")
_NOT_KEY = re.compile(r"[^A-Za-z0-9_-]+")
_KEY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")


def dashed(text: str, longest: int = LONGEST_TASK) -> str:
    """Lower case with dashes, as the SDK itself writes names: `load_data` becomes `load-data`."""
    return _NOT_DASHED.sub("-", text.lower()).strip("-")[:longest].strip("-") or "x"


def is_plain(text: str, name: str) -> bool:
    """Whether a name differs from its id no more than everybody expects: `_` for `-`, and case."""
    return text.lower().replace("_", "-") == name


def key(text: str) -> str:
    """A name for an input or output: as it is where KFP takes it."""
    if _KEY.fullmatch(text) and len(text) <= LONGEST_KEY:
        return text
    return _NOT_KEY.sub("_", text).lstrip("-")[:LONGEST_KEY] or "_"


class Names:
    """Hands out names that were not given before."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = set(taken)
        self._next: dict[str, int] = {}

    def take(self, name: str, separator: str = "-") -> str:
        """The name itself the first time, then with a number: `load`, `load-2`, `load-3`."""
        given, number = name, self._next.get(name, 2)
        while given in self._taken:
            given = f"{name}{separator}{number}"
            number += 1
        self._next[name] = number
        self._taken.add(given)
        return given
