"""The source of a user's function or class with what it needs, taken from its file without running it."""

from __future__ import annotations

import ast
import builtins
import functools
import symtable
from collections.abc import Iterable, Iterator
from pathlib import Path

from intermodal.authoring.capture import ModuleSource, index_statements, needed_by
from intermodal.frozen import Frozen
from intermodal.margins import dedented
from intermodal_compilers.airflow.importer.model import FunctionSource
from intermodal_compilers.airflow.importer.naming import meaning

DECORATORS = (
    "task decorator",
    "dag decorator",
    "group decorator",
    "asset decorator",
    "setup",
    "teardown",
)


class Needs(Frozen):
    """Import statements and definitions, and the names for which there are none."""

    imports: tuple[str, ...] = ()
    definitions: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    def __add__(self, other: Needs) -> Needs:
        return Needs(
            tuple(dict.fromkeys((*self.imports, *other.imports))),
            tuple(dict.fromkeys((*self.definitions, *other.definitions))),
            tuple(dict.fromkeys((*self.missing, *other.missing))),
        )


def needs_of(
    module: ModuleSource, names: Iterable[str], made: frozenset[str], own: int = -1
) -> Needs:
    """What makes names of a module; those of `made` hold tasks and cannot come along."""
    wanted = set(names)
    imports, statements = needed_by(module, wanted, own)
    known = {*module.imports, *module.statements, *vars(builtins), "__name__", "__file__"}
    needed = wanted.union(*(statement.needs for statement in statements))
    missing = sorted(wanted - known) + sorted((needed & made) - {""})
    return Needs(
        tuple(dict.fromkeys(item.text for item in imports)),
        tuple(undecorated(statement.text, module) for statement in statements),
        tuple(dict.fromkeys(missing)),
    )


def free_names(text: str) -> frozenset[str]:
    """Names that a text of Python takes from around it."""
    try:
        return _globals(symtable.symtable(text, "text", "exec"), top=True)
    except (SyntaxError, ValueError, RecursionError):
        return frozenset()


def _globals(table: symtable.SymbolTable, *, top: bool = False) -> frozenset[str]:
    found: set[str] = set()
    own = {s.get_name() for s in table.get_symbols() if top and s.is_assigned()}
    for symbol in table.get_symbols():
        if (top and symbol.is_referenced()) or (not top and symbol.is_global()):
            found.add(symbol.get_name())
    for child in table.get_children():
        found |= _globals(child)
        if top:
            own.add(child.get_name())
    return frozenset(found - own)


def text_of(function: FunctionSource, module: ModuleSource | None = None) -> str:
    """A function's or class's own text at the left margin, without Airflow's decorators."""
    found = _read(function.file)
    node = found and found[2].get(function.span.line or 0)
    if not found or node is None:
        return ""
    first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
    lines = found[0].splitlines(keepends=True)[first - 1 : node.end_lineno]
    return undecorated(dedented("".join(lines)).rstrip() + "\n", module)


Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@functools.lru_cache(maxsize=64)
def _read(file: str) -> tuple[str, ast.Module, dict[int, Definition]] | None:
    """A file's text, its syntax, and its definitions by line."""
    try:
        text = Path(file).read_text(encoding="utf-8")
        tree = ast.parse(text)
    except (OSError, UnicodeDecodeError, SyntaxError, ValueError, RecursionError):
        return None
    nodes = {n.lineno: n for n in ast.walk(tree) if isinstance(n, Definition)}
    return text, tree, nodes


def undecorated(text: str, module: ModuleSource | None) -> str:
    """A definition without the decorators by which Airflow makes tasks of it."""
    if "@" not in text:
        return text
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError):
        return text
    node = body[0] if body else None
    if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) or not node.decorator_list:
        return text
    kept = [d for d in node.decorator_list if not _is_airflow(d, module)]
    lines = text.splitlines(keepends=True)
    start = node.lineno - 1
    return "".join([*(f"@{ast.unparse(d)}\n" for d in kept), *lines[start:]])


def _is_airflow(decorator: ast.expr, module: ModuleSource | None) -> bool:
    target = decorator.func if isinstance(decorator, ast.Call) else decorator
    name = ast.unparse(target)
    root, _, rest = name.partition(".")
    if module is None or root not in module.imports:
        return root in ("task", "dag", "task_group", "setup", "teardown")
    from intermodal_compilers.airflow.importer.bindings import path_of

    path = path_of(root, module.imports[root].text)
    return meaning(f"{path}.{rest}" if rest else path) in DECORATORS


@functools.lru_cache(maxsize=64)
def module_of(file: str, module: str) -> ModuleSource | None:
    """What can be taken along of a file, by name: of its top level, and of `with` blocks there."""
    found = _read(file)
    if found is None:
        return None
    text, tree, _ = found
    return index_statements(_statements(tree.body), tree, text, module, file)


MOVABLE = (
    ast.Import,
    ast.ImportFrom,
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
    ast.Assign,
    ast.AnnAssign,
    ast.AugAssign,
)


def _statements(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    for node in body:
        if isinstance(node, MOVABLE):
            yield node
        elif isinstance(node, (ast.With, ast.AsyncWith)):
            yield from _statements(node.body)
        elif isinstance(node, (ast.If, ast.Try)):
            yield from (
                part for part in ast.walk(node) if isinstance(part, (ast.Import, ast.ImportFrom))
            )
            if not isinstance(node, ast.If) or "TYPE_CHECKING" not in ast.dump(node.test):
                yield node
