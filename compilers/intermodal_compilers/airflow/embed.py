"""Placing captured source inside an emitted function, without changing a string literal of it."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

from intermodal.frozen import Frozen
from intermodal.ir import CapturedSource
from intermodal.margins import indented
from intermodal_compilers.airflow.dialects import CONTEXT_KEYS
from intermodal_compilers.pysource import INDENT

# Names that annotations of a module-level function may use without an import.
KNOWN_TYPES = frozenset({"bool", "bytes", "dict", "float", "int", "list", "object", "str", "tuple"})

# Statements and patterns that bind their `name`.
NAMED = (ast.FunctionDef, ast.ClassDef, ast.ExceptHandler, ast.MatchAs, ast.MatchStar)

# Arguments that Airflow treats in a way of its own: `owner` is filled from the DAG's default_args.
SPECIAL_ARGUMENTS = CONTEXT_KEYS | {"owner", "self"}


class Embedded(Frozen):
    """A captured function that was parsed."""

    source: CapturedSource
    name: str

    @cached_property
    def function(self) -> ast.FunctionDef | None:
        """The function's syntax, or None where the text is no plain function."""
        try:
            body = ast.parse(self.source.function).body
        except (SyntaxError, ValueError):
            return None
        if len(body) != 1 or not isinstance(body[0], ast.FunctionDef):
            return None
        return body[0]

    @cached_property
    def definitions(self) -> tuple[ast.Module, ...]:
        """The syntax of the definitions."""
        return tuple(ast.parse(text) for text in self.source.definitions)

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        """The function's parameters that can be given by name."""
        if self.function is None:
            return ()
        arguments = self.function.args
        return tuple(arg.arg for arg in (*arguments.args, *arguments.kwonlyargs))

    @cached_property
    def bound(self) -> frozenset[str]:
        """Names that the imports, the definitions and the function itself bind."""
        names = {self.name}
        for text in self.source.imports:
            names.update(_bound_names(ast.parse(text)))
        for tree in self.definitions:
            names.update(_bound_names(tree))
        return frozenset(names)

    @cached_property
    def docstring(self) -> str:
        """The function's own docstring, without indentation."""
        return (ast.get_docstring(self.function) or "") if self.function else ""

    def problem(self) -> str:
        """Why the source cannot be embedded, or nothing."""
        if self.function is None or self.function.name != self.name:
            return "its captured source is not one plain function of that name"
        try:
            parsed = [*self.definitions, *(ast.parse(text) for text in self.source.imports)]
        except (SyntaxError, ValueError):
            return "what it needs of its module is not Python"
        for tree in (self.function, *parsed):
            for node in ast.walk(tree):
                if isinstance(node, ast.Global):
                    return "it changes variables of its module with `global`"
        return ""

    def inner(self, more_imports: Sequence[str] = ()) -> list[str]:
        """Imports, definitions and the function, to stand inside another function."""
        lines = self._needed(more_imports)
        return lines + _separated(self.source.function, lines)

    @cached_property
    def standalone(self) -> list[str] | None:
        """The function itself with what it needs at the top of its body; None if that could differ.

        It could where the function refers to itself, has annotations or defaults that need the
        module, or arguments that Airflow treats in a way of its own.
        """
        node = self.function
        if node is None or not self._stands_alone(node):
            return None
        lines = self.source.function.rstrip("\n").split("\n")
        needed = self._needed()
        if not needed:
            return lines
        first = _first_statement(node)
        if first is None or _first_line(first) <= _header_end(node):
            return None
        at = _first_line(first) - 1
        indentation = lines[at][: first.col_offset]
        at = _leading_comments(lines, at, _header_end(node))
        before = lines[:at]
        if first is not node.body[0] and before[-1].strip():
            before.append("")
        return [*before, *indented("\n".join(needed), indentation), *lines[at:]]

    def renamed(self, name: str) -> list[str]:
        """The function that stands alone, under another name."""
        lines = self.standalone or []
        header = re.sub(rf"^def\s+{re.escape(self.name)}\b", f"def {name}", lines[0], count=1)
        return [header, *lines[1:]]

    def _needed(self, more_imports: Sequence[str] = ()) -> list[str]:
        """Imports and definitions, ending in a blank line."""
        lines = _with_blank_line(import_lines([*self.source.imports, *more_imports]))
        for text in self.source.definitions:
            lines += _separated(text, lines)
        return _with_blank_line(lines)

    def _stands_alone(self, node: ast.FunctionDef) -> bool:
        arguments = node.args
        named = [*arguments.args, *arguments.kwonlyargs]
        if node.decorator_list or arguments.vararg or arguments.kwarg or arguments.posonlyargs:
            return False
        if any(arg.arg in SPECIAL_ARGUMENTS for arg in named):
            return False
        defaults = [*arguments.defaults, *(d for d in arguments.kw_defaults if d is not None)]
        if not all(_is_constant(default) for default in defaults):
            return False
        annotations = [arg.annotation for arg in named if arg.annotation]
        if node.returns:
            annotations.append(node.returns)
        if not all(_is_known_type(annotation) for annotation in annotations):
            return False
        if not lines_start_at_left(self.source.function):
            return False
        # A name that the function binds itself must not be one that it would now find imported.
        inside = {arg.arg for arg in named} | set(_stored_names(node))
        if inside & self.bound:
            return False
        return not any(self.name in _loaded_names(tree) for tree in (node, *self.definitions))


