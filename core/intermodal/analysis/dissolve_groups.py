"""Dissolving groups: their tasks stand in the body around them, with the edges that the group meant."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from intermodal.analysis import graph
from intermodal.analysis.waits import is_teardown
from intermodal.ir import (
    Arm,
    BodyNode,
    Branch,
    ForEach,
    Group,
    Node,
    OutputRef,
    Pipeline,
    Task,
)


def dissolve_groups(pipeline: Pipeline) -> Pipeline:
    """The same pipeline without groups.

    An edge to a group becomes edges to the tasks in it that nothing in it waits for; the group's own
    edges go to the tasks in it that wait for nothing in it; its outputs become those they stand for.
    """
    groups = {
        placed.node.id: placed.node
        for placed in graph.walk(pipeline)
        if isinstance(placed.node, Group)
    }
    if not groups:
        return pipeline
    edges = _Edges(groups)
    outputs = {name: edges.resolved(value) for name, value in pipeline.outputs.items()}
    return pipeline.model_copy(
        update={
            "body": tuple(edges.body(pipeline.body)),
            "exit_tasks": tuple(edges.node(task, ()) for task in pipeline.exit_tasks),
            "outputs": outputs,
        }
    )


class _Edges:
    """What edges and references that name a group mean without it."""

    def __init__(self, groups: dict[str, Group]) -> None:
        self._groups = groups
        self._tails: dict[str, tuple[str, ...]] = {}

    def body(self, body: tuple[BodyNode, ...]) -> Iterator[BodyNode]:
        """A body with its groups dissolved."""
        for node, more in self._flat(body):
            yield self.node(node, more)

    def node(self, node: Any, more: tuple[str, ...]) -> Any:
        """A node with its references resolved, everything inside it too, and further edges."""
        after = tuple(dict.fromkeys((*self._expanded(node.after), *more)))
        update: dict[str, Any] = {"after": after}
        match node:
            case Task():
                update["inputs"] = {key: self.resolved(value) for key, value in node.inputs.items()}
                update["guard"] = None if node.guard is None else self.resolved(node.guard)
                update["action"] = self.resolved(node.action)
            case Branch():
                update["arms"] = tuple(self._arm(arm) for arm in node.arms)
                if node.chooser is not None:
                    update["chooser"] = self.resolved(node.chooser)
                if node.otherwise is not None:
                    update["otherwise"] = tuple(self.body(node.otherwise))
                update["outputs"] = {
                    key: tuple(self.resolved(ref) for ref in refs)
                    for key, refs in node.outputs.items()
                }
            case ForEach():
                update["items"] = self.resolved(node.items)
                update["body"] = tuple(self.body(node.body))
                update["outputs"] = {key: self.resolved(ref) for key, ref in node.outputs.items()}
        return node.model_copy(update=update)

    def resolved(self, value: Any) -> Any:
        """An expression, or what holds expressions, with references to groups replaced."""
        if isinstance(value, OutputRef):
            return self._output(value)
        if isinstance(value, Node):
            changed = {
                name: new
                for name in value.field_names
                if name != "span" and (new := self.resolved(old := getattr(value, name))) is not old
            }
            return value.model_copy(update=changed) if changed else value
        return _mapped(value, self.resolved)

    def _arm(self, arm: Arm) -> Arm:
        condition = None if arm.condition is None else self.resolved(arm.condition)
        update = {"condition": condition, "body": tuple(self.body(arm.body))}
        return arm.model_copy(update=update)

    def _output(self, reference: OutputRef) -> OutputRef:
        found = reference
        while found.node in self._groups:
            found = self._groups[found.node].outputs[found.output]
        if found is reference:
            return reference
        return found.model_copy(update={"span": reference.span or found.span})

    def _flat(
        self, body: tuple[BodyNode, ...]
    ) -> Iterator[tuple[Task | Branch | ForEach, tuple[str, ...]]]:
        """The nodes of a body, groups dissolved, with what the heads of groups wait for besides."""
        for node in body:
            if not isinstance(node, Group):
                yield node, ()
                continue
            waits = tuple(dict.fromkeys(self._expanded(node.after)))
            inside = set(graph.ids_inside(node))
            for inner, more in self._flat(node.body):
                is_head = not (inside & {*graph.upstreams(inner), *more})
                yield inner, (*more, *waits) if is_head else more

    def _expanded(self, names: tuple[str, ...]) -> Iterator[str]:
        for name in names:
            if name in self._groups:
                yield from self._tails_of(self._groups[name])
            else:
                yield name

    def _tails_of(self, group: Group) -> tuple[str, ...]:
        if group.id not in self._tails:
            members = [node for node, _ in self._flat(group.body)]
            waited = {
                up
                for node in members
                if not is_teardown(node)
                for up in self._expanded(tuple(graph.deep_upstreams(node)))
            }
            tails = [n.id for n in members if n.id not in waited and not is_teardown(n)]
            self._tails[group.id] = tuple(tails) or tuple(self._expanded(group.after))
        return self._tails[group.id]


def _mapped(value: Any, change: Callable[[Any], Any]) -> Any:
    """A tuple or mapping with its parts changed; the very same one if none is."""
    if isinstance(value, tuple):
        items = tuple(change(item) for item in value)
        return value if all(a is b for a, b in zip(items, value, strict=True)) else items
    if isinstance(value, dict):
        entries = {key: change(item) for key, item in value.items()}
        return value if all(entries[key] is value[key] for key in value) else entries
    return value
