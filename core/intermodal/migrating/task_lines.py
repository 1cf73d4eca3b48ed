"""Where tasks stand in a file of ours, by its syntax: for links, not for anything that has to be right."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence

DECORATOR = "pipeline"


def task_lines(
    text: str, pipelines: Sequence[tuple[str, Iterable[str]]]
) -> Mapping[tuple[str, str], int]:
    """By pipeline and task: the line where the task is made; those that are not clear are left out.

    Args:
        text: A file with one `@pipeline` function for each pipeline, in order.
        pipelines: Their names, with the ids of their tasks.
    """
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return {}
    functions = [
        node
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and any(map(_is_pipeline, node.decorator_list))
    ]
    if len(functions) != len(pipelines):
        return {}
    found: dict[tuple[str, str], int] = {}
    for (name, tasks), function in zip(pipelines, functions, strict=True):
        lines = _lines(function)
        for task in tasks:
            short = task.rpartition(".")[2]
            line = lines.get(task) or lines.get(short)
            if line is not None:
                found[name, task] = line
    return found


def _is_pipeline(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    return name.startswith(DECORATOR)


def _lines(function: ast.FunctionDef) -> dict[str, int]:
    """Lines by what the calls in a function say of themselves: their `id`, or what is called."""
    by_id: dict[str, int] = {}
    by_name: dict[str, int] = {}
    for call in _calls(function):
        for keyword in call.keywords:
            value = getattr(keyword.value, "value", None)
            if keyword.arg == "id" and isinstance(value, str):
                by_id.setdefault(value, call.lineno)
        for name in _names(call.func):
            by_name.setdefault(name, call.lineno)
    return by_name | by_id


def _calls(function: ast.FunctionDef) -> Iterator[ast.Call]:
    calls = [
        node
        for statement in function.body
        for node in ast.walk(statement)
        if isinstance(node, ast.Call)
    ]
    yield from sorted(calls, key=lambda call: (call.lineno, call.col_offset))


def _names(function: ast.expr) -> Iterator[str]:
    """`f` of `f(...)`, `f.map(...)` and `f.with_options(...)(...)`."""
    for node in ast.walk(function):
        if isinstance(node, ast.Name):
            yield node.id
