"""Checking a pipeline's meaning: ids, references, scopes, cycles, types, schedules and parameters."""

from __future__ import annotations

import re
from collections.abc import Iterator

from intermodal.analysis import graph
from intermodal.analysis.data_versions import version_findings
from intermodal.analysis.graph import Placed
from intermodal.analysis.nesting import nesting_findings
from intermodal.analysis.teardowns import early_teardowns
from intermodal.analysis.typing import TypeChecker
from intermodal.analysis.values import value_findings
from intermodal.findings import Finding, Span, error
from intermodal.ir import (
    BodyNode,
    Branch,
    DataVersion,
    Expression,
    ForEach,
    Group,
    InputRef,
    ItemRef,
    Literal_,
    OutputRef,
    ParameterRef,
    PathRef,
    Pipeline,
    RunFact,
    Task,
    TaskState,
)
from intermodal.ir.node import IDENTIFIER_PATTERN

_NAME = re.compile(IDENTIFIER_PATTERN.rstrip("$"))


def validate(pipeline: Pipeline) -> list[Finding]:
    """Every finding about the pipeline itself, whatever the target. Linear in its size."""
    if too_deep := nesting_findings(pipeline):
        # Everything else follows the nesting.
        return too_deep
    placed = list(graph.walk(pipeline))
    findings = [*_bad_names(pipeline, placed), *_duplicate_ids(pipeline, placed)]
    index = {item.node.id: item for item in placed}
    index.update({task.id: Placed(task) for task in pipeline.exit_tasks})
    checker = _References(pipeline, index)
    findings += checker.findings()
    findings += value_findings(pipeline)
    if checker.has_data:
        findings += version_findings(pipeline)
    if not findings:
        findings += _cycles(pipeline)
    if not findings:
        findings += TypeChecker(
            pipeline, {name: item.node for name, item in index.items()}
        ).findings()
        findings += early_teardowns(index)
    return findings


def outputs_of(node: BodyNode) -> tuple[str, ...]:
    """Names that can be referred to as the node's outputs."""
    return tuple(node.outputs)


def _bad_names(pipeline: Pipeline, placed: list[Placed]) -> Iterator[Finding]:
    """Names that would be no names on targets, nor safe as names of files."""
    named = [(pipeline.name, pipeline.span), *((p.node.id, p.node.span) for p in placed)]
    for name, span in [*named, *((task.id, task.span) for task in pipeline.exit_tasks)]:
        if not _NAME.fullmatch(name):
            yield error(
                "PORT109",
                f"`{name}` is no valid name",
                span or pipeline.span,
                why="names hold letters, digits, `_`, `-` and `.`, and start with a letter, digit or `_`",
                next="rename it",
            )


def _duplicate_ids(pipeline: Pipeline, placed: list[Placed]) -> Iterator[Finding]:
    seen: dict[str, Span | None] = {}
    nodes: list[BodyNode] = [*(item.node for item in placed), *pipeline.exit_tasks]
    for node in nodes:
        if node.id in seen:
            first = seen[node.id]
            yield error(
                "PORT106",
                f"two nodes have the id `{node.id}`",
                node.span or pipeline.span,
                why=f"the first is at {first}" if first else "ids are unique within a pipeline",
                next="give one of them another id",
            )
        seen.setdefault(node.id, node.span)


