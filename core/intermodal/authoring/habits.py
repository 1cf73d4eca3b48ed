"""Habits of ordinary Python that do not do in a pipeline function what they say there."""

from __future__ import annotations

import ast
import datetime as dt
import dis
import inspect
import textwrap
from collections.abc import Callable, Iterator
from random import Random
from types import CodeType
from typing import Any

from intermodal.authoring.spans import shown_path
from intermodal.authoring.tasks import Task
from intermodal.findings import Finding, Span, warning

ONCE = "the pipeline function runs once, when it is compiled"
CLOCKS = frozenset({"now", "utcnow", "today", "time", "time_ns", "uuid1", "uuid4"})
"""Names of functions that give something else in every run."""

MODULES = frozenset({"time", "uuid"})
SUSPECTS = frozenset(
    number
    for name, number in dis.opmap.items()
    if name in ("IS_OP", "CHECK_EXC_MATCH") or (name.startswith("POP_JUMP") and "NONE" in name)
)
"""Instructions without which there is no `is`, and no `except` of a kind."""


def habits(function: Callable[..., Any]) -> list[Finding]:
    """Warnings about a pipeline function. Its source is read only where its code gives cause."""
    if not _suspicious(function.__code__):
        return []
    try:
        lines, first = inspect.getsourcelines(function)
        tree = ast.parse(textwrap.dedent("".join(lines))).body[0]
    except (OSError, TypeError, SyntaxError, IndexError):
        return []
    if not isinstance(tree, ast.FunctionDef):
        return []
    indent = len(lines[0]) - len(lines[0].lstrip())
    found = _Habits(function, tree, first - 1, indent)
    return list(found.findings())


def _suspicious(code: CodeType) -> bool:
    """Whether the code may hold such a habit."""
    names = set(code.co_names)
    return bool(
        names & CLOCKS
        or any(hasattr(Random, name) for name in names)
        or SUSPECTS & set(code.co_code[::2])
    )


class _Habits:
    def __init__(
        self, function: Callable[..., Any], tree: ast.FunctionDef, line: int, indent: int
    ) -> None:
        self.names = function.__globals__
        self.file = shown_path(function.__code__.co_filename)
        self.tree, self.line, self.indent = tree, line, indent
        self.handles = {argument.arg for argument in (*tree.args.args, *tree.args.kwonlyargs)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and self._calls_a_task(node.value):
                self.handles |= {name.id for name in node.targets if isinstance(name, ast.Name)}

    def findings(self) -> Iterator[Finding]:
        """A warning for each, in the order of the source."""
        for statement in self.tree.body:
            for node in ast.walk(statement):
                match node:
                    case ast.Try(handlers=[_, *_], body=body):
                        if any(self._calls_a_task(n) for part in body for n in ast.walk(part)):
                            yield self._tried(node)
                    case ast.Compare(left=ast.Name(id=name), ops=[ast.Is() | ast.IsNot()]):
                        if name in self.handles:
                            yield self._asked(node, name)
                    case ast.Call(func=called) if self._is_clock(self._meant(called)):
                        yield self._read(node)

    def _calls_a_task(self, node: ast.AST) -> bool:
        if not isinstance(node, ast.Call):
            return False
        called: ast.AST = node.func
        while isinstance(called, ast.Call | ast.Attribute):
            called = called.func if isinstance(called, ast.Call) else called.value
        return isinstance(called, ast.Name) and isinstance(self.names.get(called.id), Task)

    def _meant(self, node: ast.AST) -> Any:
        """What a dotted name stands for in the function's module; None if it is no such name."""
        if isinstance(node, ast.Name):
            return self.names.get(node.id)
        if isinstance(node, ast.Attribute):
            owner = self._meant(node.value)
            plain = inspect.ismodule(owner) or inspect.isclass(owner)
            return getattr(owner, node.attr, None) if plain else None
        return None

    def _is_clock(self, meant: Any) -> bool:
        owner, name = getattr(meant, "__self__", None), getattr(meant, "__name__", "")
        if isinstance(owner, Random):
            return name != "seed"
        ours = owner in (dt.datetime, dt.date) if inspect.isclass(owner) else False
        return name in CLOCKS and (ours or getattr(meant, "__module__", None) in MODULES)

    def _tried(self, node: ast.AST) -> Finding:
        return self._warning(
            node,
            "`try` cannot catch what happens in a task",
            f"{ONCE}: no task runs in it",
            "give the task that follows `join=Join.ONE_FAILED` or `ALL_DONE`, or use `on_exit(...)`",
        )

    def _asked(self, node: ast.AST, name: str) -> Finding:
        return self._warning(
            node,
            f"`{name}` stands for a value of the run, and is never `None` itself",
            f"{ONCE}: the value does not exist yet",
            f"write `with when({name} == None)`, or `default({name}, ...)`",
        )

    def _read(self, node: ast.Call) -> Finding:
        return self._warning(
            node,
            f"`{ast.unparse(node.func)}()` is called once, and every run gets the same",
            ONCE,
            "call it in a task; the time of a run is `run.logical_date`",
        )

    def _warning(self, node: Any, what: str, why: str, advice: str) -> Finding:
        column = node.col_offset + self.indent + 1
        span = Span(file=self.file, line=node.lineno + self.line, column=column)
        return warning("PORT124", what, span, why=why, next=advice)
