"""The state of reading one file: the budget, open contexts, findings, and the step from node to value."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from intermodal.findings import Finding, Span, note, warning
from intermodal_compilers.airflow.importer.graph import Dag, Group, TaskNode
from intermodal_compilers.airflow.importer.modules import Module, Sources
from intermodal_compilers.airflow.importer.scoped import SetupContext
from intermodal_compilers.airflow.importer.settings import Inputs
from intermodal_compilers.airflow.importer.truth import truth
from intermodal_compilers.airflow.importer.values import (
    Arguments,
    Bound,
    BudgetSpentError,
    Function,
    Instance,
    Scope,
    Symbolic,
    Unknown,
)

Evaluate = Callable[["Machine", Any, Scope], Any]
Call = Callable[["Machine", Any, Arguments, ast.AST, Scope], Any]
Attribute = Callable[["Machine", Any, str, ast.AST, Scope], Any]
Rest = Callable[["Machine", Any, list[ast.stmt], ast.AST, Scope], Any]
MOST_FINDINGS = 200


class Machine:
    """Reads one file: evaluates its syntax without running it.

    Args:
        sources: Where local modules come from.
        inputs: Variables, environment and limits.
        expressions: By node class: what gives the value of an expression.
        statements: By node class: what a statement does; it may give a flow (see statements.py).
        call: Calls any value.
        attribute: Takes an attribute of any value.
        rest: Goes through the statements after one that may have left its body.
    """

    def __init__(
        self,
        sources: Sources,
        inputs: Inputs,
        *,
        expressions: Mapping[type[ast.expr], Evaluate],
        statements: Mapping[type[ast.stmt], Evaluate],
        call: Call,
        attribute: Attribute,
        rest: Rest,
    ) -> None:
        self.sources = sources
        self.inputs = inputs
        self._expressions = expressions
        self._statements = statements
        self._call = call
        self._attribute = attribute
        self._rest = rest
        self.steps = inputs.steps
        self.depth = 0
        self.findings: dict[tuple[str, str, Span | None], Finding] = {}
        self.modules: dict[str, Module] = {}
        self.dags: list[Dag] = []
        self.tasks: list[TaskNode] = []
        self.open_dags: list[Dag] = []
        self.open_groups: list[Group] = []
        self.context = SetupContext()
        self.uncertain: list[str] = []
        self.main: Module | None = None
        # Modules that are being loaded, the one whose statements run last; what `sys.path` gained.
        self.loading: list[Module] = []
        self.search: list[Path] = []
        self.environment: dict[str, Any] = dict(inputs.environment)
        # What the `try`s around catch, by the names of the exceptions.
        self.catching: list[frozenset[str]] = []
        # The expression that stands alone as a statement: nobody uses what it gives.
        self.statement: ast.AST | None = None
        # By identity, with the container itself so that no other takes its place.
        self._doubtful: dict[int, tuple[Any, str]] = {}
        self._born: dict[int, tuple[Any, int]] = {}
        self._regions: list[int] = []
        self._region = 0

    # -- values ---------------------------------------------------------------------------------

    def evaluate(self, node: ast.expr, scope: Scope) -> Any:
        """The value of an expression.

        Raises:
            RaisedError: The file raises here.
            BudgetSpentError: The file takes too long.
        """
        self.steps -= 1
        if self.steps < 0:
            raise BudgetSpentError
        kind = type(node)
        if kind is ast.Constant:
            return node.value  # type: ignore[attr-defined]
        how = self._expressions.get(kind)
        if how is None:
            return self.unknown(f"{kind.__name__} is not read", node, scope)
        return how(self, node, scope)

    def execute(self, body: Sequence[ast.stmt], scope: Scope) -> Any:
        """Go through statements until one leaves the body; what it leaves with, or None."""
        for number, statement in enumerate(body):
            self.steps -= 1
            if self.steps < 0:
                raise BudgetSpentError
            how = self._statements.get(type(statement))
            flow = how(self, statement, scope) if how else None
            if flow is None:
                continue
            if flow[0] == "maybe" and number + 1 < len(body):
                return self._rest(self, flow[1], list(body[number + 1 :]), statement, scope)
            return flow
        return None

    def call(self, value: Any, arguments: Arguments, node: ast.AST, scope: Scope) -> Any:
        """Call a value."""
        if self.depth >= self.inputs.depth:
            return self.unknown("calls nest too deep", node, scope)
        self.depth += 1
        try:
            return self._call(self, value, arguments, node, scope)
        finally:
            self.depth -= 1

    def locate(self, name: str, scope: Scope) -> Path | None:
        """The file of a module of the repository, as a file at this place would find it."""
        return self.sources.locate(name, scope.module.path.parent, self.search)

    def attribute(self, value: Any, name: str, node: ast.AST, scope: Scope) -> Any:
        """An attribute of a value."""
        return self._attribute(self, value, name, node, scope)

    def unknown(self, reason: str, node: ast.AST, scope: Scope) -> Unknown:
        """A value that cannot be known, at a node."""
        return Unknown(reason, scope.module.span(node), scope.module.source(node))

    def symbolic(self, path: str, arguments: Arguments, node: ast.AST, scope: Scope) -> Symbolic:
        """What an external call gives."""
        return Symbolic(
            path,
            tuple(arguments.positional),
            arguments.named,
            scope.module.span(node),
            scope.module.source(node),
        )

    # -- findings -------------------------------------------------------------------------------

    def hole(self, code: str, what: str, span: Span | None, why: str = "", next: str = "") -> None:
        """Something that is not known, for the user to see."""
        self._add(warning(code, what, span, why=why, next=next))

    def assume(self, what: str, span: Span | None, next: str = "") -> None:
        """Something that was taken for granted."""
        self._add(note("PORT802", what, span, next=next))

    def _add(self, finding: Finding) -> None:
        if len(self.findings) < MOST_FINDINGS:
            self.findings.setdefault((finding.code, finding.what, finding.span), finding)

    # -- contexts -------------------------------------------------------------------------------

    @property
    def dag(self) -> Dag | None:
        """The DAG whose `with` is open."""
        return self.open_dags[-1] if self.open_dags else None

    def group(self, dag: Dag | None) -> Group | None:
        """The group of a DAG whose `with` is open, or the DAG's root."""
        if self.open_groups and self.open_groups[-1].dag is dag:
            return self.open_groups[-1]
        return dag.root if dag else None

    def catches(self, kind: str) -> bool:
        """Whether the file provides for an exception here by its name."""
        return any(kind in names for names in self.catching)

    def charge(self, items: int) -> None:
        """Count the making of many items as steps, as they take time and room.

        Raises:
            BudgetSpentError: The file takes too long.
        """
        self.steps -= items // 8
        if self.steps < 0:
            raise BudgetSpentError

    def truth(self, value: Any) -> bool | None:
        """Whether a value counts as true; None if that cannot be told."""
        if isinstance(value, Instance) and self.main is not None:
            for name in ("__bool__", "__len__"):
                found = value.of.find(name)
                if found and isinstance(found[0], Function):
                    scope = Scope(self.main, {})
                    bound = Bound(value, name, found[0])
                    return truth(self.call(bound, Arguments([], {}), found[0].node, scope))
        return None if self.doubted(value) else truth(value)

    def made(self, container: Any) -> Any:
        """Note where a container is made: what happens beside it, under the same doubt, is certain to it."""
        if self._regions:
            self._born[id(container)] = (container, self._regions[-1])
        return container

    def doubt(self, container: Any, reason: str | None = None) -> None:
        """Note that what a container holds depends on something that is not known."""
        why = reason or (self.uncertain[-1] if self.uncertain else None)
        if why is None or not isinstance(container, list | dict | set):
            return
        if reason is None and self.certain_to(container):
            return
        self._doubtful[id(container)] = (container, why)

    def inherit(self, container: Any, *sources: Any) -> Any:
        """Doubt a container if one of those that it is made of is doubted; gives it back."""
        for source in sources:
            why = self.doubted(source)
            if why is not None:
                self.doubt(container, why)
        return container

    def certain_to(self, owner: Any) -> bool:
        """Whether a change that happens here happens to an object for certain, if there is the object."""
        if not self._regions:
            return True
        born = self._born.get(id(owner))
        return born is not None and born[1] == self._regions[-1]

    def doubted(self, value: Any) -> str | None:
        """Why a container may hold more or less than it seems to, if so."""
        known = self._doubtful.get(id(value))
        return known[1] if known else None

    @contextmanager
    def maybe(self, reason: str) -> Iterator[None]:
        """A stretch of the file that may not run, or run more than once."""
        self.uncertain.append(reason)
        self._region += 1
        self._regions.append(self._region)
        try:
            yield
        finally:
            self.uncertain.pop()
            self._regions.pop()
