"""The repository's own files, read as data: text, YAML and JSON below the root."""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from intermodal_compilers.airflow.importer.machine import Machine
from intermodal_compilers.airflow.importer.modules import LARGEST
from intermodal_compilers.airflow.importer.sizes import is_bulky
from intermodal_compilers.airflow.importer.values import RaisedError, Scope

LARGEST_YAML = 2 * 1024 * 1024


@dataclass(eq=False, slots=True)
class OpenFile:
    """A text file that `open` gives."""

    text: str


def resolve(machine: Machine, value: Any, scope: Scope) -> Path | None:
    """The file that a path means, if it lies below a root; relative ones are tried there."""
    if not isinstance(value, str | PurePath):
        return None
    path = Path(value)
    bases = [scope.module.path.parent, *machine.sources.roots]
    for one in [path] if path.is_absolute() else [base / path for base in bases]:
        try:
            real = one.resolve()
            found = machine.sources.inside(real) and real.exists()
        except (OSError, ValueError, RuntimeError):  # a loop of links is a RuntimeError
            return None
        if found:
            return real
    return None


def open_file(machine: Machine, value: Any, node: ast.AST, scope: Scope) -> Any:
    """What `open(value)` gives: the text of a file of the repository, or Unknown."""
    path = resolve(machine, value, scope)
    if path is None or not path.is_file() or path.stat().st_size > LARGEST:
        return machine.unknown("a file that is not in the repository", node, scope)
    try:
        return OpenFile(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return machine.unknown("a file that is no text", node, scope)


def parse_data(machine: Machine, value: Any, kind: str, node: ast.AST, scope: Scope) -> Any:
    """`json.load`, `json.loads`, `yaml.safe_load` on known text."""
    text = value.text if isinstance(value, OpenFile) else value
    if not isinstance(text, str):
        return machine.unknown(f"{kind} of a text that is not known", node, scope)
    if kind == "json":
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as problem:
            raise RaisedError("JSONDecodeError", str(problem), scope.module.span(node)) from problem
    if kind == "toml":
        import tomllib

        try:
            return tomllib.loads(text)
        except (ValueError, RecursionError) as problem:
            raise RaisedError("TOMLDecodeError", str(problem), scope.module.span(node)) from problem
    import yaml

    if text.count("*") > 1_000 or len(text) > LARGEST_YAML:
        return machine.unknown("YAML that is too large to read here", node, scope)
    try:
        found = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    except (yaml.YAMLError, RecursionError, ValueError) as problem:
        raise RaisedError("YAMLError", str(problem), scope.module.span(node)) from problem
    if is_bulky(found):
        return machine.unknown("YAML that is too large to read here", node, scope)
    return found