def infers_outputs(node: ast.FunctionDef | None) -> bool:
    """Whether Airflow would take the function's return annotation for several outputs."""
    if node is None or node.returns is None:
        return False
    return any(isinstance(n, ast.Name) and n.id == "dict" for n in ast.walk(node.returns))


def returns_value(node: ast.FunctionDef) -> bool:
    """Whether the function gives something back; what is nested in it does not count."""
    pending: list[ast.AST] = list(node.body)
    while pending:
        part = pending.pop()
        if isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            continue
        if isinstance(part, ast.Return) and part.value is not None:
            return True
        if isinstance(part, (ast.Yield, ast.YieldFrom)):
            return True
        pending.extend(ast.iter_child_nodes(part))
    return False


def indent_lines(lines: Iterable[str], levels: int) -> list[str]:
    """As `indented`, for lines and by levels of four blanks."""
    return indented("\n".join(lines), INDENT * levels)


def import_lines(imports: Sequence[str]) -> list[str]:
    """Captured import statements in isort's order: standard library first, one line a module."""
    plain: set[tuple[str, str | None]] = set()
    names: dict[str, set[str]] = {}
    renamed: set[tuple[str, str, str]] = set()
    other: list[str] = []
    for text in imports:
        body = ast.parse(text).body
        node = body[0] if len(body) == 1 else None
        if isinstance(node, ast.Import):
            plain.update((alias.name, alias.asname) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                if alias.asname and alias.asname != alias.name:
                    renamed.add((node.module, alias.name, alias.asname))
                else:
                    names.setdefault(node.module, set()).add(alias.name)
        else:
            other.append(text)
    groups: dict[bool, list[tuple[tuple[int, str, str], str]]] = {False: [], True: []}
    for module, alias_name in plain:
        line = f"import {module}" + (f" as {alias_name}" if alias_name else "")
        groups[_third_party(module)].append(((0, module, alias_name or ""), line))
    for module, wanted in names.items():
        line = f"from {module} import {', '.join(sorted(wanted, key=_isort_key))}"
        groups[_third_party(module)].append(((1, module, ""), line))
    for module, name, alias_name in renamed:
        line = f"from {module} import {name} as {alias_name}"
        groups[_third_party(module)].append(((1, module, name), line))
    blocks = [[line for _, line in sorted(group)] for group in groups.values() if group]
    return [*other, *(line for i, block in enumerate(blocks) for line in ([""] * (i > 0) + block))]


def lines_start_at_left(text: str) -> bool:
    """Whether a function's text begins in the first column, as a module-level one does."""
    return text.startswith(("def ", "async def ", "@"))


def _third_party(module: str) -> bool:
    return module.split(".", maxsplit=1)[0] not in sys.stdlib_module_names


def _isort_key(name: str) -> tuple[int, str]:
    if name.isupper() and len(name) > 1:
        return 0, name
    return (1 if name[:1].isupper() else 2), name


def _with_blank_line(lines: list[str]) -> list[str]:
    return [*lines, ""] if lines and lines[-1] else lines


def _separated(text: str, before: list[str]) -> list[str]:
    """A statement's lines, set off by blank lines where it is a function or class."""
    lines = text.rstrip("\n").split("\n")
    block = text.startswith(("def ", "async def ", "class ", "@"))
    start = [""] if block and before and before[-1] else []
    return [*start, *lines, *([""] if block else [])]


def _is_constant(value: ast.expr) -> bool:
    if isinstance(value, ast.UnaryOp):
        value = value.operand
    return isinstance(value, ast.Constant)


def _is_known_type(annotation: ast.expr) -> bool:
    return all(
        isinstance(part, (ast.Subscript, ast.Constant, ast.Tuple, ast.expr_context))
        or (isinstance(part, ast.Name) and part.id in KNOWN_TYPES)
        for part in ast.walk(annotation)
    ) and not any(
        isinstance(part, ast.Constant) and isinstance(part.value, str)
        for part in ast.walk(annotation)
    )


def _bound_names(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from (alias.asname or alias.name.split(".")[0] for alias in node.names)
        else:
            yield from _stored_names(node)


def _stored_names(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, ast.alias):
            yield node.asname or node.name.split(".")[0]
        elif isinstance(node, ast.MatchMapping):
            yield node.rest or ""
        elif isinstance(node, NAMED) and node is not tree:
            yield node.name or ""


def _loaded_names(tree: ast.AST) -> set[str]:
    return {
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }


def _first_statement(node: ast.FunctionDef) -> ast.stmt | None:
    """The first statement after the docstring."""
    has_docstring = ast.get_docstring(node, clean=False) is not None
    body = node.body[1:] if has_docstring else node.body
    return body[0] if body else None


def _first_line(statement: ast.stmt) -> int:
    """The line where a statement begins, its decorators included."""
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(decorator.lineno for decorator in decorators)])


def _header_end(node: ast.FunctionDef) -> int:
    """The last line that the header may take: that of the last argument, annotation or docstring."""
    parts: list[ast.AST] = [node.args, *([node.returns] if node.returns else [])]
    ends = [getattr(part, "end_lineno", 0) or 0 for top in parts for part in ast.walk(top)]
    if ast.get_docstring(node, clean=False) is not None:
        ends.append(node.body[0].end_lineno or 0)
    return max([node.lineno, *ends])


def _leading_comments(lines: list[str], at: int, header_end: int) -> int:
    """The line where the comments above a statement begin, so that they stay with it."""
    while at > header_end and lines[at - 1].lstrip().startswith("#"):
        at -= 1
    return at
