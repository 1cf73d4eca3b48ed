"""Reading source expressions: what they bring is parsed, and anything that is not what it should be is refused."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import field
from functools import lru_cache

from intermodal.frozen import Frozen
from intermodal.ir import SourceExpression
from intermodal_compilers.airflow.hosted.paths import retarget
from intermodal_compilers.airflow.hosted.scopes import NOT_PYTHON, ModuleNames, renamed


class Import(Frozen):
    """One imported name: `import module` if `name` is empty, else `from module import name`.

    Attributes:
        bound: The name it gets in the file; for `import a.b` that is `a`.
    """

    module: str
    name: str
    bound: str

    @property
    def what(self) -> tuple[str, str]:
        """What the bound name means; every `import a.b` makes the same `a`."""
        if self.name:
            return self.module, self.name
        return ("", self.bound) if self.bound == self.module.split(".")[0] else ("", self.module)

    @property
    def line(self) -> str:
        """The statement."""
        if not self.name:
            plain = self.bound == self.module.split(".")[0]
            return f"import {self.module}" + ("" if plain else f" as {self.bound}")
        same = self.bound == self.name
        return f"from {self.module} import {self.name}" + ("" if same else f" as {self.bound}")

    def bind(self, name: str) -> Import:
        """The same under another name."""
        return Import(self.module, self.name, name)


class Definition(Frozen):
    """Statements of the top of a file.

    Attributes:
        text: As it was written.
        bound: Names that it binds.
        loaded: Names of the module that it uses.
        touched: Names whose values it may change.
    """

    text: str
    bound: frozenset[str]
    loaded: frozenset[str]
    touched: frozenset[str]


class Piece(Frozen):
    """A source expression that was read.

    Attributes:
        text: One expression of Python.
        future: Whether its file does not evaluate annotations.
    """

    text: str
    imports: tuple[Import, ...] = ()
    definitions: tuple[Definition, ...] = ()
    loaded: frozenset[str] = field(default=frozenset())
    future: bool = False

    @property
    def names(self) -> dict[str, object]:
        """What each name means that the piece brings: an import, or the statements about it."""
        found: dict[str, object] = {one.bound: one.what for one in self.imports}
        about: dict[str, list[str]] = {}
        for definition in self.definitions:
            for name in sorted(definition.touched):
                about.setdefault(name, []).append(definition.text)
        bound = {name for definition in self.definitions for name in definition.bound}
        for name, texts in about.items():
            if name in bound:
                found[name] = (found.get(name), *texts)
        return found

    def rename(self, names: Mapping[str, str]) -> Piece:
        """The same with other names.

        Raises:
            ValueError: One stands where it cannot be changed.
        """
        if not names:
            return self
        text = renamed(self.text, names).strip()
        return Piece(
            text,
            tuple(one.bind(names.get(one.bound, one.bound)) for one in self.imports),
            tuple(definition_of(renamed(one.text, names)) for one in self.definitions),
            frozenset(names.get(name, name) for name in self.loaded),
            self.future,
        )


class NotReadableError(ValueError):
    """A source expression that is not what it should be; its text says why, for the user."""


def read(source: SourceExpression, version: str) -> Piece:
    """Read a source expression for a version of Airflow.

    Raises:
        NotReadableError: It is not one expression, or what it brings is not imports and statements.
    """
    try:
        return _read(source, version)
    except NotReadableError:
        raise
    except NOT_PYTHON as problem:
        raise NotReadableError(f"it is not Python: {problem}") from problem


# Keyword arguments of what changed its name, by the new path; None where the version has no such argument.
KEYWORDS: Mapping[str, Mapping[str, str | None]] = {
    "airflow.timetables.assets.AssetOrTimeSchedule": {"datasets": "assets"},
    "airflow.timetables.datasets.DatasetOrTimeSchedule": {"assets": "datasets"},
}
NAMELESS = "airflow.datasets.Dataset"


def _read(source: SourceExpression, version: str) -> Piece:
    text = _expression(source.text)
    imports: dict[str, Import] = {}
    future = False
    names: dict[str, str] = {}
    for statement in source.imports:
        for one in _imports(statement):
            if one.module == "__future__":
                future = future or one.name == "annotations"
                continue
            moved = _moved(one, version)
            if moved.bound != one.bound:
                names[one.bound] = moved.bound
            imports[f"{moved.bound} {moved.module}"] = moved
    definitions = tuple(definition_of(_retargeted(t, version)) for t in source.definitions)
    loaded = frozenset(ModuleNames(ast.parse(text)).loaded)
    # A name that changed with its class changes in the text; the import has it already.
    old = {bound: name for name, bound in names.items()}
    back = tuple(one.bind(old.get(one.bound, one.bound)) for one in imports.values())
    piece = Piece(text, back, definitions, loaded, future).rename(names)
    return _with_keywords(piece)


def _with_keywords(piece: Piece) -> Piece:
    """The piece with keyword arguments as the version's own classes have them.

    Raises:
        NotReadableError: One that the version has nothing for.
    """
    paths = {one.bound: f"{one.module}.{one.name}" for one in piece.imports if one.name}
    wanted = {bound: path for bound, path in paths.items() if path in KEYWORDS or path == NAMELESS}
    if not wanted:
        return piece
    return Piece(
        _expression(_keywords(piece.text, wanted)),
        piece.imports,
        tuple(definition_of(_keywords(one.text, wanted)) for one in piece.definitions),
        piece.loaded,
        piece.future,
    )


def _keywords(text: str, paths: Mapping[str, str]) -> str:
    """A text with other keywords in the calls of some names."""
    lines = [line.encode() for line in text.split("\n")]
    edits = []
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        path = paths.get(node.func.id, "")
        given = {keyword.arg for keyword in node.keywords}
        table: Mapping[str, str | None] = KEYWORDS.get(path, {})
        if path == NAMELESS and "name" in given:
            table = {"name": None if "uri" in given or node.args else "uri"}
        found = ((keyword, keyword.arg or "") for keyword in node.keywords)
        edits += [(keyword, table[name], path) for keyword, name in found if name in table]
    for keyword, new, path in sorted(edits, key=lambda e: (-e[0].lineno, -e[0].col_offset)):
        if new is None:
            raise NotReadableError(f"`{path}` takes no `{keyword.arg}` beside its URI")
        at, start = keyword.lineno - 1, keyword.col_offset
        end = start + len((keyword.arg or "").encode())
        lines[at] = lines[at][:start] + new.encode() + lines[at][end:]
    return b"\n".join(lines).decode()


def _expression(text: str) -> str:
    """One expression, on one line.

    Raises:
        NotReadableError: It is something else.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    tree = ast.parse(text, mode="eval")
    for node in ast.walk(tree):
        if isinstance(node, (ast.NamedExpr, ast.Await, ast.Yield, ast.YieldFrom)):
            raise NotReadableError(
                "it binds names or waits, which an expression in a file must not"
            )
    try:
        ast.parse(f"({text})", mode="eval")
        fits = "\n" not in text
    except SyntaxError:
        fits = False  # a comment at its end would take in what comes after it
    return text if fits else ast.unparse(tree)


