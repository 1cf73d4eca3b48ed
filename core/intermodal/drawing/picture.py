"""What is drawn, whatever the format: boxes inside boxes, and edges between them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from intermodal.analysis import graph
from intermodal.analysis.wording import worded
from intermodal.ir import (
    BodyNode,
    Branch,
    Container,
    ForEach,
    Group,
    Hosted,
    Pipeline,
    PythonCall,
    Task,
)

EXIT = "on exit"


@dataclass(frozen=True)
class Box:
    """A task, or a region with what it holds.

    Attributes:
        id: Unique in the picture.
        title: What people call it.
        kind: The action's kind for a task; `branch`, `arm`, `for_each`, `group` or `exit` for a region.
            In a picture of lineage, the kind of an artifact, `task` or `outside`; `run` for a region.
        detail: A second, shorter line: what it runs.
        note: More, for where there is room: docs and the place in the source.
        children: What a region holds; None for a task.
    """

    id: str
    title: str
    kind: str
    detail: str = ""
    note: str = ""
    children: tuple[Box, ...] | None = None


@dataclass(frozen=True)
class Edge:
    """`target` waits for `source`; with `data` it also takes something from it."""

    source: str
    target: str
    data: bool = True


@dataclass(frozen=True)
class Picture:
    """A whole pipeline, or the lineage of something."""

    title: str
    boxes: tuple[Box, ...]
    edges: tuple[Edge, ...]


def picture(pipeline: Pipeline) -> Picture:
    """The boxes and edges of a valid pipeline."""
    boxes = [_box(node) for node in pipeline.body]
    if pipeline.exit_tasks:
        # A space keeps the id apart from those of nodes.
        tasks = tuple(_box(task) for task in pipeline.exit_tasks)
        boxes.append(Box(EXIT, EXIT, "exit", children=tasks))
    nodes = [*(placed.node for placed in graph.walk(pipeline)), *pipeline.exit_tasks]
    known = {node.id for node in nodes}
    edges: dict[tuple[str, str], Edge] = {}
    for node in nodes:
        for edge in _edges(node):
            if edge.source in known:
                edges.setdefault((edge.source, edge.target), edge)
    return Picture(pipeline.name, tuple(boxes), tuple(edges.values()))


def region_title(box: Box) -> str:
    """What a region is called where there is one line for it."""
    return f"{box.detail} {box.title}".strip() if box.kind != "group" else box.title


def walk(boxes: Iterable[Box]) -> Iterator[Box]:
    """Every box, regions before what they hold."""
    for box in boxes:
        yield box
        yield from walk(box.children or ())


def _edges(node: BodyNode) -> Iterator[Edge]:
    """Edges into a node; those with data first."""
    for source in graph.data_upstreams(node):
        yield Edge(source, node.id)
    for source in node.after:
        yield Edge(source, node.id, data=False)


def _box(node: BodyNode) -> Box:
    match node:
        case Task():
            return _task(node)
        case Branch():
            conditions = {arm.name: arm.condition for arm in node.arms}
            arms = tuple(
                Box(
                    f"{node.id} {name}",
                    worded(condition) if (condition := conditions.get(name)) else name,
                    "arm",
                    children=tuple(map(_box, body)),
                )
                for name, body in graph.regions(node)
            )
            by = f"by {worded(node.chooser)}" if node.chooser is not None else ""
            return Box(node.id, by, "branch", "choose", children=arms)
        case ForEach():
            over = f" {node.items.combine} ".join(map(worded, node.items.lists))
            children = tuple(map(_box, node.body))
            return Box(node.id, f"of {over}", "for_each", "for each", children=children)
        case Group():
            children = tuple(map(_box, node.body))
            title = node.display_name or node.id
            return Box(node.id, title, "group", note=node.docs, children=children)


def _task(task: Task) -> Box:
    action = task.action
    match action:
        case PythonCall(module=module, function=function):
            detail = f"{module}.{function}"
        case Container(image=image):
            detail = image
        case Hosted(class_path=path):
            detail = path
        case _:
            detail = action.kind
    note = "\n".join(part for part in (task.docs, str(task.span or "")) if part)
    return Box(task.id, task.display_name or task.id, action.kind, detail, note)
