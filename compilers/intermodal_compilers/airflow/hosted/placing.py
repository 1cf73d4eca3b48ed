"""Where tasks and groups stand in the file: their labels, and an order in which all is made before it is used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from intermodal.analysis import graph
from intermodal.findings import Finding, error
from intermodal.ir import (
    BodyNode,
    Expression,
    ForEach,
    Group,
    Hosted,
    HostedPipeline,
    Literal_,
    OutputRef,
    Pipeline,
    Task,
)
from intermodal_compilers.airflow.hosted.model import Item, Region, Step


class Placing:
    """The tasks and groups of a hosted pipeline as they will stand in the file.

    Attributes:
        root: Everything.
        steps: The tasks by their ids.
        findings: Ids that no group of Airflow's gives.
    """

    def __init__(self, pipeline: Pipeline, hosted: HostedPipeline, target: str) -> None:
        self.hosted = hosted
        self.target = target
        self.findings: list[Finding] = []
        self.steps: dict[str, Step] = {}
        self.root = Region(None, "", None)
        self._place(pipeline.body, self.root)
        self._order(self.root)

    def _place(self, body: Iterable[BodyNode], region: Region) -> None:
        for node in body:
            if isinstance(node, Task):
                assert isinstance(node.action, Hosted)
                step = Step(node, node.action, self._label(node.id, region), region)
                self.steps[node.id] = step
                region.children.append(step)
            elif isinstance(node, (Group, ForEach)):
                inner = Region(node, self._label(node.id, region), region)
                inner.prefix = self._prefix(node)
                region.children.append(inner)
                self._place(node.body, inner)

    def _label(self, name: str, region: Region) -> str:
        if region.node is None or not region.prefix:
            return name
        if name.startswith(f"{region.id}."):
            return name.removeprefix(f"{region.id}.")
        self.findings.append(
            error(
                "PORT204",
                f"{self.target} cannot name `{name}` in group `{region.id}`",
                region.node.span,
                why="ids in a group of Airflow's all begin with its own, or none does",
                next="name all that stands in the group alike",
            )
        )
        return name

    def _prefix(self, node: Group | ForEach) -> bool:
        given = self.hosted.groups.get(node.id, {})
        value = given.get("prefix_group_id", given.get("1"))
        if isinstance(value, Literal_) and value.value is False:
            return False
        inside = [child.id for child in node.body]
        return not inside or any(name.startswith(f"{node.id}.") for name in inside)

    def _order(self, region: Region) -> None:
        """Put what a task's arguments use before it; all else stays in its order."""
        place: dict[str, Item] = {}
        for child in region.children:
            for step in [child] if isinstance(child, Step) else child.steps():
                place[step.task.id] = child
        needs: dict[Item, list[Item]] = {child: [] for child in region.children}
        for child in region.children:
            used = used_by(child)
            needs[child] = [
                place[name] for name in used if name in place and place[name] is not child
            ]
        ordered: dict[Item, None] = {}
        for child in region.children:
            _visit(child, needs, ordered)
        region.children = list(ordered)
        for child in region.children:
            if isinstance(child, Region):
                self._order(child)


def id_of(item: Item) -> str:
    """Its full id."""
    return item.id if isinstance(item, Region) else item.task.id


def everything(region: Region) -> Iterator[Item]:
    """Everything inside, in the order of the file."""
    for child in region.children:
        yield child
        if isinstance(child, Region):
            yield from everything(child)


def used_by(item: Item) -> list[str]:
    """Ids of the tasks whose outputs an item uses."""
    found: dict[str, None] = {}
    if isinstance(item, Region):
        if isinstance(item.node, ForEach):
            found |= nodes_in(item.node.items.lists)
        for child in item.children:
            found |= dict.fromkeys(used_by(child))
    else:
        found |= nodes_in(graph.action_expressions(item.hosted))
    return list(found)


def nodes_in(expressions: Iterable[Expression]) -> dict[str, None]:
    """Ids of the tasks whose outputs stand in expressions."""
    return {
        part.node: None
        for expression in expressions
        for part in graph.parts(expression)
        if isinstance(part, OutputRef)
    }


def inputs_of_groups(region: Region) -> set[str]:
    """Ids of tasks that mapped groups around are mapped over: Airflow draws those edges itself."""
    return {
        name
        for one in region.path()
        if isinstance(one.node, ForEach)
        for name in nodes_in(one.node.items.lists)
    }


def _visit(first: Item, needs: Mapping[Item, list[Item]], ordered: dict[Item, None]) -> None:
    """Put an item after all that it needs, without recursion."""
    stack: list[tuple[Item, Iterator[Item]]] = [(first, iter(needs[first]))]
    open_: set[Item] = {first}
    while stack:
        item, waiting = stack[-1]
        for other in waiting:
            if other not in ordered and other not in open_:
                open_.add(other)
                stack.append((other, iter(needs[other])))
                break
        else:
            ordered.setdefault(item)
            stack.pop()
