"""Captured source, read: what each statement binds and needs, and what a function takes and returns."""

from __future__ import annotations

import ast
import builtins
import functools
from collections.abc import Iterator

from intermodal.analysis import graph
from intermodal.authoring.capture import index_statements
from intermodal.frozen import Frozen
from intermodal.ir import CapturedSource
from intermodal_compilers.pyimports import Import, imports_of
from intermodal_compilers.writing.docstrings import aligned

GIVEN = ("__file__", "__name__", "__doc__")
"""Names that every module has."""

MUTABLE = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)


class Piece(Frozen):
    """A top-level statement of a user's module.

    Attributes:
        text: As captured, ending in a newline.
        binds: Names that it binds or changes.
        needs: Names of the module that it uses, when it is run or later.
        at_once: Those among them that it uses when the module is imported, annotations apart.
        annotated: Those among them that stand in annotations of functions.
        inner: Names that it binds for itself alone, in comprehensions and lambdas.
    """

    text: str
    binds: tuple[str, ...]
    needs: frozenset[str]
    at_once: frozenset[str]
    annotated: frozenset[str]
    inner: frozenset[str]


class Argument(Frozen):
    """A parameter of a function."""

    name: str
    required: bool
    annotation: ast.expr | None = None
    by_name: bool = False


class Function(Frozen):
    """What a function says of itself.

    Attributes:
        name: Its name.
        arguments: Its parameters, in order.
        returns: Its return annotation.
        docs: Its docstring, cleaned.
        gives: Whether it returns any value.
        unfit: Why it cannot be a task; "" if it can.
    """

    name: str
    arguments: tuple[Argument, ...]
    returns: ast.expr | None
    docs: str
    gives: bool
    unfit: str


class Unit(Frozen):
    """A function with what it needs of its module.

    Attributes:
        own: The function's statement.
        function: What it says of itself.
        imports: What it imports at the top of its module.
        definitions: Other statements of its module, in order; those that it does not need are left out.
    """

    own: Piece
    function: Function
    imports: tuple[Import, ...]
    definitions: tuple[Piece, ...]


def read_unit(name: str, source: CapturedSource) -> Unit:
    """Read a captured source.

    Raises:
        SyntaxError: If part of it is not Python.
        ValueError: If it does not hold the function, or has a relative or star import.
    """
    own, function = read_function(source.function)
    if function.name != name:
        raise ValueError(f"the source holds `{function.name}` instead")
    definitions = tuple(map(read_piece, source.definitions))
    needed = _needed(own, definitions)
    imports = (item for text in source.imports for item in read_import(text))
    return Unit(
        own,
        function,
        tuple(item for item in imports if item.bound in needed),
        tuple(piece for piece in definitions if needed.intersection(piece.binds)),
    )


def _needed(own: Piece, definitions: tuple[Piece, ...]) -> set[str]:
    """Names that a function needs, directly or through definitions."""
    by_name: dict[str, list[Piece]] = {}
    for piece in definitions:
        for name in piece.binds:
            by_name.setdefault(name, []).append(piece)
    return graph.reached(
        own.needs, lambda name: (need for piece in by_name.get(name, ()) for need in piece.needs)
    )


@functools.lru_cache(maxsize=4096)
def read_import(text: str) -> tuple[Import, ...]:
    """The names that a statement imports.

    Raises:
        SyntaxError: If it is not Python.
        ValueError: If it is no import, or a relative or star import.
    """
    found: list[Import] = []
    for node in ast.parse(text).body:
        if not isinstance(node, (ast.Import, ast.ImportFrom)):
            raise ValueError(f"`{text.strip()}` is no import")  # noqa: TRY004 - not a caller's mistake
        found += map(_plain, imports_of(node))
    if any(item.name == "*" for item in found):
        raise ValueError("a star import says no names")
    return tuple(found)


def _plain(item: Import) -> Import:
    """`import x as x` is `import x`, so that one module does not hold both."""
    same = item.alias == (item.module if item.name is None else item.name)
    return Import(item.module, item.name) if same else item


@functools.lru_cache(maxsize=4096)
def read_piece(text: str) -> Piece:
    """Read a top-level statement.

    Raises:
        SyntaxError: If it is not Python.
    """
    return _piece(text, ast.parse(text))


