"""Renaming names of a module in a statement's text; the rest of the text stays as it is."""

from __future__ import annotations

import ast
import re
import symtable
from collections.abc import Iterator, Mapping


def renamed(text: str, names: Mapping[str, str]) -> str | None:
    """The text with other names for names of its module.

    None where that is not safe: a name is also one of something inside a function or a class, or stands
    in a `global` statement, an f-string or a quoted annotation.
    """
    tree = ast.parse(text)
    if any(name in names for name in _bound_inside(symtable.symtable(text, "", "exec"))):
        return None
    if any(_is_opaque(node, names) for node in ast.walk(tree)):
        return None
    lines = text.encode("utf-8").splitlines(keepends=True)
    for line, column, name in sorted(_places(tree, lines, names), reverse=True):
        old = lines[line]
        lines[line] = old[:column] + names[name].encode() + old[column + len(name.encode()) :]
    return b"".join(lines).decode("utf-8")


def _bound_inside(table: symtable.SymbolTable) -> Iterator[str]:
    """Names that functions and classes bind for themselves."""
    for child in table.get_children():
        for symbol in child.get_symbols():
            if symbol.is_assigned() or symbol.is_parameter() or symbol.is_imported():
                yield symbol.get_name()
        yield from _bound_inside(child)


def _is_opaque(node: ast.AST, names: Mapping[str, str]) -> bool:
    if isinstance(node, (ast.Global, ast.Nonlocal)):
        return any(name in names for name in node.names)
    if isinstance(node, ast.JoinedStr):  # positions inside f-strings are wrong before Python 3.12
        return any(isinstance(part, ast.Name) and part.id in names for part in ast.walk(node))
    annotation = getattr(node, "annotation", None) or getattr(node, "returns", None)
    texts = ast.walk(annotation) if isinstance(annotation, ast.AST) else ()
    quoted = (part.value for part in texts if isinstance(part, ast.Constant))
    return any(
        isinstance(text, str) and set(re.findall(r"\w+", text)) & set(names) for text in quoted
    )


def _places(
    tree: ast.Module, lines: list[bytes], names: Mapping[str, str]
) -> Iterator[tuple[int, int, str]]:
    """Line (from 0), column in bytes and name of every occurrence."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in names:
            yield node.lineno - 1, node.col_offset, node.id
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            continue
        if node.name in names:
            line = node.lineno - 1
            words = b"class " if isinstance(node, ast.ClassDef) else b"def "
            start = lines[line].index(words, node.col_offset) + len(words)
            yield line, lines[line].index(node.name.encode(), start), node.name
