"""Files as text and syntax: reading, decoding, and finding the modules that a file imports."""

from __future__ import annotations

import ast
import gc
import os
import stat
import tokenize
import warnings
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from intermodal.findings import Finding, Span, error

LARGEST = 10 * 1024 * 1024
# Syntax takes a hundred times the room of its text.
LARGEST_CODE = 2 * 1024 * 1024
# How many helper modules are kept parsed, for the files that import them later.
MOST_KEPT = 256
# Folders whose modules are imported by their plain names: Airflow adds the first two to the path.
SEARCHED = ("dags", "plugins", "src")


class Module:
    """A file that is read: its syntax, its names, and where it lies."""

    def __init__(self, path: Path, shown: str, name: str, text: str, tree: ast.Module) -> None:
        self.path = path
        self.shown = shown
        self.name = name
        self.text = text
        self.tree = tree
        self.names: dict[str, Any] = {
            "__name__": name,
            "__file__": str(path),
            "__doc__": ast.get_docstring(tree, clean=False),
        }
        self.done = False
        self._lines: list[str] | None = None

    def span(self, node: ast.AST) -> Span:
        """Where a node stands."""
        return Span(self.shown, getattr(node, "lineno", 1), getattr(node, "col_offset", 0) + 1)

    def source(self, node: ast.AST) -> str:
        """The text of a node, as written; columns of `ast` count bytes."""
        first, last = getattr(node, "lineno", None), getattr(node, "end_lineno", None)
        if first is None or last is None:
            return ""
        if self._lines is None:
            self._lines = self.text.splitlines(keepends=True)
        lines = self._lines[first - 1 : last]
        if not lines:
            return ""
        start, end = node.col_offset, node.end_col_offset  # type: ignore[attr-defined]
        if len(lines) == 1:
            line = lines[0]
            return line[start:end] if line.isascii() else _cut(line, start, end)
        return "".join([_cut(lines[0], start, None), *lines[1:-1], _cut(lines[-1], 0, end)])


def _cut(line: str, start: int, end: int | None) -> str:
    return line.encode()[start:end].decode("utf-8", "replace")


def parse(path: Path, shown: str, name: str) -> tuple[Module | None, list[Finding]]:
    """Read and parse a file; one that cannot be gives a finding."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            return None, [error("PORT001", f"`{shown}` is no regular file", Span(shown))]
        if status.st_size > LARGEST_CODE:
            return None, [error("PORT002", f"`{shown}` is larger than 2 MiB", Span(shown))]
        data = path.read_bytes()
    except OSError as problem:
        return None, [error("PORT001", f"`{shown}` cannot be read: {problem.strerror}")]
    try:
        encoding, _ = tokenize.detect_encoding(BytesIO(data).readline)
        text = data.decode(encoding)
    except (SyntaxError, UnicodeDecodeError, LookupError):
        return None, [error("PORT002", f"`{shown}` is not text in the encoding it names")]
    return parse_text(text, path, shown, name)


def parse_text(text: str, path: Path, shown: str, name: str) -> tuple[Module | None, list[Finding]]:
    """Parse a file's text; what is no Python of today gives a finding."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = _syntax(text)
    except SyntaxError as problem:
        place = Span(shown, problem.lineno or 1, max(problem.offset or 1, 1))
        return None, [
            error(
                "PORT003",
                f"`{shown}` is not valid Python: {problem.msg}",
                place,
                next="files of Python 2 must be converted first; Airflow cannot load them either",
            )
        ]
    except (ValueError, RecursionError, MemoryError) as problem:
        return None, [error("PORT003", f"`{shown}` cannot be parsed: {problem}", Span(shown))]
    return Module(path, shown, name, text, tree), []


