"""Capturing a function's source with what it needs of its module, so that it can travel in an artefact.

Python's own symbol tables tell which names a function takes from its module. For each of them the
import, definition or assignment that makes it comes along, with what that needs in turn.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import importlib.util
import symtable
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from intermodal.frozen import Frozen
from intermodal.ir import CapturedSource
from intermodal.margins import dedented

PRODUCT = "intermodal"
BLOCK = "worker_imports"


class worker_imports(contextlib.suppress):  # noqa: N801 - it reads as what it marks
    """Imports of the block may fail: `with worker_imports(): import boto3`.

    They are for packages that are installed where tasks run, but not where the pipeline is compiled. Only
    the bodies of functions may use them, and definitions below them in the block.
    """

    def __init__(self) -> None:
        super().__init__(ImportError)


class Statement(Frozen):
    """A top-level statement: its text without Intermodal's decorators, and the names it needs."""

    position: int
    text: str
    needs: frozenset[str]


class ImportedName(Frozen):
    """A top-level import of one name; `also` are others that bind the same package: `import a.b, a.c`."""

    text: str
    module: str
    also: tuple[ImportedName, ...] = ()


@dataclass
class ModuleSource:
    """The top level of a module, by the names it binds."""

    imports: dict[str, ImportedName] = field(default_factory=dict)
    statements: dict[str, list[Statement]] = field(default_factory=dict)
    functions: dict[str, Statement] = field(default_factory=dict)


def needed_by(
    module: ModuleSource, names: Iterable[str], position: int = -1
) -> tuple[list[ImportedName], list[Statement]]:
    """Imports and statements that make `names`, directly or through others, in the file's order.

    Args:
        module: The module.
        names: Names of it.
        position: A statement to leave out: the one whose needs `names` are.
    """
    return _closure(module, names, position)


def capture(function: Callable[..., Any], root: Path | None) -> tuple[CapturedSource | None, bool]:
    """The function's source, or None if its file cannot be read; and whether it uses tracking."""
    module = _module_source(function.__code__.co_filename, function.__module__)
    own = module.functions.get(function.__name__) if module else None
    if module is None or own is None:
        return None, False
    imports, statements = _closure(module, own.needs, own.position)
    local = sorted({item.module for item in imports if _is_local(item.module, root)})
    source = CapturedSource.of(
        function=own.text,
        imports=tuple(dict.fromkeys(item.text for item in imports)),
        definitions=tuple(statement.text for statement in statements),
        local_modules=tuple(local),
    )
    ours = [item.text for item in imports if item.module.split(".")[0] == PRODUCT]
    texts = (*ours, own.text, *(statement.text for statement in statements))
    return source, bool(ours) and any("tracking" in text for text in texts)


