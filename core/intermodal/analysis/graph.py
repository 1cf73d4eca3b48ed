"""The graph in a pipeline: its nodes with their scopes, what each refers to, and an order to run in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import NamedTuple

from intermodal.ir import (
    Approval,
    BodyNode,
    Branch,
    Container,
    Default,
    Expression,
    ForEach,
    Group,
    Hosted,
    Http,
    ListOf,
    MapOf,
    Node,
    OutputRef,
    Pipeline,
    Sql,
    Task,
    TaskState,
    TriggerRun,
    Wait,
)


class Placed(NamedTuple):
    """A node with the regions it stands in, outermost first: (region id, arm name or "")."""

    node: BodyNode
    scope: tuple[tuple[str, str], ...] = ()


def walk(pipeline: Pipeline) -> Iterator[Placed]:
    """Every node of the body, regions before what they hold; exit tasks are not part of it."""
    stack = [Placed(node) for node in reversed(pipeline.body)]
    while stack:
        placed = stack.pop()
        yield placed
        stack.extend(
            Placed(child, (*placed.scope, (placed.node.id, arm)))
            for arm, body in reversed(regions(placed.node))
            for child in reversed(body)
        )


def tasks(pipeline: Pipeline) -> Iterator[Task]:
    """Every task, those in regions and the exit tasks included."""
    for placed in walk(pipeline):
        if isinstance(placed.node, Task):
            yield placed.node
    yield from pipeline.exit_tasks


def regions(node: BodyNode) -> list[tuple[str, tuple[BodyNode, ...]]]:
    """The bodies that a node holds, with the name of the arm for a branch."""
    match node:
        case Branch():
            arms = [(arm.name, arm.body) for arm in node.arms]
            return arms + ([("otherwise", node.otherwise)] if node.otherwise is not None else [])
        case ForEach() | Group():
            return [("", node.body)]
        case Task():
            return []


def reached(starts: Iterable[str], onward: Callable[[str], Iterable[str]]) -> set[str]:
    """The names to start from, and all that are come to from them, each gone on from once."""
    pending, found = list(starts), set[str]()
    while pending:
        name = pending.pop()
        if name not in found:
            found.add(name)
            pending.extend(onward(name))
    return found


def handed_on(value: Expression) -> Iterator[Expression]:
    """The parts of an expression whose values are handed on as they are."""
    match value:
        case ListOf(items=items):
            for item in items:
                yield from handed_on(item)
        case MapOf(entries=entries):
            for item in entries.values():
                yield from handed_on(item)
        case Default(value=given, fallback=fallback):
            yield from handed_on(given)
            yield from handed_on(fallback)
        case _:
            yield value


def expressions(node: Task | Branch | ForEach | Group) -> Iterator[Expression]:
    """The expressions that a node itself holds, apart from those of nodes inside it."""
    match node:
        case Task():
            yield from node.inputs.values()
            if node.guard is not None:
                yield node.guard
            yield from action_expressions(node.action)
        case Branch():
            yield from (arm.condition for arm in node.arms if arm.condition is not None)
            if node.chooser is not None:
                yield node.chooser
        case ForEach():
            yield from node.items.lists
        case Group():
            return


def action_expressions(action: Node) -> Iterator[Expression]:
    """The expressions in an action's own fields."""
    match action:
        case Container(command=command, args=args):
            yield from (*command, *args)
        case Sql(statement=statement, parameters=parameters):
            yield from (statement, *parameters.values())
        case Http(url=url, headers=headers, body=body):
            yield from (url, *headers.values(), *(() if body is None else (body,)))
        case Wait(check=check):
            yield from action_expressions(check)
        case Approval(message=message):
            yield message
        case TriggerRun(parameters=parameters):
            yield from parameters.values()
        case Hosted(arguments=arguments, expand=expand, expand_maps=maps, class_source=source):
            yield from (*arguments.values(), *expand.values())
            yield from (part for part in (maps, source) if part is not None)
        case _:
            return