def _syntax(text: str) -> ast.Module:
    """The syntax of a text; the collector would look through its many objects for nothing meanwhile."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        return ast.parse(text.removeprefix("\ufeff"))
    finally:
        if was_on:
            gc.enable()


class Sources:
    """Modules below the roots, each read once."""

    def __init__(self, roots: list[Path]) -> None:
        self.roots = list(dict.fromkeys(roots))
        self._listed: dict[Path, frozenset[str]] = {}
        self._found: dict[tuple[str, Path | None, tuple[Path, ...]], Path | None] = {}
        self._parsed: dict[Path, tuple[Module | None, list[Finding]]] = {}

    def shown(self, path: Path) -> str:
        """A path as findings show it: from the working folder, or from a root."""
        for base in (Path.cwd(), *self.roots):
            if path.is_relative_to(base):
                return path.relative_to(base).as_posix()
        return path.as_posix()

    def name_of(self, path: Path) -> str:
        """The module name of a file, from the nearest root."""
        for base in self.roots:
            if path != base and path.is_relative_to(base):
                parts = path.relative_to(base).with_suffix("").parts
                return ".".join(p for p in parts if p != "__init__") or path.stem
        return path.stem

    def locate(
        self, name: str, beside: Path | None = None, more: Sequence[Path] = ()
    ) -> Path | None:
        """The file of a module; a package gives its folder.

        It is looked for below the roots, then in `more` (what the file adds to `sys.path`), in the folder of
        the importing file, and in `dags` and `plugins`, which Airflow searches.
        """
        key = (name, beside, tuple(more))
        if key not in self._found:
            bases = dict.fromkeys([*self.roots, *more, *self._around(beside), *self._searched()])
            top = name.partition(".")[0]
            likely = (base for base in bases if top in self._tops(base))
            found = next(filter(None, (_file_of(base, name) for base in likely)), None)
            # An environment that lies inside the repository is not the user's code.
            self._found[key] = None if found and "site-packages" in found.parts else found
        return self._found[key]

    def _tops(self, base: Path) -> frozenset[str]:
        """Names of what lies right in a folder, modules without their suffix; listed once.

        Most imports are of installed packages, and no folder is asked for each part of their names.
        """
        if base not in self._listed:
            try:
                entries = [entry.name for entry in os.scandir(base)]
            except OSError:  # there is no such folder
                entries = []
            self._listed[base] = frozenset(name.removesuffix(".py") for name in entries)
        return self._listed[base]

    def _around(self, folder: Path | None) -> list[Path]:
        """A folder, where its packages start, and what around it Airflow would search."""
        if folder is None:
            return []
        top = folder
        while (top / "__init__.py").is_file():
            top = top.parent
        around = (one for one in folder.parents if one.name in SEARCHED and self.inside(one))
        return [folder, top, *around]

    def _searched(self) -> list[Path]:
        return [base / name for base in self.roots for name in SEARCHED]

    def load(
        self, path: Path, name: str, *, keep: bool = False
    ) -> tuple[Module | None, list[Finding]]:
        """A fresh module for a file; the syntax of one that is to be kept is parsed once."""
        found, findings = self._parsed.get(path) or parse(path, self.shown(path), name)
        if keep:
            self._parsed[path] = (found, findings)
            while len(self._parsed) > MOST_KEPT:
                del self._parsed[next(iter(self._parsed))]
        if found is None:
            return None, findings
        return Module(found.path, found.shown, name, found.text, found.tree), findings

    def inside(self, path: Path) -> bool:
        """Whether a file may be read: it lies below a root."""
        return any(path.is_relative_to(base) for base in self.roots)


def _file_of(base: Path, name: str) -> Path | None:
    try:
        return _existing(base.joinpath(*name.split(".")))
    except (OSError, ValueError):  # a name that is no file's: too long, or with odd characters
        return None


def _existing(place: Path) -> Path | None:
    module = place.with_name(f"{place.name}.py")
    if module.is_file():
        return module
    if (place / "__init__.py").is_file():
        return place / "__init__.py"
    if place.is_dir() and next(place.glob("*.py"), None) is not None:
        return place
    return None