class _References:
    """Checks that what expressions and edges name exists and can be seen from where they stand."""

    def __init__(self, pipeline: Pipeline, index: dict[str, Placed]) -> None:
        self.pipeline = pipeline
        self.index = index
        self.exit_ids = {task.id for task in pipeline.exit_tasks}
        self.has_data = False

    def findings(self) -> list[Finding]:
        """All findings, in the order of the pipeline."""
        found: list[Finding] = []
        for placed in self.index.values():
            is_exit = placed.node.id in self.exit_ids
            found += self._node(placed, is_exit=is_exit)
        for name, value in self.pipeline.outputs.items():
            for part in graph.parts(value):
                found += self._part(part, None, f"output `{name}` of the pipeline", None)
        return found

    def _node(self, placed: Placed, *, is_exit: bool) -> Iterator[Finding]:
        node = placed.node
        who = f"`{node.id}`"
        for value in graph.expressions(node):
            for part in graph.parts(value):
                yield from self._part(part, placed, who, node, is_exit=is_exit)
        for up in node.after:
            yield from self._edge(up, placed, who)
        if isinstance(node, Branch):
            yield from self._chosen_arms(node, who)
            for references in node.outputs.values():
                for reference in references:
                    yield from self._inner(reference, node, who)
        elif isinstance(node, (ForEach, Group)):
            for reference in node.outputs.values():
                yield from self._inner(reference, node, who)

    def _part(
        self,
        part: Expression,
        placed: Placed | None,
        who: str,
        node: BodyNode | None,
        *,
        is_exit: bool = False,
    ) -> Iterator[Finding]:
        span = part.span or (node.span if node else None) or self.pipeline.span
        match part:
            case ParameterRef(name=name) if name not in self.pipeline.parameters:
                yield self._dangling(who, f"parameter `{name}`", self.pipeline.parameters, span)
            case OutputRef() | TaskState():
                yield from self._output(part, placed, who, span)
            case ItemRef(loop=loop):
                scopes = [region for region, _ in placed.scope] if placed else []
                if loop not in scopes:
                    yield error(
                        "PORT108",
                        f"{who} uses the item of loop `{loop}`, but stands outside it",
                        span,
                        next=f"move it into `{loop}`",
                    )
            case InputRef(name=name) if isinstance(node, Task) and name not in node.inputs:
                yield self._dangling(who, f"input `{name}`", node.inputs, span)
            case PathRef(direction=direction, name=name) if isinstance(node, Task):
                known = node.inputs if direction == "input" else node.outputs
                if name not in known:
                    yield self._dangling(who, f"{direction} `{name}`", known, span)
            case DataVersion():
                self.has_data = True
            case RunFact(fact="state") if not is_exit:
                yield error(
                    "PORT108",
                    f"{who} uses the run's final state, which only exit tasks can see",
                    span,
                    next="make it an exit task with `on_exit(...)`",
                )
            case _:
                return

    def _output(
        self, part: OutputRef | TaskState, placed: Placed | None, who: str, span: Span | None
    ) -> Iterator[Finding]:
        target = self.index.get(part.node)
        if target is None:
            yield self._dangling(who, f"task `{part.node}`", self.index, span)
            return
        if isinstance(part, OutputRef) and part.output not in outputs_of(target.node):
            yield self._dangling(
                who, f"output `{part.output}` of `{part.node}`", outputs_of(target.node), span
            )
        if isinstance(part, TaskState) and isinstance(target.node, Group):
            yield error(
                "PORT108",
                f"{who} uses the state of `{part.node}`, which is a group",
                span,
                why="a group is a name for its tasks, and has no state of its own",
                next="use the state of one of its tasks",
            )
        yield from self._visible(target, placed, who, span)
        yield from self._not_at_exit(target, placed, who, span)

    def _not_at_exit(
        self, target: Placed, placed: Placed | None, who: str, span: Span | None
    ) -> Iterator[Finding]:
        """Nothing but exit tasks waits for exit tasks."""
        if target.node.id in self.exit_ids and (
            placed is None or placed.node.id not in self.exit_ids
        ):
            yield error(
                "PORT108",
                f"{who} uses the exit task `{target.node.id}`",
                span,
                why="exit tasks run after everything else",
                next="make both exit tasks, or call the other one without `on_exit`",
            )

    def _edge(self, up: str, placed: Placed, who: str) -> Iterator[Finding]:
        target = self.index.get(up)
        span = placed.node.span or self.pipeline.span
        if target is None:
            yield self._dangling(who, f"task `{up}`", self.index, span)
            return
        if up in {region for region, _ in placed.scope}:
            yield error(
                "PORT108",
                f"{who} waits for `{up}`, the region it stands in",
                span,
                next="drop that edge",
            )
            return
        yield from self._visible(target, placed, who, span)
        yield from self._not_at_exit(target, placed, who, span)

    def _visible(
        self, target: Placed, placed: Placed | None, who: str, span: Span | None
    ) -> Iterator[Finding]:
        inside = set(placed.scope) if placed else set()
        for region, arm in target.scope:
            if isinstance(self.index[region].node, Group) or (region, arm) in inside:
                continue
            kind = "loop" if isinstance(self.index[region].node, ForEach) else "branch"
            how = "`collect(...)`" if kind == "loop" else "`.merge(...)`"
            yield error(
                "PORT108",
                f"{who} uses `{target.node.id}`, which stands inside the {kind} `{region}`",
                span,
                why="outside there may be none of it, or many",
                next=f"use what the {kind} gives through {how}",
            )
            return

    def _chosen_arms(self, branch: Branch, who: str) -> Iterator[Finding]:
        """Names of arms that are written down must be those of arms."""
        if not isinstance(branch.chooser, Literal_):
            return
        value = branch.chooser.value
        known = [arm.name for arm in branch.arms]
        for name in value if isinstance(value, list) else [value]:
            if name is not None and name not in known:
                yield self._dangling(who, f"the arm {name!r}", known, branch.span)

    def _inner(self, reference: OutputRef, node: BodyNode, who: str) -> Iterator[Finding]:
        target = self.index.get(reference.node)
        span = reference.span or node.span
        if target is None or node.id not in {region for region, _ in target.scope}:
            yield self._dangling(who, f"`{reference.node}` inside `{node.id}`", (), span)
        elif hiding := self._hiding(target, node.id):
            yield error(
                "PORT108",
                f"{who} gives `{reference.node}`, which stands inside `{hiding}`",
                span,
                why="outside there may be none of it, or many",
                next=f"give what `{hiding}` gives",
            )
        elif reference.output not in outputs_of(target.node):
            yield self._dangling(
                who,
                f"output `{reference.output}` of `{reference.node}`",
                outputs_of(target.node),
                span,
            )

    def _hiding(self, target: Placed, region: str) -> str:
        """The outermost loop or branch between a region and a node inside it; empty if there is none."""
        names = [name for name, _ in target.scope]
        between = names[names.index(region) + 1 :]
        return next((name for name in between if not isinstance(self.index[name].node, Group)), "")

    def _dangling(self, who: str, what: str, known: object, span: Span | None) -> Finding:
        names = list(known) if known else []  # type: ignore[call-overload]
        shown = ", ".join(f"`{name}`" for name in names[:8])
        return error(
            "PORT105",
            f"{who} refers to {what}, which does not exist",
            span,
            next=f"known here: {shown}" if shown else "correct the name, or define it",
        )


