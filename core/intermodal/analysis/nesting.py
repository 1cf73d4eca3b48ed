"""How deep things may stand in each other: beyond, a finding, since emitted Python has limits of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from intermodal.analysis import graph
from intermodal.findings import Finding, Span, error
from intermodal.ir import (
    Branch,
    Expression,
    ForEach,
    Group,
    ListType,
    Literal_,
    MapType,
    OptionalType,
    Pipeline,
    StructType,
    Task,
    Type,
)

# CPython takes 20 `with` in each other, 100 levels of indentation and 200 brackets. A region costs up to two of the former,
# an expression one, so what is within both limits still compiles when they meet.
MOST_REGIONS = 20
MOST_LEVELS = 40
# An expression that Python variables share grows by doubling: forty of them would fill any memory.
MOST_PARTS = 100_000


def nesting_findings(pipeline: Pipeline) -> list[Finding]:
    """A finding for each node that holds something too deep; for the first only of regions in regions."""
    found: list[Finding] = []
    for who, span, parameter in (
        (f"parameter `{name}`", one.span, one) for name, one in pipeline.parameters.items()
    ):
        values = (parameter.default, *parameter.choices)
        if _exceeds((parameter.type,), _type_parts) or _exceeds(values, _value_parts):
            found.append(_too_deep(who, "values or types", span or pipeline.span))
    for placed in graph.walk(pipeline):
        if len(placed.scope) > MOST_REGIONS:
            return [*found, _regions_too_deep(placed.node.id, placed.node.span or pipeline.span)]
        found += _node(placed.node, pipeline)
    for task in pipeline.exit_tasks:
        found += _node(task, pipeline)
    for name, value in pipeline.outputs.items():
        found += _expressions(f"output `{name}` of the pipeline", (value,), pipeline.span)
    return found


def _node(node: Task | Branch | ForEach | Group, pipeline: Pipeline) -> Iterator[Finding]:
    span = node.span or pipeline.span
    yield from _expressions(f"`{node.id}`", tuple(graph.expressions(node)), span)
    if isinstance(node, Task):
        types = (*node.input_types.values(), *node.outputs.values())
        if _exceeds(types, _type_parts):
            yield _too_deep(f"`{node.id}`", "types", span)


def _expressions(who: str, values: tuple[Expression, ...], span: Span | None) -> Iterator[Finding]:
    if _exceeds(values, _expression_parts):
        yield _too_deep(who, "expressions", span)


def _exceeds(values: Iterable[Any], parts: Callable[[Any], Iterable[Any]]) -> bool:
    """Whether values hold too many others, or too deep, looked at level by level."""
    level, count = list(values), 0
    for _ in range(MOST_LEVELS):
        level = [part for value in level for part in parts(value)]
        count += len(level)
        if not level:
            return False
        if count > MOST_PARTS:
            return True
    return True


def _expression_parts(value: Any) -> Iterable[Any]:
    """What is right inside an expression; of a literal, what its value holds."""
    if isinstance(value, Literal_):
        return _value_parts(value.value)
    return graph.children(value) if hasattr(value, "op") else _value_parts(value)


def _value_parts(value: Any) -> Iterable[Any]:
    """The lists and maps right inside a JSON value, which alone can hold more."""
    if isinstance(value, Mapping):
        value = value.values()
    elif not isinstance(value, (list, tuple)):
        return ()
    return [part for part in value if isinstance(part, (Mapping, list, tuple))]


def _type_parts(type_: Type) -> Iterable[Type]:
    match type_:
        case OptionalType(item=item) | ListType(item=item):
            return (item,)
        case MapType(value=value):
            return (value,)
        case StructType(fields=fields):
            return fields.values()
        case _:
            return ()


def _too_deep(who: str, what: str, span: Span | None) -> Finding:
    return error(
        "PORT125",
        f"{who} has {what} that stand more than {MOST_LEVELS} deep in each other, or far too many",
        span,
        why="they become Python and YAML, whose readers stop at some depth",
        next="compute the value in a task, and use its output",
    )


def _regions_too_deep(node: str, span: Span | None) -> Finding:
    return error(
        "PORT125",
        f"`{node}` stands in more than {MOST_REGIONS} branches, loops and groups",
        span,
        why="they become blocks of Python and DAGs in each other, of which engines take only so many",
        next="make one branch of several arms out of branches in each other, or split the pipeline",
    )
