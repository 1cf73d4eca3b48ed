"""Classes of Airflow's own among tasks in neutral terms: each is written as the operator that it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from intermodal.analysis import graph
from intermodal.compiling import Target
from intermodal.findings import Finding, error
from intermodal.ir import (
    Expression,
    Format,
    Hosted,
    ItemRef,
    ListOf,
    Literal_,
    MapOf,
    OutputRef,
    ParameterRef,
    Pipeline,
    RunFact,
    SourceExpression,
    Task,
)
from intermodal_compilers.airflow import templates
from intermodal_compilers.airflow.dialects import DIALECTS, STANDARD_IMPORTS
from intermodal_compilers.airflow.hosted.expressions import AIRFLOW, brought, call_of, of_python
from intermodal_compilers.airflow.hosted.packages import provider_packages
from intermodal_compilers.airflow.hosted.reading import Import
from intermodal_compilers.airflow.hosted.settings import (
    Fitted,
    class_finding,
    task_arguments,
)
from intermodal_compilers.airflow.hosted.sources import Sources, separated
from intermodal_compilers.airflow.names import HELPERS
from intermodal_compilers.airflow.values import Values
from intermodal_compilers.pysource import (
    Attribute,
    Call,
    Expr,
    Name,
    Value,
    dict_of,
    is_identifier,
    list_of,
)

# What an operator has no place for; it has arguments of its own instead.
NO_PLACE = ("inputs", "environment", "secrets", "cache", "tracks")
PLAIN = (Literal_, OutputRef, ParameterRef, ItemRef)


class HostedClasses:
    """The hosted classes of one pipeline; what they bring is part of the file before all else is named."""

    def __init__(self, pipeline: Pipeline, target: Target) -> None:
        self.target = target
        self.tasks = [task for task in graph.tasks(pipeline) if isinstance(task.action, Hosted)]
        self.sources = Sources(target.version)
        self.findings: list[Finding] = []
        self.kinds: dict[tuple[str, SourceExpression | None], Expr] = {}
        self.reserved: set[str] = set()
        self.findings += _elsewhere(pipeline, str(target))
        if self.tasks:
            self._reserve(pipeline)
        for task in self.tasks:
            self._bring(task)

    def _reserve(self, pipeline: Pipeline) -> None:
        """Names that the file may use for itself mean there what they mean in it."""
        self.reserved = {*HELPERS, pipeline.name, "dag", "item", *pipeline.parameters}
        for name in self.reserved:
            self.sources.claim(name, "made by the emitter")
        for name, (module, imported) in STANDARD_IMPORTS.items():
            self.sources.claim(name, Import(module, imported or "", name).what)
        for name, module in DIALECTS[self.target.version].imports.items():
            self.sources.claim(name, (module, name))

    def _bring(self, task: Task) -> None:
        action, whose = task.action, f"`{task.id}`"
        assert isinstance(action, Hosted)
        self.findings += self._unplaced(task)
        kind = action.class_path.rpartition(".")[2]
        target = str(self.target)
        if (finding := class_finding(kind, target, whose, task.span)) is not None:
            self.findings.append(finding)
        fitted = self._fitted(task, action)
        self.findings += fitted.findings
        maps = () if action.expand_maps is None else (action.expand_maps,)
        for expression in (*fitted.arguments.values(), *action.expand.values(), *maps):
            self.findings += self._unwritten(expression, task)
            for source in brought(expression):
                self.sources.piece(source)
        if action.class_source is not None:
            piece = self.sources.piece(action.class_source)
            self.kinds[_kind_of(action)] = of_python(piece.text) if piece else Value(None)
        elif all(map(is_identifier, action.class_path.split("."))) and "." in action.class_path:
            self.kinds[_kind_of(action)] = Name(self.sources.use_class(action.class_path))
        else:
            what = f"`{task.id}` is of no class that can be imported: {action.class_path[:80]!r}"
            self.findings.append(_refused(what, task, "a class's path is its module and its name"))
            self.kinds[_kind_of(action)] = Value(None)  # never printed

    def _unplaced(self, task: Task) -> Iterator[Finding]:
        action = task.action
        assert isinstance(action, Hosted)
        if action.ecosystem != AIRFLOW:
            what = (
                f"{self.target} cannot make a class of `{action.ecosystem}`, which `{task.id}` is"
            )
            yield _refused(what, task, "it is not one of its own")
        for name in NO_PLACE:
            if getattr(task, name):
                what = f"{self.target} cannot give `{name}` to the class that `{task.id}` hosts"
                yield _refused(what, task, "such a class takes what is among its arguments")
        names = [*action.arguments, *action.expand]
        if not all(map(is_identifier, names)) or (action.expand and action.expand_maps is not None):
            what = f"the arguments of `{task.id}` are no names, or mapped in two ways"
            yield _refused(what, task, "a class is given its arguments by their names")

    def _unwritten(self, expression: Expression, task: Task) -> Iterator[Finding]:
        for part in graph.parts(expression):
            if isinstance(part, (ListOf, MapOf, Format, *PLAIN)):
                continue
            if isinstance(part, SourceExpression) and part.ecosystem == AIRFLOW:
                continue
            if isinstance(part, RunFact) and part.fact in templates.FACTS:
                continue
            what = f"{self.target} cannot compute an argument of the class that `{task.id}` hosts"
            yield _refused(what, task, f"it is of the kind `{part.op}`, which no template gives")

    def taken(self) -> set[str]:
        """Names that no variable of the file may have."""
        return self.sources.taken() - self.reserved if self.tasks else set()

    def made(self, task: Task, values: Values, settings: Mapping[str, Expr]) -> Expr:
        """The call that makes the task; `settings` are what its neutral fields say."""
        action = task.action
        assert isinstance(action, Hosted)
        arguments = self._fitted(task, action).arguments
        given = {name: self._expr(value, values) for name, value in arguments.items()}
        given = {"task_id": Value(task.id), **given, **settings}
        kind = self.kinds[_kind_of(action)]
        if not action.expand and action.expand_maps is None:
            return call_of(kind, (), given)
        partial = call_of(Attribute(kind, "partial"), (), given)
        if action.expand_maps is not None:
            maps = self._expr(action.expand_maps, values)
            return Call(Attribute(partial, "expand_kwargs"), (maps,))
        over = {name: self._expr(value, values) for name, value in action.expand.items()}
        return Call(Attribute(partial, "expand"), (), over)

    def _fitted(self, task: Task, action: Hosted) -> Fitted:
        """The arguments as this version has them."""
        kind = action.class_path.rpartition(".")[2]
        target, whose = str(self.target), f"`{task.id}`"
        return task_arguments(action.arguments, kind, target, whose, task.span)

    def _expr(self, expression: Expression, values: Values) -> Expr:
        match expression:
            case Literal_(value=value):
                # Which of them are templates is the class's own business.
                return Value(value)
            case ListOf(items=items):
                return list_of(self._expr(item, values) for item in items)
            case MapOf(entries=entries):
                return dict_of({key: self._expr(value, values) for key, value in entries.items()})
            case SourceExpression():
                piece = self.sources.piece(expression)
                return Value(None) if piece is None else of_python(piece.text)
            case _:
                return values.argument(expression)

    # What the file has of them

    def definitions(self) -> list[str]:
        """The user's own definitions."""
        return separated(self.sources.definitions)

    def packages(self, known: Iterable[str]) -> tuple[str, ...]:
        """Packages that the pipeline names, and those that the classes need."""
        found = dict.fromkeys(known)
        for task in self.tasks:
            assert isinstance(task.action, Hosted)
            found |= dict.fromkeys(task.action.packages)
        found |= dict.fromkeys(provider_packages(self.sources.modules(), self.target.version))
        return tuple(found)


def _kind_of(action: Hosted) -> tuple[str, SourceExpression | None]:
    """What says of which class a task is, however often it is there."""
    return action.class_path, action.class_source


def _elsewhere(pipeline: Pipeline, target: str) -> Iterator[Finding]:
    """Source expressions anywhere but among the arguments of classes."""
    for placed in graph.walk(pipeline):
        node = placed.node
        if isinstance(node, Task) and isinstance(node.action, Hosted):
            continue
        for expression in graph.expressions(node):
            if any(isinstance(part, SourceExpression) for part in graph.parts(expression)):
                yield error(
                    "PORT204",
                    f"{target} takes source of its own as an argument of a hosted class only",
                    expression.span or node.span,
                    why=f"`{node.id}` is no such class",
                    next="compute the value in a task, or host the class that takes it",
                )


def _refused(what: str, task: Task, why: str) -> Finding:
    return error(
        "PORT204", what, task.span, why=why, next="give it as an argument of the hosted class"
    )
