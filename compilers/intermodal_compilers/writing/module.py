"""Pipelines as one Python module: what a user would have written, and keeps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field

from intermodal import ir
from intermodal.findings import Finding, error
from intermodal.frozen import Frozen
from intermodal.margins import indented
from intermodal_compilers.pyimports import Import, import_lines
from intermodal_compilers.pysource import (
    INDENT,
    WIDTH,
    Call,
    Expr,
    Name,
    Source,
    docstring,
    layout,
)
from intermodal_compilers.writing.functions import Definition, Functions
from intermodal_compilers.writing.late import late_of
from intermodal_compilers.writing.library import Library
from intermodal_compilers.writing.names import BUILTINS, ModuleNames, variable
from intermodal_compilers.writing.pieces import Piece
from intermodal_compilers.writing.pipelines import PipelineWriter
from intermodal_compilers.writing.sources import is_foreign
from intermodal_compilers.writing.types import Types

COMPARED = "# ruff: noqa: E711, E712 - what is compared are values of a run"


class Written(Frozen):
    """A module's text.

    Attributes:
        text: The text.
        findings: What could not be written as a user would.
        renamed: Names of users' functions and definitions as they were, by those that they have in the
            module instead, because another one has theirs.
    """

    text: str
    findings: tuple[Finding, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)


def write_module(
    pipelines: Sequence[ir.Pipeline], *, caption: str = "", worker_only: bool = False
) -> Written:
    """Write pipelines as one Python module that loads back to them.

    Functions stand in it as they were captured, each once; names that mean different things in different
    functions get numbers. What has no words of its own in authoring stands there as a node of the IR.

    Args:
        pipelines: Valid pipelines without hosted parts, with different names.
        caption: What the module's docstring says; by default what the first pipeline says of itself.
        worker_only: Whether packages that only bodies of functions use may be missing where the module is
            loaded: their imports stand in a block that says so.
    """
    findings = [finding for finding in map(_foreign, pipelines) if finding]
    kept = [pipeline for pipeline in pipelines if pipeline.hosted is None]
    names = ModuleNames(Library())
    functions = Functions(names, Types(names))
    functions.find(kept)
    shown = [names.claim(variable(each.name), f"{variable(each.name)}_pipeline") for each in kept]
    siblings = {each.name: name for each, name in zip(kept, shown, strict=True)}
    names.hidden = {name for each in kept for name in each.parameters}
    functions.settle(kept)
    called = frozenset(
        [*shown, *functions.sources.named, *(each.name for each in functions.definitions())]
    )
    blocks = [
        PipelineWriter(place, each, name, functions, siblings, called).lines()
        for place, (each, name) in enumerate(zip(kept, shown, strict=True))
    ]
    # What classes of other ecosystems are made with is theirs: it may be missing here.
    worker_only = worker_only or functions.sources.brings
    text = _Top(functions, worker_only=worker_only).lines(caption or _caption(kept), blocks)
    renamed = functions.library.renamed
    return Written(text, (*findings, *functions.findings), renamed)


class _Top:
    """Lays out the module: its docstring, imports, statements of the users' and pipelines."""

    def __init__(self, functions: Functions, *, worker_only: bool) -> None:
        self.functions = functions
        self.names = functions.names
        library = functions.library
        defined = [each for each in functions.definitions() if each.unit]
        self.tasks = {library.functions[each.name]: each for each in defined}
        self.pieces = library.ordered()
        own = self.names.imports
        items = [item for item in library.imports if is_foreign(item) and item not in own]
        self.late = late_of(self.pieces, items if worker_only else (), self.tasks)
        bound = library.bound() | BUILTINS
        # Names that only the original's own `from __future__ import annotations` allowed.
        self.lazy = self.late.lazy or any(piece.annotated - bound for piece in self.pieces)

    def lines(self, caption: str, pipelines: list[list[str]]) -> str:
        """The whole text."""
        source = Source()
        source.add(*docstring(caption))
        statements = self._statements()
        imports = self._imports()
        if self.names.compares_constants:
            source.add("", COMPARED)
        if imports:
            source.add("", *imports)
        _add(source, [*statements, *pipelines])
        return source.text()

    def _statements(self) -> list[list[str]]:
        """Classes, and what the users' functions bring along, tasks decorated."""
        late = {piece.text for piece in self.late.pieces}
        before = [piece for piece in self.pieces if piece.text in self.late.before]
        after = [p for p in self.pieces if p.text not in late and p.text not in self.late.before]
        definitions = self.functions.definitions()
        found = [self._piece(piece) for piece in before]
        if self.late.imports:
            found.append(self._block())
        found += [self._piece(piece) for piece in after]
        found += [_imported(each, self.names) for each in definitions if each.unit is None]
        return [*self.functions.types.classes, *found]

    def _piece(self, piece: Piece) -> list[str]:
        definition = self.tasks.get(piece.text)
        decorator = [] if definition is None else _decorator(definition, self.names)
        return [*decorator, *piece.text.rstrip().split("\n")]

    def _block(self) -> list[str]:
        """`with worker_imports():`, with what cannot be run without its imports."""
        inside = Source()
        inside.add(*_short(import_lines(self.late.imports)))
        before = "@"
        for piece in self.late.pieces:
            if _stands_apart(piece.text) or _stands_apart(before):
                inside.blank()
            inside.add(*piece.text.rstrip().split("\n"))
            before = piece.text
        text = "\n".join(inside.lines)
        return [f"with {self.names.ours('worker_imports')}():", *indented(text, INDENT)]

    def _imports(self) -> list[str]:
        plain = [item for item in self.names.import_items() if item not in self.late.imports]
        future = [Import("__future__", "annotations")] if self.lazy else []
        return import_lines([*future, *plain])


