"""What an emitted file takes over of the user's own: imports and definitions of all source expressions, once each."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable

from intermodal.findings import Finding, error, note
from intermodal.ir import SourceExpression
from intermodal_compilers.airflow.embed import import_lines
from intermodal_compilers.airflow.hosted.paths import is_nowhere, retarget
from intermodal_compilers.airflow.hosted.reading import (
    Definition,
    Import,
    NotReadableError,
    Piece,
    read,
)
from intermodal_compilers.airflow.hosted.scopes import ModuleNames
from intermodal_compilers.pysource import INDENT, WIDTH

# Variables that the emitter makes.
VARIABLES = ("dag",)


class Sources:
    """Gathers source expressions; where two mean different things by one name, the later one is renamed.

    `own` are the names of Airflow's that the emitter itself will write.
    """

    def __init__(self, version: str, own: Iterable[str] = ()) -> None:
        self.version = version
        self.findings: list[Finding] = []
        self.definitions: dict[str, Definition] = {}
        self.future = False
        self.local_modules: dict[str, SourceExpression] = {}
        self._imports: dict[str, Import] = {}
        self._means: dict[str, object] = {}
        self._used: set[str] = set()
        self._pieces: dict[int, tuple[SourceExpression, Piece | None]] = {}
        for name in own:
            self._means[name] = self._own(name).what
        for name in VARIABLES:
            self._means[name] = "made by the emitter"

    def _own(self, name: str) -> Import:
        module, _, found = retarget(f"airflow.sdk.{name}", self.version).rpartition(".")
        return Import(module, found, name)

    def use(self, name: str) -> str:
        """A name of Airflow's that the emitter writes: imported from now on."""
        self._imports[name] = self._own(name)
        return name

    def use_class(self, path: str) -> str:
        """Import a class by its path, as the target's version has it; the name to write."""
        module, _, name = retarget(path, self.version).rpartition(".")
        one = Import(module, name, name)
        bound = self._free(name, one.what)
        self._bring_import(one.bind(bound))
        return bound

    def piece(self, source: SourceExpression) -> Piece | None:
        """What is printed of a source expression; None if it cannot be read, with a finding."""
        known = self._pieces.get(id(source))
        if known is None:
            piece = self.read(source)
            if piece is not None:
                piece = self.bring(piece, source)
            # The expression is kept with it, so that its id stays its own.
            known = self._pieces[id(source)] = (source, piece)
        return known[1]

    def read(self, source: SourceExpression) -> Piece | None:
        """A source expression, read but not yet part of the file."""
        try:
            return read(source, self.version)
        except NotReadableError as problem:
            self.findings.append(_not_readable(source, str(problem)))
            return None

    def bring(self, piece: Piece, source: SourceExpression) -> Piece | None:
        """Make a piece part of the file, under other names where its own mean something else here."""
        try:
            names = self.fitting(piece)
            piece = piece.rename(names)
        except (ValueError, RecursionError) as problem:
            self.findings.append(_not_readable(source, str(problem)))
            return None
        self._means |= piece.names
        for one in piece.imports:
            self._bring_import(one)
        for definition in piece.definitions:
            self.definitions.setdefault(definition.text, definition)
        self.future = self.future or piece.future
        self._used |= piece.loaded
        for module in source.local_modules:
            self.local_modules.setdefault(module, source)
        return piece

    def fitting(self, piece: Piece) -> dict[str, str]:
        """Other names for those of a piece that mean something else here.

        Raises:
            ValueError: A name that would have to change cannot.
        """
        found: dict[str, str] = {}
        changed = piece
        while True:
            names = changed.names
            taken = next((n for n, what in names.items() if self._means.get(n, what) != what), None)
            if taken is None:
                return found
            old = next((before for before, after in found.items() if after == taken), taken)
            found[old] = self._other_name(changed, taken)
            changed = piece.rename(found)

    def _other_name(self, piece: Piece, name: str) -> str:
        number, names = 2, piece.names
        while True:
            new = f"{name}_{number}"
            if new not in names:
                what = piece.rename({name: new}).names[new]
                if self._means.get(new, what) == what:
                    return new
            number += 1

    def local_findings(self) -> list[Finding]:
        """A note for each module of the user's project that the file imports."""
        return [
            note(
                "PORT121",
                f"the DAG file imports `{module}`, which is part of your project",
                source.span,
                why="it is not taken along",
                next="put it where Airflow's workers import it from, as before",
            )
            for module, source in self.local_modules.items()
        ]

    def means(self, name: str) -> object:
        """What a name means in the file so far; None if nothing."""
        return self._means.get(name)

    def claim(self, name: str, what: object) -> None:
        """Give a name a meaning."""
        self._means[name] = what

    def loaded(self) -> set[str]:
        """Names that definitions use of their module."""
        return {name for one in self.definitions.values() for name in one.loaded}

    def taken(self) -> set[str]:
        """Names that no variable may have: used or bound by the user's own source, or Python's."""
        return {*self._means, *self.loaded(), *self._used, *dir(builtins)}

    def _free(self, name: str, what: object) -> str:
        number, wanted = 1, name
        while self._means.get(wanted, what) != what:
            number += 1
            wanted = f"{name}_{number}"
        return wanted

    def _bring_import(self, one: Import) -> None:
        self._means[one.bound] = one.what
        self._imports[one.line] = one

    # Printing

    def modules(self) -> Iterable[str]:
        """Modules that the file imports."""
        found = {one.module for one in self._imports.values()}
        for definition in self.definitions.values():
            found |= imported_inside(definition.text)
        return found

    def nowhere(self) -> list[str]:
        """Imports that the target's version certainly does not have."""
        paths = {f"{one.module}.{one.name}" for one in self._imports.values() if one.name}
        return sorted(path for path in paths if is_nowhere(path, self.version))

    def import_lines(self, more: Iterable[str] = ()) -> list[str]:
        """The import statements, sorted, with `from __future__` first where it is needed."""
        lines = import_lines(sorted({one.line for one in self._imports.values()} | set(more)))
        lines = [part for line in lines for part in _wrapped(line)]
        if self.future or self._needs_future():
            return ["from __future__ import annotations", *([""] if lines else []), *lines]
        return lines

    def _needs_future(self) -> bool:
        """Whether annotations use names that the file does not have."""
        known = {*self._means, *dir(builtins)}
        return any(
            not names_of_annotations(definition.text) <= known
            for definition in self.definitions.values()
        )


