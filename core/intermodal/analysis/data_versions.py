"""Versions of data in a pipeline: whether they can be used as they are, and what stands for them."""

from __future__ import annotations

from collections.abc import Iterator

from intermodal.analysis import graph
from intermodal.analysis.expressions import map_expression
from intermodal.analysis.needs import WITH_RUNTIME, takes_data
from intermodal.analysis.rewrite import map_nodes, map_tasks
from intermodal.analysis.taking_artifacts import as_artifacts
from intermodal.dataversions.checks import data_findings
from intermodal.dataversions.marker import Wanted, marker_of
from intermodal.findings import Finding, error
from intermodal.ir import (
    AnyType,
    BodyNode,
    DataVersion,
    Expression,
    ForEach,
    ItemRef,
    ListOf,
    Literal_,
    MapOf,
    Pipeline,
    Task,
    Wait,
)

INSTEAD = "pass it to a task, whole or in a list, and give on what the task makes of it"


def version_findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Findings about each version of data: what it names, and where it stands."""
    nodes = [placed.node for placed in graph.walk(pipeline)]
    for node in (*nodes, *pipeline.exit_tasks):
        places = {id(value) for value in _places(node)}
        for value in graph.expressions(node):
            for part in graph.parts(value):
                if not isinstance(part, DataVersion):
                    continue
                span = part.span or node.span
                yield from data_findings(wanted(part), span)
                if not (id(value) in places and part in _handed_on(value)):
                    yield error(
                        "PORT553",
                        f"`{node.id}` uses a version of data where it cannot be fetched",
                        span,
                        why="Python and shell tasks fetch what they are given as it is",
                        next=INSTEAD,
                    )
    for name, value in pipeline.outputs.items():
        if any(isinstance(part, DataVersion) for part in graph.parts(value)):
            what = f"the output `{name}` of the pipeline is a version of data"
            yield error("PORT553", what, value.span or pipeline.span, next=INSTEAD)


def wanted(node: DataVersion) -> Wanted:
    """What a node names, as a worker is told it."""
    return Wanted(node.uri, node.version, node.digest, node.remote)


def mark_data(pipeline: Pipeline) -> Pipeline:
    """The pipeline with literals in place of versions of data, which tasks take as artifacts.

    The runtime knows the literals (`dataversions.marker`), so a compiler has nothing to do for them.
    """
    if not _has_data(pipeline):
        return pipeline
    loops: set[str] = set()

    def mark_items(node: BodyNode) -> BodyNode:
        if not isinstance(node, ForEach) or not any(map(_holds, node.items.lists)):
            return node
        loops.add(node.id)
        items = node.items.model_copy(update={"lists": tuple(map(_marked, node.items.lists))})
        return node.model_copy(update={"items": items, "item_type": AnyType.of()})

    def mark_inputs(task: Task) -> Task:
        taking = [n for n, value in task.inputs.items() if _holds(value) or _of_item(value, loops)]
        if not taking:
            return task
        inputs = {name: _marked(value) for name, value in task.inputs.items()}
        return as_artifacts(task, taking).model_copy(update={"inputs": inputs})

    return map_tasks(map_nodes(pipeline, mark_items), mark_inputs)


def _has_data(pipeline: Pipeline) -> bool:
    loops = (p.node for p in graph.walk(pipeline) if isinstance(p.node, ForEach))
    return any(map(takes_data, graph.tasks(pipeline))) or any(
        map(_holds, (value for loop in loops for value in loop.items.lists))
    )


def _holds(value: Expression) -> bool:
    return any(isinstance(part, DataVersion) for part in graph.parts(value))


def _of_item(value: Expression, loops: set[str]) -> bool:
    return any(isinstance(part, ItemRef) and part.loop in loops for part in graph.parts(value))


def _marked(value: Expression) -> Expression:
    """The expression with literals for versions of data; what consists of literals is one."""
    if not _holds(value):
        return value
    marked = map_expression(
        value,
        lambda part: (
            Literal_.of(value=marker_of(wanted(part)), span=part.span)
            if isinstance(part, DataVersion)
            else part
        ),
    )
    return _folded(marked)


def _folded(value: Expression) -> Expression:
    match value:
        case ListOf(items=items):
            parts = [_folded(item) for item in items]
            if all(isinstance(part, Literal_) for part in parts):
                whole = [part.value for part in parts if isinstance(part, Literal_)]
                return Literal_.of(value=whole, span=value.span)
        case MapOf(entries=entries):
            named = {name: _folded(item) for name, item in entries.items()}
            if all(isinstance(part, Literal_) for part in named.values()):
                known = {n: part.value for n, part in named.items() if isinstance(part, Literal_)}
                return Literal_.of(value=known, span=value.span)
    return value


def _places(node: BodyNode) -> Iterator[Expression]:
    """The expressions of a node in which versions of data may stand."""
    if isinstance(node, ForEach):
        yield from node.items.lists
    if isinstance(node, Task):
        action = node.action.check if isinstance(node.action, Wait) else node.action
        if isinstance(action, WITH_RUNTIME):
            yield from node.inputs.values()


def _handed_on(value: Expression) -> Iterator[Expression]:
    """The parts of an expression that reach a task as they are."""
    match value:
        case ListOf(items=items):
            for item in items:
                yield from _handed_on(item)
        case MapOf(entries=entries):
            for item in entries.values():
                yield from _handed_on(item)
        case _:
            yield value
