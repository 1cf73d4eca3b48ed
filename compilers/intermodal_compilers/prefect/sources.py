"""Placing users' functions in one file: at the top where their names agree, else inside their task."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from intermodal.frozen import Frozen
from intermodal.ir import CapturedSource
from intermodal.margins import indented
from intermodal_compilers.pyimports import Import, import_lines, imports_of
from intermodal_compilers.pysource import INDENT


class Unit(Frozen):
    """A function with what it needs of its module.

    Attributes:
        name: The function's name.
        text: Its source.
        docs: Its docstring, cleaned.
        imports: What it imports at the top of its module.
        definitions: Other statements of its module, in order.
        binds: For each name that these bind at module level, the text that binds it.
        uses: Names that the function or the definitions use.
    """

    name: str
    text: str
    docs: str
    imports: tuple[Import, ...]
    definitions: tuple[str, ...]
    binds: Mapping[str, str]
    uses: frozenset[str]


@dataclass
class Placement:
    """Where units go.

    Attributes:
        imports: Imports for the top of the file.
        statements: Definitions and functions for the top of the file, in order, each once.
        top: Keys of the units that are there.
        shared: Names at the top that some other statement uses, so that they must stay plain.
    """

    imports: list[Import] = field(default_factory=list)
    statements: dict[str, None] = field(default_factory=dict)
    top: set[str] = field(default_factory=set)
    binds: dict[str, str] = field(default_factory=dict)
    shared: set[str] = field(default_factory=set)


def read_unit(function: str, source: CapturedSource) -> Unit:
    """Read a captured source.

    Raises:
        SyntaxError: If part of it is not Python.
        ValueError: If it does not hold the function, or has a relative or star import.
    """
    imports = tuple(
        item
        for text in source.imports
        for node in ast.parse(text).body
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for item in imports_of(node)
    )
    if any(item.name == "*" for item in imports):
        raise ValueError("a star import cannot be captured")
    binds: dict[str, str] = {item.bound: item.statement for item in imports}
    uses: set[str] = set()
    for text in source.definitions:
        tree = ast.parse(text)
        for name in _bound(tree):
            binds[name] = binds.get(name, "") + text
        uses |= set(_used(tree))
    tree = ast.parse(source.function)
    own = [node for node in tree.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    if len(own) != 1 or own[0].name != function:
        raise ValueError(f"the captured source does not hold `{function}`")
    text = source.function.rstrip() + "\n"
    binds[function] = text
    return Unit(
        name=function,
        text=text,
        docs=ast.get_docstring(own[0]) or "",
        imports=imports,
        definitions=tuple(definition.rstrip() + "\n" for definition in source.definitions),
        binds=binds,
        uses=frozenset(uses | set(_used(tree))),
    )


def place(
    units: Mapping[str, Unit], reserved: Iterable[str], own_imports: Callable[[str], str | None]
) -> Placement:
    """Put units at the top of the file as long as their names agree with those already there.

    Args:
        units: By key, in the order of the file.
        reserved: Names that the file itself uses.
        own_imports: The import statement by which the file itself may bind a name.
    """
    placement = Placement()
    forbidden = set(reserved) | set(dir(builtins))
    for key, unit in units.items():
        if not _agrees(unit, placement.binds, forbidden, own_imports):
            continue
        placement.top.add(key)
        placement.binds.update(unit.binds)
        placement.imports += unit.imports
        placement.statements.update(dict.fromkeys((*unit.definitions, unit.text)))
    for unit in units.values():
        placement.shared |= unit.uses
    return placement


def nested_lines(unit: Unit) -> tuple[str, ...]:
    """The lines of a unit, to stand inside the task that calls it; strings keep their content."""
    lines = [f"{INDENT}{line}" if line else "" for line in import_lines(unit.imports)]
    for text in (*unit.definitions, unit.text):
        lines += ([""] if lines else []) + indented(text.rstrip(), INDENT)
    return tuple(lines)


def _agrees(
    unit: Unit,
    binds: Mapping[str, str],
    forbidden: set[str],
    own_imports: Callable[[str], str | None],
) -> bool:
    for name, text in unit.binds.items():
        if binds.get(name, text) != text:
            return False
        own = own_imports(name)
        if own is not None and own != text:
            return False
        if name in forbidden and own is None:
            return False
    return True


def _bound(tree: ast.Module) -> Iterator[str]:
    """Names that top-level statements bind; a change of an item or attribute counts for its base."""
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name
            continue
        names: dict[str, None] = {}
        for part in ast.walk(node):
            if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
                names[part.id] = None
        yield from names


def _used(tree: ast.Module) -> Iterator[str]:
    for part in ast.walk(tree):
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Load):
            yield part.id
