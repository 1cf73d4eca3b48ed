"""Picking from `prelude.py` the functions that a flow file needs, with what they need in turn."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from intermodal_compilers.prefect.imports import Import, imports_of


@dataclass(frozen=True)
class Part:
    """One definition of the prelude: its text, and the names of the module that it uses."""

    text: str
    needs: frozenset[str]


@dataclass(frozen=True)
class Prelude:
    """The prelude's definitions by name, in its order, and its imports by the name they bind."""

    parts: dict[str, Part]
    imports: dict[str, Import]


@cache
def prelude() -> Prelude:
    """Read the prelude once: it is a constant of this package."""
    text = files(__package__).joinpath("prelude.py").read_text(encoding="utf-8")
    tree = ast.parse(text)
    lines = text.splitlines()
    parts: dict[str, Part] = {}
    imports: dict[str, Import] = {}
    for node in tree.body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            imports.update({item.bound: item for item in imports_of(node)})
            continue
        name = _bound(node)
        if name:
            used = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
            source = "\n".join(lines[node.lineno - 1 : node.end_lineno])
            parts[name] = Part(source, frozenset(used - {name}))
    return Prelude(parts, imports)


def closure(wanted: Iterable[str]) -> tuple[list[Part], list[Import]]:
    """The wanted parts and those they use, in the prelude's order, and the imports of all.

    Raises:
        KeyError: If a wanted name is not in the prelude.
    """
    source = prelude()
    chosen: set[str] = set()
    pending = list(wanted)
    while pending:
        name = pending.pop()
        if name not in chosen:
            chosen.add(name)
            pending += [need for need in source.parts[name].needs if need in source.parts]
    parts = [part for name, part in source.parts.items() if name in chosen]
    needs = {need for part in parts for need in part.needs}
    return parts, [item for bound, item in source.imports.items() if bound in needs]


def _bound(node: ast.stmt) -> str:
    if isinstance(node, ast.FunctionDef):
        return node.name
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id
    return ""
