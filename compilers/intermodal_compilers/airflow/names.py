"""Python names for tasks and functions: made the same way every time, and never twice."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Iterable

from intermodal_compilers.airflow.dialects import IMPORTS_2, IMPORTS_3, STANDARD_IMPORTS
from intermodal_compilers.airflow.helpers import NEEDS

LONGEST = 28

# What the file itself may define, apart from what it imports.
HELPERS = frozenset({*NEEDS, "runtime"})
OWN = frozenset({*IMPORTS_2, *IMPORTS_3, *STANDARD_IMPORTS, *HELPERS})


class Names:
    """The names in use in one scope."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = {*OWN, *dir(builtins), *taken}
        self._next: dict[str, int] = {}

    def is_free(self, name: str) -> bool:
        """Whether a name is in use nowhere."""
        return name not in self._taken

    def claim(self, wanted: str, suffix: str = "") -> str:
        """`wanted` as an identifier; if that is taken, with `suffix`, or else with a number."""
        name = identifier(wanted)
        if name in self._taken and suffix:
            name += suffix
        if name in self._taken:
            name = self._numbered(name)
        self._taken.add(name)
        return name

    def _numbered(self, base: str) -> str:
        number = self._next.get(base, 2)
        while f"{base}_{number}" in self._taken:
            number += 1
        self._next[base] = number + 1
        return f"{base}_{number}"


def identifier(text: str) -> str:
    """The nearest Python name, of at most 28 characters, so that its calls fit a line."""
    name = re.sub(r"\W", "_", text, flags=re.ASCII)[:LONGEST]
    if not name or name[0].isdigit() or keyword.iskeyword(name):
        name = f"{name}_" if keyword.iskeyword(name) else f"_{name}"
    return name
