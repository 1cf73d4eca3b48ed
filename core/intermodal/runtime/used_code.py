"""What a function's result depends on in its own file: its source, and what that uses there.

The same on every target: it makes no difference whether the function is imported, or was embedded with
what it uses in a file that a compiler wrote.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import json
import linecache
import symtable
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from types import CodeType
from typing import Any

from intermodal.margins import dedented

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
IMPORTS = (ast.Import, ast.ImportFrom)


def used_code_hash(function: Callable[..., Any]) -> str:
    """SHA-256 of a function's source and of the definitions and constants of its file that it uses.

    Imported modules do not count, nor do decorators. Empty if there is no source.
    """
    code = getattr(inspect.unwrap(function), "__code__", None)
    return _hash_of(code, code.co_filename) if isinstance(code, CodeType) else ""


@lru_cache(maxsize=1024)
def _hash_of(code: CodeType, file: str) -> str:
    # Equal code in two files is one key without the file: it may use different things there.
    lines = linecache.getlines(file)
    if not lines:
        return ""
    try:
        path = _path_to(_parsed("".join(lines)), code)
    except (SyntaxError, ValueError):
        return ""
    if not path:
        return ""
    own = path[-1]
    scopes = [node.body for node in reversed(path[:-1])]
    used = {_text(node, lines) for node in _used_by(own, scopes, lines)}
    text = json.dumps([_text(own, lines), sorted(used)])
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@lru_cache(maxsize=16)
def _parsed(text: str) -> ast.Module:
    return ast.parse(text)


def _path_to(tree: ast.Module, code: CodeType) -> list[Any]:
    """The module, the functions and classes around a function, and itself; nothing if it is not there."""
    path: list[Any] = [tree]
    while True:
        inside = next(
            (node for node in _definitions(path[-1].body) if _holds(node, code.co_firstlineno)),
            None,
        )
        if inside is None:
            return []
        path.append(inside)
        if inside.name == code.co_name and _first_line(inside) == code.co_firstlineno:
            return path


def _definitions(body: Iterable[ast.AST]) -> Iterator[Definition]:
    """Functions and classes of a scope, those in its blocks included."""
    for node in body:
        if isinstance(node, DEFINITIONS):
            yield node
        else:
            yield from _definitions(ast.iter_child_nodes(node))


def _first_line(node: Definition) -> int:
    return min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])


def _holds(node: Definition, line: int) -> bool:
    return _first_line(node) <= line <= (node.end_lineno or node.lineno)


def _used_by(own: ast.stmt, scopes: list[list[ast.stmt]], lines: list[str]) -> list[ast.stmt]:
    """The statements of the scopes around that a definition uses, directly or through others."""
    found: list[ast.stmt] = []
    pending, seen = list(_needs(own, lines)), set()
    while pending:
        name = pending.pop()
        if name in seen:
            continue
        seen.add(name)
        for node in _binding(name, scopes):
            if node is not own and node not in found:
                found.append(node)
                pending.extend(_needs(node, lines))
    return found


def _binding(name: str, scopes: list[list[ast.stmt]]) -> list[ast.stmt]:
    """The statements that make a name, in the nearest scope that has it; none for an import."""
    for scope in scopes:
        if any(name in _imported(node) for node in scope):
            return []
        if makers := [node for node in scope if name in _bound(node)]:
            return makers
    return []


def _imported(node: ast.stmt) -> set[str]:
    """Names that imports of a statement bind, those in a block included."""
    if isinstance(node, DEFINITIONS):
        return set()
    return {
        (alias.asname or alias.name).partition(".")[0]
        for part in ast.walk(node)
        if isinstance(part, IMPORTS)
        for alias in part.names
    }


def _bound(node: ast.stmt) -> set[str]:
    """Names that a statement binds, or whose items and attributes it sets."""
    if isinstance(node, DEFINITIONS):
        return {node.name}
    if isinstance(node, (ast.Return, *IMPORTS)):
        return set()
    found: set[str] = set()
    for part in ast.walk(node):
        if isinstance(part, DEFINITIONS):
            found.add(part.name)
        target: Any = part
        while isinstance(target, (ast.Subscript, ast.Attribute)):
            target = target.value
        if isinstance(getattr(part, "ctx", None), ast.Store) and isinstance(target, ast.Name):
            found.add(target.id)
    return found


def _needs(node: ast.stmt, lines: list[str]) -> set[str]:
    """Names that a statement takes from around it."""
    if not isinstance(node, DEFINITIONS):
        return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
    table = symtable.symtable(_text(node, lines), "", "exec")
    return {name for child in table.get_children() for name in _globals_in(child)}


def _globals_in(table: symtable.SymbolTable) -> Iterator[str]:
    yield from (symbol.get_name() for symbol in table.get_symbols() if symbol.is_global())
    for child in table.get_children():
        yield from _globals_in(child)


def _text(node: ast.stmt, lines: list[str]) -> str:
    """A statement's source at the left margin, without decorators."""
    return dedented("".join(lines[node.lineno - 1 : node.end_lineno])).rstrip()