def names_of_annotations(text: str) -> set[str]:
    """Names of the module that annotations of functions use."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.arg) and node.annotation is not None:
            found |= ModuleNames(node.annotation).loaded
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.returns is not None:
            found |= ModuleNames(node.returns).loaded
    return found


def imported_inside(text: str) -> set[str]:
    """Modules that statements import, inside functions too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


def separated(texts: Iterable[str]) -> list[str]:
    """Definitions with the blank lines that formatters put between them."""
    lines: list[str] = []
    block = True
    for text in texts:
        is_block = text.startswith(("def ", "async def ", "class ", "@"))
        if lines:
            lines += [""] * (2 if block or is_block else 0)
        block = is_block
        lines += text.split("\n")
    return lines


def _wrapped(line: str) -> list[str]:
    """An import statement in brackets where it is too long for a line."""
    head, _, names = line.partition(" import ")
    if len(line) <= WIDTH or not head.startswith("from ") or " as " in names:
        return [line]
    return [f"{head} import (", *(f"{INDENT}{name}," for name in names.split(", ")), ")"]


def _not_readable(source: SourceExpression, why: str) -> Finding:
    return error(
        "PORT204",
        f"a source expression cannot be written into a file: {source.text[:60]!r}",
        source.span,
        why=why,
        next="give one expression of Python, imports of single modules, and whole statements",
    )
