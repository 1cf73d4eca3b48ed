"""Names of a module to be written: no two for different things, none that a user's function takes for another."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Container, Iterable
from dataclasses import dataclass, field

import intermodal
from intermodal_compilers.pyimports import Import
from intermodal_compilers.pysource import is_identifier
from intermodal_compilers.writing.library import Library

BUILTINS = frozenset(dir(builtins))
PUBLIC = frozenset({*intermodal.__all__, "ir", "timedelta"})
"""What the functions of pipelines may use without being asked for it."""

ABOVE = frozenset({"task", "pipeline", "Param", "worker_imports"})
"""Names of Intermodal's that no pipeline's function uses inside."""


@dataclass
class ModuleNames:
    """The names at the top of the module.

    Attributes:
        library: What users' functions bind and use there.
        own: Names of what the writer puts there.
        imports: What the writer imports.
        compares_constants: Whether something is compared with True, False or None by an operator.
        hidden: Names that parameters of the pipelines' functions hide.
    """

    library: Library
    own: set[str] = field(default_factory=set)
    imports: dict[Import, str] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    compares_constants: bool = False

    def need(self, module: str, name: str | None = None) -> str:
        """Import something; the name that it has here."""
        plain = Import(module, name)
        if plain not in self.imports:
            free = self._free(plain.bound, plain)
            self.imports[plain] = free
            self.own.add(free)
        return self.imports[plain]

    def ours(self, name: str) -> str:
        """A public name of Intermodal; the name that it has here."""
        return self.need("intermodal", name)

    def claim(self, wanted: str, otherwise: str) -> str:
        """A name for something that the writer defines: `wanted`, or `otherwise`, or that with a number."""
        known = self.library.meanings
        free = next_free([wanted, otherwise], PUBLIC, BUILTINS, known, self.own)
        self.own.add(free)
        return free

    def __contains__(self, name: object) -> bool:
        """Whether something at the top of the module, or of Intermodal's own, has the name."""
        return name in self.own or name in self.library.meanings or name in PUBLIC

    def import_items(self) -> list[Import]:
        """The writer's own imports and those of the users' functions, each once."""
        own = [
            Import(item.module, item.name, None if name == item.bound else name)
            for item, name in self.imports.items()
        ]
        return list(dict.fromkeys([*own, *self.library.imports]))

    def _free(self, name: str, item: Import) -> str:
        known = self.library.meanings
        hidden = name in self.hidden and name not in ABOVE
        if not hidden and name not in self.own and (name not in known or known[name] == item):
            return name
        return next_free([f"{name}_"], known, self.own, self.hidden)


def next_free(wanted: Iterable[str], *taken: Container[str]) -> str:
    """The first of these names that is not taken; the last one with a number if all are."""
    names = list(wanted)
    for name in names:
        if not any(name in known for known in taken):
            return name
    number, base = 2, names[-1].rstrip("_")
    while any(f"{base}_{number}" in known for known in taken):
        number += 1
    return f"{base}_{number}"


def variable(text: str) -> str:
    """A name of a variable made of any text."""
    made = re.sub(r"[^A-Za-z0-9_]+", "_", text).strip("_")
    made = re.sub(r"__+", "_", made)
    if not made or made[0].isdigit():
        made = f"_{made}" if made else "value"
    if made.isupper():
        made = made.lower()
    return made if is_identifier(made) and not keyword.issoftkeyword(made) else f"{made}_"
