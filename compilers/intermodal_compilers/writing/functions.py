"""The task functions of a module: each once, with the options that all its uses share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from intermodal import ir
from intermodal.analysis import graph
from intermodal.findings import Finding, warning
from intermodal_compilers.pysource import Expr, is_identifier
from intermodal_compilers.writing.library import Library
from intermodal_compilers.writing.names import ModuleNames
from intermodal_compilers.writing.pieces import Unit, read_unit, undefined
from intermodal_compilers.writing.policies import task_options
from intermodal_compilers.writing.signatures import NotWritable, misfit, type_options
from intermodal_compilers.writing.sources import Sources
from intermodal_compilers.writing.types import Types

Use = tuple[int, str]
"""A task, by the place of its pipeline in the module, and its id."""


@dataclass
class Definition:
    """A function that tasks call.

    Attributes:
        name: Its name in the module.
        base: The name that ids are made of.
        unit: Its source; None if it is imported.
        path: What it is called in the module that it is imported into.
        options: Options of each use.
        common: Those that all uses share: they stand in `@task(...)`.
    """

    name: str
    base: str
    unit: Unit | None = None
    path: str = ""
    options: dict[Use, dict[str, Expr]] = field(default_factory=dict)
    common: dict[str, Expr] = field(default_factory=dict)

    def settle(self) -> None:
        """Find what all uses share."""
        first, *others = self.options.values()
        self.common = {
            key: value
            for key, value in first.items()
            if all(key in other and other[key] == value for other in others)
        }

    def own(self, use: Use) -> dict[str, Expr]:
        """Options of this use alone."""
        return {k: v for k, v in self.options[use].items() if k not in self.common}


@dataclass
class Functions:
    """Finds the functions of pipelines, and what each task says beside its function."""

    names: ModuleNames
    types: Types
    by_use: dict[Use, Definition] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    sources: Sources = field(init=False)
    _known: dict[object, Definition | str] = field(default_factory=dict)
    _by_name: dict[str, Definition] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.sources = Sources(self.library)

    @property
    def library(self) -> Library:
        """What the functions bring along."""
        return self.names.library

    def definitions(self) -> list[Definition]:
        """Those that tasks call, in the order of their first use."""
        return list({id(each): each for each in self.by_use.values()}.values())

    def find(self, pipelines: Sequence[ir.Pipeline]) -> None:
        """Find the function of every task of these pipelines that calls one."""
        for place, pipeline in enumerate(pipelines):
            for task in graph.tasks(pipeline):
                call = called(task)
                if call is not None:
                    self._take((place, task.id), task, call)
                if isinstance(task.action, ir.Hosted):
                    self.sources.find(task)

    def settle(self, pipelines: Sequence[ir.Pipeline]) -> None:
        """Work out the options of every use, now that all names are known."""
        for place, pipeline in enumerate(pipelines):
            used = set(_used(pipeline))
            for task in graph.tasks(pipeline):
                definition = self.by_use.get((place, task.id))
                if definition is not None:
                    self._settle((place, task.id), task, definition, used=task.id in used)
        for definition in self.definitions():
            definition.settle()

    def _take(self, use: Use, task: ir.Task, call: ir.PythonCall) -> None:
        found = self._definition(call)
        reason = found if isinstance(found, str) else ""
        if isinstance(found, Definition):
            if found.unit is not None:
                reason = misfit(found.unit, task)
            elif not all(map(is_identifier, task.inputs)):
                reason = "its inputs have names that no parameter could have"
        if reason:
            self.findings.append(kept_as_it_is(task, f"of `{call.function}`, {reason}"))
        elif isinstance(found, Definition):
            self.by_use[use] = found

    def _definition(self, call: ir.PythonCall) -> Definition | str:
        key = (call.function, call.source or call.module)
        if key not in self._known:
            self._known[key] = self._read(call)
        return self._known[key]

    def _read(self, call: ir.PythonCall) -> Definition | str:
        if call.source is None:
            return self._imported(call)
        try:
            unit = read_unit(call.function, call.source)
        except (SyntaxError, ValueError, RecursionError) as problem:
            return f"the source cannot be read: {problem}"
        if unit.function.unfit:
            return unit.function.unfit
        if missing := undefined(unit):
            return f"it uses `{min(missing)}` when it is imported, which nothing defines"
        name = self.library.add(unit)
        if name is None:
            return "another function has its name, or that of something it uses"
        return self._by_name.setdefault(name, Definition(name, name, unit))

    def _imported(self, call: ir.PythonCall) -> Definition | str:
        parts = [*call.module.split("."), *call.function.split(".")]
        if not all(map(is_identifier, parts)):
            return "it has a name that cannot be imported"
        outer, *inner = call.function.split(".")
        bound = self.names.need(call.module, outer)
        name = self.names.claim(f"{call.function.replace('.', '_')}_task", "imported_task")
        return Definition(name, parts[-1], None, ".".join([bound, *inner]))

    def _settle(self, use: Use, task: ir.Task, definition: Definition, *, used: bool) -> None:
        docs = definition.unit.function.docs if definition.unit else None
        options = task_options(task, self.names, docs)
        call = called(task)
        if definition.unit is not None and call is not None:
            try:
                options |= type_options(definition.unit, task, call, self.types, used=used)
            except NotWritable as problem:
                self.findings.append(kept_as_it_is(task, f"of `{call.function}`, {problem}"))
                del self.by_use[use]
                return
        definition.options[use] = options


def called(task: ir.Task) -> ir.PythonCall | None:
    """The function that a task calls, or that it waits for."""
    action = task.action.check if isinstance(task.action, ir.Wait) else task.action
    return action if isinstance(action, ir.PythonCall) else None


def kept_as_it_is(task: ir.Task, why: str) -> Finding:
    """The finding about a task that is written as a node of the IR."""
    return warning(
        "PORT807",
        f"task `{task.id}` is written in the words of the IR",
        task.span,
        why=why,
        next="it runs as it is; to edit it, make it a function of the module, with plain parameters",
    )


def _used(pipeline: ir.Pipeline) -> Iterator[str]:
    """Ids of the nodes whose outputs something uses."""
    values: list[Iterable[ir.Expression]] = [pipeline.outputs.values()]
    for placed in graph.walk(pipeline):
        values.append(graph.expressions(placed.node))
        if isinstance(placed.node, ir.Branch):
            values += placed.node.outputs.values()
        elif not isinstance(placed.node, ir.Task):
            values.append(placed.node.outputs.values())
    values += [graph.expressions(task) for task in pipeline.exit_tasks]
    for group in values:
        for reference in graph.references(group):
            yield reference.node