def _decorator(definition: Definition, names: ModuleNames) -> list[str]:
    task = names.ours("task")
    if not definition.common:
        return [f"@{task}"]
    return layout(Call(Name(task), (), definition.common), prefix="@")


def _imported(definition: Definition, names: ModuleNames) -> list[str]:
    """`fetch_task = task(fetch)`."""
    task: Expr = Name(names.ours("task"))
    if definition.common:
        task = Call(task, (), definition.common)
    return layout(Call(task, (Name(definition.path),)), prefix=f"{definition.name} = ")


def _short(lines: list[str]) -> Iterator[str]:
    """Lines of imports that still fit when they are indented."""
    for line in filter(None, lines):
        if len(line) + len(INDENT) <= WIDTH or not line.startswith("from "):
            yield line
            continue
        module, _, given = line.partition(" import ")
        yield f"{module} import ("
        yield from (f"{INDENT}{name}," for name in given.split(", "))
        yield ")"


def _stands_apart(text: str) -> bool:
    return text.startswith(("def ", "async def ", "class ", "@"))


def _add(source: Source, blocks: list[list[str]]) -> None:
    """Blocks as formatters part them: two blank lines around functions and classes."""
    before = ""
    for block in blocks:
        apart = _stands_apart(block[0]) or (before != "" and _stands_apart(before))
        if apart:
            source.blank(2)
        elif not before or "with " in (before[:5], block[0][:5]):
            source.blank()
        source.add(*block)
        before = block[0]


def _caption(pipelines: Sequence[ir.Pipeline]) -> str:
    if len(pipelines) == 1:
        told = pipelines[0].description.strip().split("\n")[0].lstrip("# ")
        return told if 0 < len(told) <= WIDTH - 8 else f"The pipeline {pipelines[0].name}."
    shown = f"The pipelines {', '.join(each.name for each in pipelines)}."
    return shown if len(shown) <= WIDTH - 8 else f"{len(pipelines)} pipelines."


def _foreign(pipeline: ir.Pipeline) -> Finding | None:
    """The error about a pipeline that only another ecosystem understands."""
    if pipeline.hosted is None:
        return None
    return error(
        "PORT807",
        f"`{pipeline.name}` is a pipeline of `{pipeline.hosted.ecosystem}`, and cannot be written",
        pipeline.span,
        why="what it says stands in the words of that ecosystem",
        next="translate it first: `intermodal.ecosystems.translate`",
    )
