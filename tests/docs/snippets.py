"""The examples in the documentation, made whole so that they can be run."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path
from textwrap import indent

import intermodal

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md")),
    # The matrix and the pages of the commands are made from what they tell of.
    *sorted(p for p in (ROOT / "docs").glob("*.md") if p.name != "matrix.md"),
]

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`(port [^`\n]+)`")

# Names that the examples use and a reader knows.
KNOWN = {
    "pd": "import pandas as pd",
    "RandomForestClassifier": "from sklearn.ensemble import RandomForestClassifier",
}


@dataclass(frozen=True)
class Snippet:
    """One fenced block."""

    page: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def snippets(language: str) -> list[Snippet]:
    """All blocks in a language; blocks without one have the language ``."""
    return [
        Snippet(page.relative_to(ROOT).as_posix(), text.count("\n", 0, m.start()) + 1, *m.groups())
        for page in PAGES
        for text in [page.read_text(encoding="utf-8")]
        for m in _BLOCK.finditer(text)
        if m.group(1) == language
    ]


def commands() -> list[str]:
    """Every `port` command line in the pages, in blocks and in sentences; sketches left out."""
    found = [
        line.removeprefix("$ ")
        for snippet in snippets("")
        for line in snippet.text.splitlines()
        if line.removeprefix("$ ").startswith("port ")
    ]
    for page in PAGES:
        found += _INLINE.findall(page.read_text(encoding="utf-8"))
    plain = (re.split(r"\s(?:#|>|\|)", line)[0].strip() for line in found)
    return sorted({line for line in plain if not re.search(r"[\[\]…]|\.\.\.| COMMAND", line)})


def whole(snippet: Snippet) -> str:
    """A file with a pipeline that the snippet is in, or that it makes.

    What it calls and does not define becomes a task of as many inputs; any other free name becomes a
    parameter of the pipeline.
    """
    tree = ast.parse(snippet.text)
    free = _free_names(tree)
    calls = {name: call for call, name in _calls(tree) if name in free}
    public = sorted(name for name in free if name in intermodal.__all__)
    public += [name for name in ("pipeline", "task") if name not in public]
    lines = [f"from intermodal import {', '.join(public)}"]
    lines += [KNOWN[name] for name in sorted(free & KNOWN.keys())]
    known = set(public) | KNOWN.keys()
    lines += [
        _task(name, call, _fields_used(tree, name))
        for name, call in calls.items()
        if name not in known
    ]
    parameters = sorted(free - known - calls.keys())
    if any(isinstance(node, ast.FunctionDef) for node in tree.body):
        return "\n".join([*lines, snippet.text])
    head = f"@pipeline\ndef shown({', '.join(parameters)}):"
    return "\n".join([*lines, head, indent(snippet.text, "    ")])


def _free_names(tree: ast.Module) -> set[str]:
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    made = {node.id for node in names if isinstance(node.ctx, ast.Store)}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            made.add(node.name)
        if isinstance(node, ast.FunctionDef):
            made |= {argument.arg for argument in node.args.args}
        if isinstance(node, ast.Import | ast.ImportFrom):
            made |= {alias.asname or alias.name for alias in node.names}
    return {node.id for node in names} - made - set(dir(__builtins__)) - set(__builtins__)


TAKE_A_TASK = ("on_exit", "wait_until")


def _calls(tree: ast.Module):
    """Calls of names and of `name.map`; and of a task that is given with its arguments."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            function = node.func
            if ast.unparse(function) in TAKE_A_TASK and isinstance(node.args[0], ast.Name):
                own = {"every", "timeout"} if ast.unparse(function) == "wait_until" else set()
                rest = [k for k in node.keywords if k.arg not in own]
                yield ast.Call(node.args[0], node.args[1:], rest), node.args[0].id
            if isinstance(function, ast.Attribute) and function.attr == "map":
                function = function.value
            if isinstance(function, ast.Name):
                yield node, function.id


def _fields_used(tree: ast.Module, name: str) -> list[str]:
    """Attributes that are read of what a call of `name` gives: its outputs."""
    results = {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and ast.unparse(node.value).startswith(f"{name}(")
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    return [
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in results
    ]


def _task(name: str, call: ast.Call, outputs: list[str]) -> str:
    inputs = [f"input_{number}" for number in range(len(call.args))]
    inputs += [keyword.arg for keyword in call.keywords]
    gives = f" -> {name.title()}" if outputs else ""
    fields = [f"    {output}: int" for output in outputs]
    head = ["from typing import NamedTuple", f"class {name.title()}(NamedTuple):", *fields]
    lines = [*(head if outputs else []), "@task", f"def {name}({', '.join(inputs)}){gives}: ..."]
    return "\n".join(lines)
