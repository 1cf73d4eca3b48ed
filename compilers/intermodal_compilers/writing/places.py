"""Where the nodes of a pipeline stand, and at the end of which body an edge can be written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from intermodal import ir
from intermodal.analysis import graph

Path = tuple[tuple[str, str], ...]
"""The regions around a node with the arm, outermost first; empty at the top."""


@dataclass
class Places:
    """What is known of the graph before it is written.

    Attributes:
        paths: Where each node stands.
        edges: By the body at whose end they can be written: who waits, and for whom.
        early: What a node has to be told when it is made: there is no handle for one of the ends.
        wanted: Nodes for which there has to be a variable.
        used: Outputs that something uses, by node and name.
        waited: Nodes that others wait for.
    """

    paths: dict[str, Path] = field(default_factory=dict)
    edges: dict[Path, list[tuple[str, tuple[str, ...]]]] = field(default_factory=dict)
    early: dict[str, tuple[str, ...]] = field(default_factory=dict)
    wanted: set[str] = field(default_factory=set)
    used: set[tuple[str, str]] = field(default_factory=set)
    waited: set[str] = field(default_factory=set)


def places_of(pipeline: ir.Pipeline) -> Places:
    """Look at a pipeline's graph."""
    made = Places()
    nodes: dict[str, ir.BodyNode] = {}
    for placed in graph.walk(pipeline):
        made.paths[placed.node.id] = placed.scope
        nodes[placed.node.id] = placed.node
    for task in pipeline.exit_tasks:
        made.paths[task.id] = (("", "exit"),)
        nodes[task.id] = task
    for node in nodes.values():
        _note_edges(node, nodes, made)
    values = [value for node in nodes.values() for value in graph.expressions(node)]
    _note_uses([*pipeline.outputs.values(), *values], nodes, made)
    return made


def _note_uses(values: list[ir.Expression], nodes: dict[str, ir.BodyNode], made: Places) -> None:
    """Note whose outputs are used, through the regions that give them."""
    pending: list[ir.OutputRef | ir.TaskState] = list(graph.references(values))
    while pending:
        reference = pending.pop()
        made.wanted.add(reference.node)
        if isinstance(reference, ir.TaskState) or (reference.node, reference.output) in made.used:
            continue
        made.used.add((reference.node, reference.output))
        pending += _inside(nodes.get(reference.node), reference.output)


def _inside(node: ir.BodyNode | None, output: str) -> tuple[ir.OutputRef, ...]:
    """What a region's output is made of."""
    match node:
        case ir.Branch():
            return node.outputs.get(output, ())
        case ir.ForEach() | ir.Group() if output in node.outputs:
            return (node.outputs[output],)
    return ()


def _note_edges(node: ir.BodyNode, nodes: dict[str, ir.BodyNode], made: Places) -> None:
    if isinstance(node, ir.Task) and node.pairing is not None:
        made.wanted.update(node.pairing.partners)
    plain: list[str] = []
    early: list[str] = []
    for up in node.after:
        loop = isinstance(nodes.get(up), ir.ForEach) or isinstance(node, ir.ForEach)
        (early if loop or up not in nodes else plain).append(up)
    made.wanted.update(node.after)
    made.waited.update(node.after)
    if early:
        made.early[node.id] = tuple(early)
    if plain:
        made.wanted.add(node.id)
        paths = [made.paths[each] for each in (node.id, *plain)]
        made.edges.setdefault(_common(paths), []).append((node.id, tuple(plain)))


def _common(paths: Sequence[Path]) -> Path:
    """The innermost body around all of these."""
    if any(path and path[0][0] == "" for path in paths):
        return (("", "exit"),)
    common: list[tuple[str, str]] = []
    for steps in zip(*paths, strict=False):
        if len(set(steps)) > 1:
            break
        common.append(steps[0])
    return tuple(common)