def _cycles(pipeline: Pipeline) -> Iterator[Finding]:
    bodies = [pipeline.body]
    for placed in graph.walk(pipeline):
        bodies += [body for _, body in graph.regions(placed.node)]
    for body in [*bodies, pipeline.exit_tasks]:
        ordered = {node.id for node in graph.topological(body)}
        stuck = [node for node in body if node.id not in ordered]
        if stuck:
            loop = _one_cycle(stuck)
            yield error(
                "PORT104",
                f"tasks wait for each other in a circle: {' -> '.join(f'`{name}`' for name in loop)}",
                next(node.span for node in stuck if node.id == loop[0]) or pipeline.span,
                why="none of them could ever start",
                next="drop one of these edges",
            )


def _one_cycle(stuck: list[BodyNode]) -> list[str]:
    """Follow edges among the nodes that cannot be ordered until one comes up again."""
    owner = {inner: node.id for node in stuck for inner in graph.ids_inside(node)}
    waits = {
        node.id: [
            owner[up] for up in graph.deep_upstreams(node) if owner.get(up, node.id) != node.id
        ]
        or ([node.id] if node.id in graph.upstreams(node) else [])
        for node in stuck
    }
    trail: list[str] = []
    current = next(name for name, ups in waits.items() if ups)
    while current not in trail:
        trail.append(current)
        current = waits[current][0] if waits[current] else current
    loop = [*trail[trail.index(current) :], current]
    return list(reversed(loop))
