"""What waits for what in a pipeline: groups dissolved, and the last tasks of every region found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from intermodal.analysis import graph
from intermodal.analysis.waits import is_teardown
from intermodal.ir import BodyNode, Branch, ForEach, Group, OutputRef, Pipeline, Task

Member = Task | Branch | ForEach


class Shape:
    """The upstreams of every task, branch and loop, by id."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.nodes: dict[str, BodyNode] = {p.node.id: p.node for p in graph.walk(pipeline)}
        self._tails: dict[str, tuple[str, ...]] = {}
        self._waited = frozenset(
            up
            for node in self.nodes.values()
            if not isinstance(node, Group) and not is_teardown(node)
            for up in self.ups(node)
        ) | frozenset(
            up
            for node in self.nodes.values()
            if isinstance(node, Group)
            for up in self.expanded(node.after)
        )
        self.exits = frozenset(task.id for task in pipeline.exit_tasks)
        self.nodes.update((task.id, task) for task in pipeline.exit_tasks)

    def resolve(self, node: str, output: str) -> tuple[str, str]:
        """The node and output that a reference means; a group hands on what is inside it."""
        found = self.nodes.get(node)
        while isinstance(found, Group):
            inner = found.outputs[output]
            node, output = inner.node, inner.output
            found = self.nodes.get(node)
        return node, output

    def ups(self, node: BodyNode) -> tuple[str, ...]:
        """Ids of the tasks, branches and loops that a node waits for, each once."""
        data = [
            self.resolve(ref.node, ref.output)[0] if isinstance(ref, OutputRef) else ref.node
            for ref in graph.references(graph.expressions(node))
        ]
        pairing = node.pairing if isinstance(node, Task) else None
        partners = pairing.partners if pairing and pairing.role == "teardown" else ()
        return tuple(dict.fromkeys(self.expanded((*data, *node.after, *partners))))

    def expanded(self, names: Iterable[str]) -> Iterator[str]:
        """What an edge from these nodes means: a group stands for its last members."""
        for name in names:
            node = self.nodes.get(name)
            if isinstance(node, Group):
                yield from self._group_tails(node)
            else:
                yield name

    def is_last(self, node: Member) -> bool:
        """Whether nothing but teardowns waits for it, and it is none itself."""
        return node.id not in self._waited and not is_teardown(node)

    def members(self, body: Iterable[BodyNode]) -> Iterator[Member]:
        """The tasks, branches and loops of a body, groups dissolved."""
        for node in body:
            if isinstance(node, Group):
                yield from self.members(node.body)
            else:
                yield node

    def leaves(self, body: Iterable[BodyNode]) -> list[Member]:
        """The members that decide how a region ends."""
        return [node for node in self.members(body) if self.is_last(node)]

    def _group_tails(self, group: Group) -> tuple[str, ...]:
        if group.id not in self._tails:
            members = list(self.members(group.body))
            waited = {
                up
                for node in members
                if not is_teardown(node)
                for up in self.expanded(graph.deep_upstreams(node))
            }
            tails = [n.id for n in members if n.id not in waited and not is_teardown(n)]
            self._tails[group.id] = tuple(tails) or tuple(self.expanded(group.after))
        return self._tails[group.id]
