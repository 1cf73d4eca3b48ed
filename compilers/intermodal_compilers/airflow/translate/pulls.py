"""What a task pulls of others by name: `xcom_pull` in its templates and in its functions."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from intermodal.analysis import graph
from intermodal.frozen import Frozen
from intermodal.ir import Literal_, SourceExpression, Task
from intermodal_compilers.airflow.translate.sources import parsed, statements

WORD = "xcom_pull"


class Pull(Frozen):
    """One pull; `tasks` is None where only the run can tell which tasks it means."""

    tasks: tuple[str, ...] | None
    output: str = "return"


def pulls_of(task: Task) -> list[Pull]:
    """The pulls in everything that a task is made with."""
    found: dict[Pull, None] = {}
    for expression in graph.expressions(task):
        for part in graph.parts(expression):
            if isinstance(part, Literal_):
                found |= dict.fromkeys(_in_value(part.value))
            elif isinstance(part, SourceExpression):
                found |= dict.fromkeys(_in_source(part))
    return list(found)


def _in_value(value: Any) -> Iterator[Pull]:
    if isinstance(value, str) and WORD in value:
        yield from _in_template(value)
    elif isinstance(value, list):
        for item in value:
            yield from _in_value(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _in_value(item)


@lru_cache(maxsize=4096)
def _in_template(text: str) -> tuple[Pull, ...]:
    from jinja2 import TemplateSyntaxError, nodes

    from intermodal_compilers.airflow.translate.jinja import ENVIRONMENT

    try:
        tree = ENVIRONMENT.parse(text)
    except TemplateSyntaxError:
        return ()
    return tuple(
        pull_of(
            [_constant(arg) for arg in call.args],
            {k.key: _constant(k.value) for k in call.kwargs},
        )
        for call in tree.find_all(nodes.Call)
        if isinstance(call.node, nodes.Getattr) and call.node.attr == WORD
    )


def _constant(node: Any) -> Any:
    from jinja2 import nodes

    try:
        return node.as_const()
    except nodes.Impossible:
        return ...


def _in_source(source: SourceExpression) -> Iterator[Pull]:
    texts = [text for text in (source.text, *source.definitions) if WORD in text]
    for text in texts:
        expression = parsed(text)
        trees: list[ast.AST] = [expression] if expression is not None else [*statements(text)]
        for tree in trees:
            for node in ast.walk(tree):
                if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == WORD:
                    named = {k.arg: _literal(k.value) for k in node.keywords if k.arg}
                    yield pull_of([_literal(arg) for arg in node.args], named)
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield from _in_value(node.value)


def _literal(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except ValueError:
        return ...


def pull_of(args: list[Any], named: dict[str, Any]) -> Pull:
    """The pull that a call with these arguments makes; `...` stands for what is not known."""
    tasks = args[0] if args else named.get("task_ids")
    key = args[2] if len(args) > 2 else named.get("key", "return_value")
    key = key if isinstance(key, str) else "return_value"
    output = "return" if key == "return_value" else key
    if isinstance(tasks, str):
        return Pull((tasks,), output)
    if isinstance(tasks, (list, tuple)) and all(isinstance(one, str) for one in tasks):
        return Pull(tuple(tasks), output)
    return Pull(None, output)