def parts(expression: Expression) -> Iterator[Expression]:
    """The expression and everything inside it."""
    stack: list[Expression] = [expression]
    while stack:
        current = stack.pop()
        yield current
        stack.extend(children(current))


def children(expression: Expression) -> list[Expression]:
    """What stands right inside an expression."""
    found: list[Expression] = []
    for name in _expression_fields(type(expression).__name__):
        value = getattr(expression, name)
        if isinstance(value, tuple):
            found.extend(value)
        elif isinstance(value, Mapping):
            found.extend(value.values())
        else:
            found.append(value)
    return found


@cache
def _expression_fields(kind: str) -> tuple[str, ...]:
    holders: dict[str, tuple[str, ...]] = {
        "Format": ("parts",),
        "Compare": ("left", "right"),
        "Logic": ("operands",),
        "Index": ("base", "key"),
        "DateShift": ("base",),
        "DateFormat": ("base",),
        "Default": ("value", "fallback"),
        "ListOf": ("items",),
        "MapOf": ("entries",),
    }
    return holders.get(kind, ())


def references(values: Iterable[Expression]) -> Iterator[OutputRef | TaskState]:
    """The references to other nodes inside expressions."""
    for value in values:
        for part in parts(value):
            if isinstance(part, (OutputRef, TaskState)):
                yield part


def data_upstreams(node: BodyNode) -> tuple[str, ...]:
    """Ids of the nodes whose outputs or states this node itself uses, each once, in order of use."""
    return tuple(dict.fromkeys(reference.node for reference in references(expressions(node))))


def upstreams(node: BodyNode) -> tuple[str, ...]:
    """Ids of the nodes this node itself waits for: data first, then ordering edges."""
    return tuple(dict.fromkeys((*data_upstreams(node), *node.after)))


def topological(nodes: Iterable[BodyNode]) -> list[BodyNode]:
    """The nodes of one body so that each comes after what it waits for, else in their own order.

    Dependencies of nodes inside a region count for the region. Nodes on a cycle are left out.
    """
    by_id = {node.id: node for node in nodes}
    owner = {inner: node.id for node in by_id.values() for inner in ids_inside(node)}
    waits = {
        node.id: {owner[up] for up in deep_upstreams(node) if up in owner} - _own(node)
        for node in by_id.values()
    }
    dependants: dict[str, list[str]] = {name: [] for name in by_id}
    for name, ups in waits.items():
        for up in ups:
            dependants[up].append(name)
    rank = {name: position for position, name in enumerate(by_id)}
    return [by_id[name] for name in _kahn(waits, dependants, rank)]


def _own(node: BodyNode) -> set[str]:
    """Edges inside a region are no edges of the region; a task that waits for itself is a cycle."""
    return set() if node.id in upstreams(node) else {node.id}


def _kahn(
    waits: dict[str, set[str]], dependants: dict[str, list[str]], rank: dict[str, int]
) -> list[str]:
    import heapq

    missing = {name: len(ups) for name, ups in waits.items()}
    ready = [(rank[name], name) for name, count in missing.items() if count == 0]
    heapq.heapify(ready)
    order: list[str] = []
    while ready:
        _, name = heapq.heappop(ready)
        order.append(name)
        for dependant in dependants[name]:
            missing[dependant] -= 1
            if missing[dependant] == 0:
                heapq.heappush(ready, (rank[dependant], dependant))
    return order


def ids_inside(node: BodyNode) -> Iterator[str]:
    """The node's id and those of everything inside it."""
    stack = [node]
    while stack:
        current = stack.pop()
        yield current.id
        stack.extend(child for _, body in regions(current) for child in body)


def deep_upstreams(node: BodyNode) -> Iterator[str]:
    """What the node, or anything inside it, waits for."""
    stack = [node]
    while stack:
        current = stack.pop()
        yield from upstreams(current)
        stack.extend(child for _, body in regions(current) for child in body)
