"""What is used where in a file, in a word: so that findings of many files can be counted together."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Mapping

from intermodal_compilers.airflow.importer.naming import VARIANTS

STATEMENTS: Mapping[type[ast.stmt], str] = {
    ast.For: "for",
    ast.While: "while",
    ast.If: "if",
    ast.With: "with",
    ast.Try: "try",
    ast.ImportFrom: "from … import",
    ast.Import: "import",
    ast.ClassDef: "class",
    ast.FunctionDef: "def",
}
DECORATORS: Mapping[str, str] = {
    path.rpartition(".")[2]: "@task" if variant == "python" else f"@task.{variant}"
    for variant, path in VARIANTS.items()
}
Place = tuple[int, int]


def constructs(text: str) -> Mapping[Place, str]:
    """By line and column (from 1): the function or class called there, or the statement's word.

    Args:
        text: A Python file; one that cannot be parsed has no constructs.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text.removeprefix("\ufeff"))
        nodes = list(ast.walk(tree))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    found: dict[Place, str] = {}
    for node in nodes:  # outer ones come first, and stay
        word = _word(node)
        if word:
            place = (node.lineno, node.col_offset + 1)  # type: ignore[attr-defined]
            found.setdefault(place, word)
    return found


def operator_word(path: str) -> str:
    """A class as people write it: its name, or the decorator that makes it."""
    name = path.rpartition(".")[2]
    return DECORATORS.get(name, name)


def _word(node: ast.AST) -> str:
    if isinstance(node, ast.Call):
        return _path(node.func)
    if isinstance(node, ast.Subscript):
        path = _path(node.value)
        return f"{path}[…]" if path else ""
    if isinstance(node, ast.Attribute):
        return _path(node)
    return STATEMENTS.get(type(node), "") if isinstance(node, ast.stmt) else ""


def _path(node: ast.AST) -> str:
    """`a.b.c` of names and attributes alone; empty for anything else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    return ".".join([node.id, *reversed(parts)])