@functools.lru_cache(maxsize=4096)
def read_function(text: str) -> tuple[Piece, Function]:
    """Read the source of one function.

    Raises:
        SyntaxError: If it is not Python.
        ValueError: If it is something else than one function.
    """
    tree = ast.parse(text)
    node = tree.body[0] if len(tree.body) == 1 else None
    if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        raise ValueError("the source is no single function")  # noqa: TRY004 - not a caller's mistake
    return _piece(text, tree), Function(
        name=node.name,
        arguments=tuple(_arguments(node.args)),
        returns=node.returns,
        docs=ast.get_docstring(node) or "",
        gives=any(isinstance(part, ast.Return) and part.value for part in _own_nodes(node)),
        unfit=_unfit(node),
    )


def _piece(text: str, tree: ast.Module) -> Piece:
    known = index_statements(tree.body, tree, text, "", "").statements
    statements = {statement for found in known.values() for statement in found}
    needs = frozenset(name for statement in statements for name in statement.needs)
    at_once = frozenset(name for node in tree.body for name in _at_once(node)) & needs
    annotated = frozenset(name for node in tree.body for name in _annotated(node)) & needs
    inner = frozenset(_bound_inside(tree)) - known.keys()
    return Piece(
        aligned(text, tree).rstrip() + "\n", tuple(known), needs, at_once, annotated, inner
    )


def _bound_inside(tree: ast.Module) -> Iterator[str]:
    """Variables of comprehensions and lambdas at the top of a statement that is no function or class."""
    defines = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    if any(isinstance(node, defines) for node in tree.body):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.comprehension):
            names = (part for part in ast.walk(node.target) if isinstance(part, ast.Name))
            yield from (name.id for name in names)
        if isinstance(node, ast.arg):
            yield node.arg


def undefined(unit: Unit) -> set[str]:
    """Names that a unit uses when it is imported, and nothing defines: loading it would fail."""
    pieces = (*unit.definitions, unit.own)
    bound = {*GIVEN, *dir(builtins), *(item.bound for item in unit.imports)}
    bound.update(name for piece in pieces for name in piece.binds)
    return {name for piece in pieces for name in piece.at_once - piece.inner} - bound


def _at_once(node: ast.stmt) -> Iterator[str]:
    """Names that a statement uses when it is run, annotations of functions apart."""
    parts: list[ast.AST] = [node]
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        parts = [*node.decorator_list, *node.args.defaults, *filter(None, node.args.kw_defaults)]
    if isinstance(node, ast.ClassDef):
        parts = [*node.decorator_list, *node.bases, *node.keywords]
        for inner in node.body:
            yield from _at_once(inner)
    for part in parts:
        yield from (inner.id for inner in ast.walk(part) if isinstance(inner, ast.Name))


def _annotated(node: ast.stmt) -> Iterator[str]:
    """Names in annotations of functions, of methods too."""
    if isinstance(node, ast.ClassDef):
        for inner in node.body:
            yield from _annotated(inner)
    if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return
    given = node.args
    every = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
    parts = [argument.annotation for argument in every if argument is not None]
    for part in (*parts, node.returns):
        if part is not None:
            yield from (inner.id for inner in ast.walk(part) if isinstance(inner, ast.Name))


def _arguments(given: ast.arguments) -> Iterator[Argument]:
    plain = [*given.posonlyargs, *given.args]
    without = len(plain) - len(given.defaults)
    for place, argument in enumerate(plain):
        yield Argument(argument.arg, place < without, argument.annotation)
    for argument, default in zip(given.kwonlyargs, given.kw_defaults, strict=True):
        yield Argument(argument.arg, default is None, argument.annotation, by_name=True)


def _unfit(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    """Why a function cannot be a task, as far as its text tells: what authoring refuses."""
    given = node.args
    if isinstance(node, ast.AsyncFunctionDef) or _is_generator(node):
        return "it is a generator or a coroutine"
    if given.vararg or given.kwarg or given.posonlyargs:
        return "it takes `*args`, `**kwargs` or arguments without names"
    defaults = [*given.defaults, *(default for default in given.kw_defaults if default)]
    if any(isinstance(default, MUTABLE) for default in defaults):
        return "it has a mutable default"
    return ""


def _is_generator(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(isinstance(part, (ast.Yield, ast.YieldFrom)) for part in _own_nodes(node))


def _own_nodes(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[ast.AST]:
    """What stands in a function's body, apart from functions and classes in it."""
    pending: list[ast.AST] = list(node.body)
    while pending:
        part = pending.pop()
        yield part
        if not isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
            pending.extend(ast.iter_child_nodes(part))