def named(
    names: Iterable[str], file: str, module: str, root: Path | None
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """What makes these names of a module: imports, definitions, and imported modules of the project.

    All are empty if the file cannot be read.
    """
    known = _module_source(file, module)
    imports, statements = _closure(known, names, -1) if known else ([], [])
    local = sorted({item.module for item in imports if _is_local(item.module, root)})
    texts = tuple(dict.fromkeys(item.text for item in imports))
    return texts, tuple(statement.text for statement in statements), tuple(local)


def names_of(text: str) -> set[str]:
    """The names that a Python expression uses, apart from those that it binds itself."""
    table = symtable.symtable(text, "", "eval")
    inside = {name for child in table.get_children() for name in _globals_in(child)}
    return {*table.get_identifiers(), *inside}


def bound_by(imports: Iterable[str]) -> set[str]:
    """The names that import statements bind."""
    return {name for name, _ in _each_import(imports)}


def local_among(imports: Iterable[str], root: Path | None) -> tuple[str, ...]:
    """The modules of the project that import statements name."""
    modules = {item.module for _, item in _each_import(imports)}
    return tuple(sorted(one for one in modules if _is_local(one, root)))


def _each_import(imports: Iterable[str]) -> Iterator[tuple[str, ImportedName]]:
    for node in ast.walk(ast.parse("\n".join(imports))):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from _imports(node, "", "")


def _closure(
    module: ModuleSource, names: Iterable[str], own: int
) -> tuple[list[ImportedName], list[Statement]]:
    pending, seen = list(names), set()
    imports: dict[str, ImportedName] = {}
    statements: dict[int, Statement] = {}
    while pending:
        name = pending.pop()
        if name in seen:
            continue
        seen.add(name)
        if name in module.imports:
            imports[name] = module.imports[name]
        for statement in module.statements.get(name, ()):
            if statement.position != own:
                statements[statement.position] = statement
                pending.extend(statement.needs)
    found = [imports[name] for name in module.imports if name in imports]
    ordered = [one for item in found for one in (*item.also, item)]
    return ordered, [statements[position] for position in sorted(statements)]


@functools.lru_cache(maxsize=256)
def _module_source(file: str, module: str) -> ModuleSource | None:
    try:
        text = Path(file).read_text(encoding="utf-8")
        tree = ast.parse(text)
    except (OSError, UnicodeDecodeError, SyntaxError, ValueError):
        return None
    return index_statements(_top_level(tree), tree, text, module, file)


def index_statements(
    statements: Iterable[ast.stmt], tree: ast.Module, text: str, module: str, file: str
) -> ModuleSource:
    """Statements of a module by the names that they bind.

    Args:
        statements: Those that may be captured.
        tree: The module's syntax.
        text: Its text.
        module: Its name.
        file: Its file.
    """
    lines = text.splitlines(keepends=True)
    found = ModuleSource()
    task_decorators = _task_decorators(tree) if PRODUCT in text else frozenset()
    tables = _global_names(text, file)
    for position, node in enumerate(statements):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            for name, item in _imports(node, module, file):
                found.imports[name] = _beside(item, found.imports.get(name))
            continue
        statement = Statement(
            position, _text(node, lines, task_decorators), frozenset(_needs(node, tables))
        )
        for name in _bound(node):
            found.statements.setdefault(name, []).append(statement)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            found.functions[node.name] = statement
    return found


def _top_level(tree: ast.Module) -> Iterator[ast.stmt]:
    """Top-level statements; imports inside a top-level block count as if they stood alone."""
    for node in tree.body:
        if isinstance(node, ast.With) and _dotted(node.items[0].context_expr).endswith(BLOCK):
            yield from node.body
            continue
        if isinstance(node, (ast.If, ast.Try, ast.With)):
            inner = [
                part for part in ast.walk(node) if isinstance(part, (ast.Import, ast.ImportFrom))
            ]
            yield from inner
            if _is_type_checking(node):
                continue
        yield node


def _is_type_checking(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)


def _imports(
    node: ast.Import | ast.ImportFrom, module: str, file: str
) -> Iterator[tuple[str, ImportedName]]:
    for alias in node.names:
        renamed = f" as {alias.asname}" if alias.asname else ""
        if isinstance(node, ast.Import):
            bound = alias.asname or alias.name.split(".")[0]
            yield bound, ImportedName(f"import {alias.name}{renamed}", alias.name)
            continue
        origin = _absolute(node, module, file)
        if origin != "__future__":
            text = f"from {origin} import {alias.name}{renamed}"
            yield alias.asname or alias.name, ImportedName(text, origin)


def _beside(item: ImportedName, before: ImportedName | None) -> ImportedName:
    """An import with those before it that bind the same package, and not something else."""
    if before is None or not (_is_path(item) and _is_path(before)):
        return item
    if item.text in (before.text, *(other.text for other in before.also)):
        return before
    return ImportedName(
        item.text, item.module, (*before.also, ImportedName(before.text, before.module))
    )


def _is_path(item: ImportedName) -> bool:
    return item.text.startswith("import ") and " as " not in item.text


def _absolute(node: ast.ImportFrom, module: str, file: str) -> str:
    """The absolute name of the module that a `from` import names."""
    if not node.level:
        return node.module or ""
    package = module if Path(file).name == "__init__.py" else module.rpartition(".")[0]
    parts = package.split(".")
    base = parts[: len(parts) - (node.level - 1)]
    return ".".join([*base, *([node.module] if node.module else [])])


def _text(node: ast.stmt, lines: list[str], task_decorators: frozenset[str]) -> str:
    """The statement's source; decorators of Intermodal's are left out, others stay."""
    first, last = node.lineno, node.end_lineno or node.lineno
    text = dedented("".join(lines[first - 1 : last])).rstrip() + "\n"
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        kept = [d for d in node.decorator_list if _dotted(d) not in task_decorators]
        decorators = ["@" + ast.unparse(decorator) + "\n" for decorator in kept]
        return "".join(decorators) + text
    return text


def _task_decorators(tree: ast.Module) -> frozenset[str]:
    """The names under which the file knows `@task` and `@pipeline`."""
    known: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == PRODUCT:
            known |= {a.asname or a.name for a in node.names if a.name in ("task", "pipeline")}
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name == PRODUCT:
                    name = alias.asname or alias.name
                    known |= {f"{name}.task", f"{name}.pipeline"}
    return frozenset(known)


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Call):
        return _dotted(node.func)
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def _bound(node: ast.stmt) -> Iterator[str]:
    """Names that a top-level statement binds or changes."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        yield node.name
        return
    for part in ast.walk(node):
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
            yield part.id
        elif isinstance(part, (ast.Subscript, ast.Attribute)) and isinstance(part.ctx, ast.Store):
            yield _dotted(part).split(".")[0] if isinstance(part, ast.Attribute) else _root(part)


def _root(node: ast.expr) -> str:
    while isinstance(node, (ast.Subscript, ast.Attribute)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _global_names(text: str, file: str) -> dict[int, frozenset[str]]:
    """Names that each top-level function or class takes from its module, by first line."""
    table = symtable.symtable(text, file, "exec")
    return {child.get_lineno(): frozenset(_globals_in(child)) for child in table.get_children()}


def _globals_in(table: symtable.SymbolTable) -> Iterator[str]:
    for symbol in table.get_symbols():
        if symbol.is_global():
            yield symbol.get_name()
    for child in table.get_children():
        yield from _globals_in(child)


def _needs(node: ast.stmt, tables: dict[int, frozenset[str]]) -> Iterator[str]:
    """Names that a statement needs when it is run, and those its functions need when called."""
    if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        yield from (part.id for part in ast.walk(node) if isinstance(part, ast.Name))
        return
    lines = {node.lineno, *(decorator.lineno for decorator in node.decorator_list)}
    for line in lines:
        yield from tables.get(line, ())
    outside: list[ast.AST] = [d for d in node.decorator_list if not _is_task_decorator(d)]
    parts = list(ast.walk(node))
    # Where annotations are not evaluated, symbol tables leave them out.
    outside += [part.annotation for part in parts if isinstance(part, ast.AnnAssign)]
    if isinstance(node, ast.ClassDef):
        outside += node.bases
        outside += [part for part in parts if isinstance(part, ast.arguments)]
    else:
        outside += [node.args, *([node.returns] if node.returns else [])]
    for part in outside:
        yield from _names_in(part)


def _is_task_decorator(decorator: ast.expr) -> bool:
    return _dotted(decorator).split(".")[-1] in ("task", "pipeline")


def _names_in(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.id
        elif (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and node.value.isidentifier()
        ):
            yield node.value  # a quoted annotation


def _is_local(module: str, root: Path | None) -> bool:
    """Whether a module is part of the user's project rather than installed."""
    top = module.split(".", maxsplit=1)[0]
    if root is None or top == PRODUCT or top in sys.stdlib_module_names:
        return False
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return False
    places = (
        [spec.origin]
        if spec and spec.origin
        else list((spec and spec.submodule_search_locations) or [])
    )
    return any(
        Path(place).is_relative_to(root) and "site-packages" not in Path(place).parts
        for place in places
        if place
    )
