"""Pipelines as one Python module: what a user would have written, and keeps."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field

from intermodal import ir
from intermodal.findings import Finding, error
from intermodal.frozen import Frozen
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
from intermodal_compilers.writing.library import Library
from intermodal_compilers.writing.names import ModuleNames, variable
from intermodal_compilers.writing.pipelines import PipelineWriter
from intermodal_compilers.writing.types import Types


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
    siblings = {
        each.name: names.claim(variable(each.name), f"{variable(each.name)}_pipeline")
        for each in kept
    }
    names.hidden = {name for each in kept for name in each.parameters}
    functions.settle(kept)
    called = frozenset(each.name for each in functions.definitions())
    blocks = [
        PipelineWriter(place, each, functions, siblings, called | {*siblings.values()}).lines()
        for place, each in enumerate(kept)
    ]
    source = Source()
    source.add(*docstring(caption or _caption(kept)))
    statements = _statements(functions)
    source.add(*_imports(names, functions, worker_only=worker_only))
    _add(source, [*statements, *blocks])
    renamed = functions.library.renamed
    return Written(source.text(), (*findings, *functions.findings), renamed)


def _statements(functions: Functions) -> list[list[str]]:
    """Classes, and what the users' functions bring along, tasks decorated."""
    names, library = functions.names, functions.library
    decorated = {
        library.functions[each.name]: each for each in functions.definitions() if each.unit
    }
    found: list[list[str]] = []
    for piece in library.ordered():
        definition = decorated.get(piece.text)
        decorator = [] if definition is None else _decorator(definition, names)
        found.append([*decorator, *piece.text.rstrip().split("\n")])
    found += [_imported(each, names) for each in functions.definitions() if each.unit is None]
    return [*functions.types.classes, *found]


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


def _imports(names: ModuleNames, functions: Functions, *, worker_only: bool) -> list[str]:
    items = names.import_items()
    at_once = functions.library.at_once
    late = [
        item
        for item in items
        if worker_only and item not in names.imports and _is_foreign(item)
        if item.bound not in at_once
    ]
    if late:
        block = names.ours("worker_imports")
        items = names.import_items()
    plain = import_lines(item for item in items if item not in late)
    lines = ["", *plain] if plain else []
    if late:
        lines += ["", f"with {block}():", *_indented(import_lines(late))]
    return lines


def _is_foreign(item: Import) -> bool:
    top = item.module.split(".")[0]
    return top not in sys.stdlib_module_names and top != "intermodal"


def _indented(lines: list[str]) -> Iterator[str]:
    for line in filter(None, lines):
        if len(line) + len(INDENT) <= WIDTH or not line.startswith("from "):
            yield INDENT + line
            continue
        module, _, given = line.partition(" import ")
        yield f"{INDENT}{module} import ("
        yield from (f"{INDENT}{INDENT}{name}," for name in given.split(", "))
        yield f"{INDENT})"


def _add(source: Source, blocks: list[list[str]]) -> None:
    """Blocks as formatters part them: two blank lines around functions and classes."""
    before_apart, first = True, True
    for block in blocks:
        apart = block[0].startswith(("def ", "async def ", "class ", "@"))
        if apart or before_apart:
            source.blank(1 if first and not apart else 2)
        source.add(*block)
        before_apart, first = apart, False


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
