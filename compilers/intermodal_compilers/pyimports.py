"""Import statements as values: reading them from source, and printing them in isort's order."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable

from intermodal.frozen import Frozen
from intermodal_compilers.pysource import INDENT, WIDTH


class Import(Frozen):
    """One imported name: `import module [as alias]` or `from module import name [as alias]`."""

    module: str
    name: str | None = None
    alias: str | None = None

    @property
    def bound(self) -> str:
        """The name that the statement binds."""
        return self.alias or self.name or self.module.split(".")[0]

    @property
    def statement(self) -> str:
        """The statement, alone on its line."""
        renamed = f" as {self.alias}" if self.alias else ""
        if self.name is None:
            return f"import {self.module}{renamed}"
        return f"from {self.module} import {self.name}{renamed}"


def imports_of(node: ast.Import | ast.ImportFrom) -> list[Import]:
    """The names that a statement imports, one by one. Relative imports are not taken.

    Raises:
        ValueError: If the import is relative.
    """
    if isinstance(node, ast.Import):
        return [Import(alias.name, None, _alias(alias)) for alias in node.names]
    if node.level or not node.module:
        raise ValueError(f"line {node.lineno}: a relative import has no meaning in one file")
    return [Import(node.module, alias.name, _alias(alias)) for alias in node.names]


def import_lines(imports: Iterable[Import]) -> list[str]:
    """Sorted lines, standard library first, plain imports before `from` imports, as ruff sorts them."""
    sections: tuple[list[Import], list[Import], list[Import]] = ([], [], [])
    for item in dict.fromkeys(imports):
        sections[_section(item)].append(item)
    lines: list[str] = []
    for section in sections:
        if section:
            lines += ([""] if lines else []) + _section_lines(section)
    return lines


def _alias(alias: ast.alias) -> str | None:
    return alias.asname


def _section(item: Import) -> int:
    top = item.module.split(".")[0]
    if top == "__future__":
        return 0
    return 1 if top in sys.stdlib_module_names else 2


def _section_lines(section: list[Import]) -> list[str]:
    plain = [item for item in section if item.name is None]
    plain.sort(key=lambda item: (_natural(item.module), _natural(item.alias or "")))
    lines = [item.statement for item in plain]
    by_module: dict[str, list[Import]] = {}
    for item in section:
        if item.name is not None:
            by_module.setdefault(item.module, []).append(item)
    for module in sorted(by_module, key=_natural):
        lines += _from_lines(module, by_module[module])
    return lines


def _from_lines(module: str, items: list[Import]) -> list[str]:
    """One statement for the names that keep their own, one each for those that are renamed."""
    statements: list[tuple[tuple[object, ...], list[str]]] = []
    together = sorted({item.name or "" for item in items if not item.alias}, key=_member)
    if together:
        statements.append((_member(together[0]), _joined(module, together)))
    statements += [(_member(item.name or ""), [item.statement]) for item in items if item.alias]
    statements.sort(key=lambda entry: (entry[0], entry[1]))
    return [line for _, lines in statements for line in lines]


def _joined(module: str, names: list[str]) -> list[str]:
    flat = f"from {module} import {', '.join(names)}"
    if len(flat) <= WIDTH:
        return [flat]
    return [f"from {module} import (", *(f"{INDENT}{name}," for name in names), ")"]


def _member(name: str) -> tuple[object, ...]:
    """Constants, then classes, then the rest, each in natural order."""
    kind = 0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2
    return (kind, *_natural(name))


def _natural(text: str) -> tuple[object, ...]:
    """A key that sorts `x10` after `x9`, whatever the case of letters."""
    parts = re.split(r"(\d+)", text.lower())
    return (*((0, int(part)) if part.isdigit() else (1, part) for part in parts), (1, text))
