"""What the names of a user's file mean, and how its text refers to something by its full path."""

from __future__ import annotations

import ast
import importlib.util
import keyword
import sys
from functools import cache

from intermodal.authoring.capture import ModuleSource
from intermodal.frozen import Frozen


class Named(Frozen):
    """How to write something: its name in the text, and the import that makes the name."""

    text: str
    imported: str


class Bindings:
    """The imports of a file, by what they stand for."""

    def __init__(self, module: ModuleSource | None) -> None:
        self._by_path: dict[str, Named] = {}
        self._taken: set[str] = set()
        if module is None:
            return
        self._taken = {*module.imports, *module.statements}
        for name, found in module.imports.items():
            self._by_path.setdefault(path_of(name, found.text), Named(name, found.text))

    def named(self, path: str) -> Named:
        """The text that means a full path, as the file itself would write it where it can."""
        parts = path.split(".")
        for end in range(len(parts), 0, -1):
            known = self._by_path.get(".".join(parts[:end]))
            if known is not None:
                return Named(".".join([known.text, *parts[end:]]), known.imported)
        module, rest = split(path)
        if not rest or rest[0] in self._taken:
            return Named(path, f"import {module}")
        return Named(".".join(rest), f"from {module} import {rest[0]}")


def path_of(name: str, text: str) -> str:
    """The full path that an import statement binds to a name."""
    node = ast.parse(text).body[0]
    if isinstance(node, ast.ImportFrom):
        return f"{node.module}.{node.names[0].name}"
    assert isinstance(node, ast.Import)
    alias = node.names[0]
    return alias.name if alias.asname else name


@cache
def split(path: str) -> tuple[str, tuple[str, ...]]:
    """The module of a path, and the rest: by asking for standard modules, by spelling for others."""
    parts = path.split(".")
    if len(parts) == 1:
        return path, ()
    if parts[0] in sys.stdlib_module_names:
        length = 1
        while length < len(parts) - 1 and _is_module(".".join(parts[: length + 1])):
            length += 1
    else:
        capitals = (i for i, part in enumerate(parts) if part[:1].isupper())
        length = next(capitals, len(parts) - 1) or 1
    return ".".join(parts[:length]), tuple(parts[length:])


def _is_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def is_plain_path(path: str) -> bool:
    """Whether a path is names and dots alone."""
    return all(part.isidentifier() and not keyword.iskeyword(part) for part in path.split("."))
