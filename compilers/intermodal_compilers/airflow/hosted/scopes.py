"""Names of a module in Python's source: which a text uses or binds there, and giving them other names."""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Iterable, Iterator, Mapping

Function = ast.FunctionDef | ast.AsyncFunctionDef
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
NOT_PYTHON = (SyntaxError, ValueError, RecursionError, MemoryError)


class ModuleNames:
    """Where names of the module itself stand in a tree.

    Attributes:
        loaded: Names that are read, or that a `global` statement names.
        bound: Names that statements at the top bind.
        nodes: For each name, the nodes that hold it.
    """

    def __init__(self, tree: ast.AST) -> None:
        self.loaded: set[str] = set()
        self.bound: set[str] = set()
        self.nodes: dict[str, list[ast.AST]] = {}
        self._visit(tree, (), in_class=frozenset())

    def _visit(
        self, node: ast.AST, local: tuple[frozenset[str], ...], *, in_class: frozenset[str]
    ) -> None:
        """Look at a node; `local` has the names of the functions around it, `in_class` of its class."""
        if isinstance(node, (*_FUNCTIONS, ast.Lambda)):
            self._function(node, local, in_class)
        elif isinstance(node, ast.ClassDef):
            self._class(node, local, in_class)
        elif isinstance(node, _COMPREHENSIONS):
            self._comprehension(node, local, in_class)
        else:
            self._own(node, local, in_class)
            for child in ast.iter_child_nodes(node):
                self._visit(child, local, in_class=in_class)

    def _own(
        self, node: ast.AST, local: tuple[frozenset[str], ...], in_class: frozenset[str]
    ) -> None:
        if isinstance(node, ast.Name):
            self._name(node.id, node, local, in_class, loads=isinstance(node.ctx, ast.Load))
        elif isinstance(node, ast.Global):
            for name in node.names:
                self._add(name, node, loads=True)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            for alias in node.names:
                bound = alias.asname or alias.name.split(".")[0]
                self._name(bound, alias, local, in_class, loads=False)
        elif isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)) and node.name:
            self._name(node.name, node, local, in_class, loads=False)

    def _name(
        self,
        name: str,
        node: ast.AST,
        local: tuple[frozenset[str], ...],
        in_class: frozenset[str],
        *,
        loads: bool,
    ) -> None:
        if name in in_class or any(name in names for names in local):
            return
        self._add(name, node, loads=loads)

    def _add(self, name: str, node: ast.AST, *, loads: bool) -> None:
        self.nodes.setdefault(name, []).append(node)
        (self.loaded if loads else self.bound).add(name)

    def _function(
        self,
        node: Function | ast.Lambda,
        local: tuple[frozenset[str], ...],
        in_class: frozenset[str],
    ) -> None:
        outside: list[ast.AST] = [*node.args.defaults, *(d for d in node.args.kw_defaults if d)]
        if isinstance(node, _FUNCTIONS):
            self._name(node.name, node, local, in_class, loads=False)
            arguments = _arguments(node.args)
            outside += node.decorator_list
            outside += [arg.annotation for arg in arguments if arg.annotation]
            outside += [node.returns] if node.returns else []
        for part in outside:
            self._visit(part, local, in_class=in_class)
        inner = (*local, frozenset(local_names(node)))
        body = node.body if isinstance(node.body, list) else [node.body]
        for part in body:
            self._visit(part, inner, in_class=frozenset())

    def _class(
        self, node: ast.ClassDef, local: tuple[frozenset[str], ...], in_class: frozenset[str]
    ) -> None:
        self._name(node.name, node, local, in_class, loads=False)
        for part in (*node.decorator_list, *node.bases, *node.keywords):
            self._visit(part, local, in_class=in_class)
        own = frozenset(_stored(node.body))
        for part in node.body:
            self._visit(part, local, in_class=own)

    def _comprehension(
        self, node: Comprehension, local: tuple[frozenset[str], ...], in_class: frozenset[str]
    ) -> None:
        targets = frozenset(
            name.id
            for generator in node.generators
            for name in ast.walk(generator.target)
            if isinstance(name, ast.Name)
        )
        for child in ast.iter_child_nodes(node):
            self._visit(child, (*local, targets), in_class=in_class)


