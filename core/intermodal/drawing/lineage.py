"""Lineage as a picture: artifacts inside the runs that made them, and edges from what they came from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from intermodal.artifacts.lineage import Lineage, Link, Node, RunName
from intermodal.drawing.picture import Box, Edge, Picture


def lineage_picture(
    title: str, lineage: Lineage, nodes: Sequence[Node], links: Sequence[Link]
) -> Picture:
    """The picture of some nodes and the links between them."""
    by_run: dict[RunName | None, list[Box]] = {}
    targets: dict[RunName, str] = {}
    ids = _ids(nodes)
    for node in nodes:
        by_run.setdefault(node.run, []).append(_box(ids[node.id], node, lineage))
        if node.run is not None and node.record is not None and node.record.target:
            targets[node.run] = node.record.target
    boxes: list[Box] = []
    for run, held in by_run.items():
        if run is None:
            boxes += held
        else:
            boxes.append(_region(run, targets.get(run, ""), held))
    edges = dict.fromkeys(Edge(ids[link.source], ids[link.target]) for link in links)
    return Picture(title, tuple(boxes), tuple(edges))


def _region(run: RunName, target: str, held: list[Box]) -> Box:
    pipeline, run_id = run
    on = f" on {target}" if target else ""
    # A space keeps the id apart from those of artifacts.
    return Box(
        f"run {pipeline}/{run_id}", f"{pipeline}{on}, run {run_id}", "run", children=tuple(held)
    )


def _ids(nodes: Sequence[Node]) -> dict[str, str]:
    """Ids that people can read: the name of each node, or its whole id where two have one name."""
    counts = Counter(node.name for node in nodes)
    return {node.id: node.name if counts[node.name] == 1 else node.id for node in nodes}


def _box(name: str, node: Node, lineage: Lineage) -> Box:
    record = node.record
    if record is None:
        detail = node.sha256[:12] if node.kind == "outside" else "task"
        title = node.name.partition("/")[2] if node.run else node.name
        return Box(name, title, node.kind, detail, "not in the store" * (not node.run))
    key, ref = record.key, record.ref
    index = f"[{','.join(map(str, key.index))}]" if key.index else ""
    title = f"{key.task}{index}/{key.output}@{lineage.numbers[ref.uri]}"
    pruned = "" if record.pruned_at is None else ", pruned"
    note = f"{ref.uri}\nmade {record.created_at:%Y-%m-%d %H:%M:%S}"
    return Box(name, title, ref.kind, f"{ref.kind} {ref.sha256[:12]}{pruned}", note)
