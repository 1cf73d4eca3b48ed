"""Docstrings of captured functions, moved to the margin that their functions have now."""

from __future__ import annotations

import ast
import inspect

DEFINES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def aligned(text: str, tree: ast.Module) -> str:
    """The text with docstrings indented as what follows them, as formatters do.

    A function that stood inside another one was captured with its lines moved to the left, but those of its
    strings as they were; for docstrings, which are read without their margin, that looks odd.
    """
    lines = text.encode("utf-8").split(b"\n")  # syntax trees count bytes
    for node in ast.walk(tree):
        if isinstance(node, DEFINES) and node.body:
            _align(lines, node.body[0])
    moved = b"\n".join(lines).decode("utf-8")
    return moved if moved == text or _docstrings(ast.parse(moved)) == _docstrings(tree) else text


def _align(lines: list[bytes], first: ast.stmt) -> None:
    """Move the lines of a docstring below its first one."""
    if not isinstance(first, ast.Expr) or not isinstance(first.value, ast.Constant):
        return
    if not isinstance(first.value.value, str) or first.end_lineno is None:
        return
    rest = range(first.lineno, first.end_lineno)
    filled = [lines[number] for number in rest if lines[number].strip()]
    told = [line for line in filled if line.strip() not in (b'"""', b"'''")] or filled
    if not told:
        return
    margin = min(len(line) - len(line.lstrip(b" ")) for line in told)
    for number in rest:
        line = lines[number]
        left = line.lstrip(b" ")
        kept = max(len(line) - len(left) - margin, 0)
        lines[number] = b" " * (first.col_offset + kept) + left if left else b""


def _docstrings(tree: ast.Module) -> list[str]:
    """Every docstring as it is read."""
    found = [ast.get_docstring(node) for node in ast.walk(tree) if isinstance(node, DEFINES)]
    return [inspect.cleandoc(text).rstrip() for text in found if text is not None]