def _imports(statement: str) -> Iterator[Import]:
    body = ast.parse(statement.strip()).body
    node = body[0] if len(body) == 1 else None
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield Import(alias.name, "", alias.asname or alias.name.split(".")[0])
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        for alias in node.names:
            if alias.name == "*":
                raise NotReadableError(f"`{statement.strip()}` brings names that nobody knows")
            yield Import(node.module, alias.name, alias.asname or alias.name)
    else:
        raise NotReadableError(
            f"{statement.strip()[:80]!r} is not one import of a module by its name"
        )


def _moved(one: Import, version: str) -> Import:
    """The import as a version of Airflow has it; a name that only came along changes with its class."""
    if not one.name:
        return one
    module, _, name = retarget(f"{one.module}.{one.name}", version).rpartition(".")
    return Import(module, name, name if one.bound == one.name else one.bound)


@lru_cache(maxsize=4096)
def definition_of(text: str) -> Definition:
    """Statements, read.

    Raises:
        NotReadableError: There are none.
        SyntaxError: It is not Python.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip("\n")
    tree = ast.parse(text)
    if not tree.body:
        raise NotReadableError("a definition is empty")
    names = ModuleNames(tree)
    touched = set(names.bound)
    for node in tree.body:
        touched |= _changed(node)
    return Definition(text, frozenset(names.bound), frozenset(names.loaded), frozenset(touched))


def _changed(node: ast.stmt) -> set[str]:
    """Names whose values a statement may change without binding them: `x[0] = 1`, `x.update(...)`."""
    targets: list[ast.AST] = []
    for part in _executed(node):
        if isinstance(part, (ast.Assign, ast.Delete)):
            targets += part.targets
        elif isinstance(part, (ast.AugAssign, ast.AnnAssign)):
            targets.append(part.target)
        elif isinstance(part, ast.Expr) and isinstance(part.value, ast.Call):
            targets.append(part.value)
    return {
        part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)
    }


def _executed(node: ast.stmt) -> Iterator[ast.AST]:
    """A statement and those inside it that run when it does."""
    pending: list[ast.AST] = [node]
    while pending:
        part = pending.pop()
        if not isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield part
            pending += ast.iter_child_nodes(part)


@lru_cache(maxsize=4096)
def _retargeted(text: str, version: str) -> str:
    """Statements with the imports inside them as a version of Airflow has them."""
    if "airflow" not in text:
        return text
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    edits = []
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.ImportFrom) or node.level or not node.module:
            continue
        moved = [
            _moved(Import(node.module, a.name, a.asname or a.name), version) for a in node.names
        ]
        kept = [one.bind(a.asname or a.name) for one, a in zip(moved, node.names, strict=True)]
        before = [Import(node.module, a.name, a.asname or a.name) for a in node.names]
        if kept != before and "*" not in (a.name for a in node.names):
            edits.append((node, "; ".join(one.line for one in kept)))
    lines = text.split("\n")
    for node, line in sorted(edits, key=lambda edit: -edit[0].lineno):
        first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
        start = lines[first].encode()[: node.col_offset].decode()
        end = lines[last].encode()[node.end_col_offset :].decode()
        margin = start if not start.strip() else ""
        joined = (
            line.replace("; ", f"\n{margin}") if not start.strip() and not end.strip() else line
        )
        lines[first : last + 1] = f"{start}{joined}{end}".split("\n")
    return "\n".join(lines)