_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def local_names(node: Function | ast.Lambda) -> set[str]:
    """Names that are a function's own: its arguments, and what its body binds and does not call global."""
    names = {arg.arg for arg in _arguments(node.args)}
    if isinstance(node, ast.Lambda):
        return names
    names |= set(_stored(node.body))
    declared = {n for part in ast.walk(node) if isinstance(part, ast.Global) for n in part.names}
    return names - declared


def _arguments(arguments: ast.arguments) -> list[ast.arg]:
    found = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return [*found, *(arg for arg in (arguments.vararg, arguments.kwarg) if arg is not None)]


def _stored(body: Iterable[ast.AST]) -> Iterator[str]:
    """Names that statements bind in the scope that they stand in."""
    pending = list(body)
    while pending:
        node = pending.pop()
        if isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
            yield node.name
            continue
        if isinstance(node, ast.Lambda):
            continue
        if isinstance(node, _COMPREHENSIONS):
            yield from (
                part.target.id
                for part in ast.walk(node)
                if isinstance(part, ast.NamedExpr) and isinstance(part.target, ast.Name)
            )
            continue
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from (alias.asname or alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)) and node.name:
            yield node.name
        pending += ast.iter_child_nodes(node)


def renamed(text: str, names: Mapping[str, str]) -> str:
    """A text of Python with other names for those of its module; comments and layout are kept.

    Raises:
        ValueError: A name stands where it cannot be changed.
    """
    tree = ast.parse(text)
    found = ModuleNames(tree).nodes
    wanted = {id(node): (node, names[n], n) for n in names for node in found.get(n, ())}
    if not wanted:
        return text
    edits = [edit for node, new, old in wanted.values() for edit in _edits(text, node, old, new)]
    changed = _edited(text, edits)
    expected = _renamed_tree(tree, wanted)
    try:
        if ast.dump(ast.parse(changed)) == ast.dump(expected):
            return changed
    except NOT_PYTHON:
        pass  # in Python 3.11 the places of names in f-strings are wrong: written anew below
    return ast.unparse(expected) + "\n"


def _renamed_tree(tree: ast.Module, wanted: Mapping[int, tuple[ast.AST, str, str]]) -> ast.Module:
    memory: dict[int, object] = {}
    made = copy.deepcopy(tree, memory)
    for place, (_, new, old) in wanted.items():
        node = memory[place]
        if isinstance(node, ast.Name):
            node.id = new
        elif isinstance(node, ast.Global):
            node.names = [new if name == old else name for name in node.names]
        elif isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
            node.name = new
        elif isinstance(node, ast.alias) and "." not in node.name:
            node.asname = new if new != node.name else None
        else:
            raise ValueError(f"`{old}` cannot be given another name")
    return made


Edit = tuple[int, int, int, str]


def _edits(text: str, node: ast.AST, old: str, new: str) -> Iterator[Edit]:
    """Line (from 0), columns in bytes, and the text to put there."""
    lines = text.split("\n")
    if isinstance(node, ast.Name):
        yield node.lineno - 1, node.col_offset, node.col_offset + len(old.encode()), new
    elif isinstance(node, (*_FUNCTIONS, ast.ClassDef, ast.Global)):
        at = node.lineno - 1
        start = len(lines[at].encode()[: node.col_offset].decode())
        match = re.compile(rf"\b{re.escape(old)}\b").search(lines[at], start)
        if match:
            before = len(lines[at][: match.start()].encode())
            yield at, before, before + len(old.encode()), new
    elif isinstance(node, ast.alias) and "." not in node.name:
        end = node.end_col_offset or node.col_offset
        whole = node.name if new == node.name else f"{node.name} as {new}"
        yield node.lineno - 1, node.col_offset, end, whole


def _edited(text: str, edits: Iterable[Edit]) -> str:
    lines = [line.encode() for line in text.split("\n")]
    for at, start, end, new in sorted(set(edits), reverse=True):
        lines[at] = lines[at][:start] + new.encode() + lines[at][end:]
    return b"\n".join(lines).decode()
