"""Picking from the preludes the functions that a flow file needs, with what they need in turn."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

from intermodal.frozen import Frozen
from intermodal_compilers.pyimports import Import, imports_of

WORK, CONTROL = "prelude.py", "control_prelude.py"


class Part(Frozen):
    """One definition of a prelude: its text, and the names of the module that it uses."""

    text: str
    needs: frozenset[str]


class Prelude(Frozen):
    """The preludes' definitions by name, in their order, and their imports by the name they bind."""

    parts: dict[str, Part]
    imports: dict[str, Import]


@cache
def prelude() -> Prelude:
    """Read the preludes once: they are constants of this package."""
    parts: dict[str, Part] = {}
    imports: dict[str, Import] = {}
    for name in (WORK, CONTROL):
        found = _read(name)
        parts.update(found.parts)
        imports.update(found.imports)
    return Prelude(parts, imports)


@cache
def names(*, control: bool) -> frozenset[str]:
    """Names that a file of ours may have at its top, with or without control flow."""
    if not control:
        return frozenset(_read(WORK).parts)
    found = prelude()
    return frozenset(found.parts) | frozenset(_read(CONTROL).imports)


@cache
def names_in_flow() -> frozenset[str]:
    """Names that the flow function itself may use for control flow."""
    return frozenset(_read(CONTROL).parts) | {"task_run", "timedelta"}


@cache
def _read(name: str) -> Prelude:
    text = files(__package__).joinpath(name).read_text(encoding="utf-8")
    tree = ast.parse(text)
    lines = text.splitlines()
    parts: dict[str, Part] = {}
    imports: dict[str, Import] = {}
    for node in tree.body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            imports.update({item.bound: item for item in imports_of(node)})
            continue
        bound = _bound(node)
        if bound:
            used = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
            source = "\n".join(lines[_first_line(node) - 1 : node.end_lineno])
            parts[bound] = Part(source, frozenset(used - {bound}))
    return Prelude(parts, imports)


def closure(wanted: Iterable[str]) -> tuple[list[Part], list[Import]]:
    """The wanted parts and those they use, in the preludes' order, and the imports of all.

    Raises:
        KeyError: If a wanted name is in no prelude.
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


def _first_line(node: ast.stmt) -> int:
    """Where a definition begins, its decorators included."""
    decorators = getattr(node, "decorator_list", [])
    return min(node.lineno, *(int(decorator.lineno) for decorator in decorators), node.lineno)


def _bound(node: ast.stmt) -> str:
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return node.name
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id
    return ""
