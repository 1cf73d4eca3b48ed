"""Lineage as text: an artifact's tree both ways, or a run's tasks with what each took and gave."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from intermodal.artifacts.lineage import Direction, Lineage, Link, Node, RunName, Step
from intermodal.cli.artifacts import readable_size
from intermodal.tracking.facts import RunFacts

CAPTIONS: dict[Direction, str] = {"up": "made from", "down": "used for"}
DEEPEST_INDENT = 40
"""Levels; what is deeper stands below each other with its level before it."""


def artifact_text(
    lineage: Lineage, node: Node, directions: Iterable[Direction], depth: int | None
) -> str:
    """An artifact, how it was made, and a tree for each direction; no newline at the end."""
    lines = [_described(node), *(f"  {line}" for line in _made(node))]
    same = lineage.same_content(node)
    if same:
        more = f" and {len(same) - 3} more" if len(same) > 3 else ""
        lines.append(f"  same content as {', '.join(other.name for other in same[:3])}{more}")
    for direction in directions:
        steps = list(lineage.walk(node.id, direction, depth))
        lines.append(CAPTIONS[direction] + ("" if len(steps) > 1 else ": nothing known"))
        lines += _tree(steps, node.run)
    return "\n".join(lines)


def run_text(
    lineage: Lineage, run: RunName, facts: RunFacts | None, directions: Sequence[Direction]
) -> str:
    """A run's tasks in the order of their work, and the runs it shares artifacts with."""
    nodes = in_order(lineage.runs.get(run, []))
    lines = [_run_line(run, nodes, facts)]
    if facts is not None and facts.page:
        lines.append(f"  {facts.page}")
    for task, held in groupby(nodes, key=_task_of):
        own = list(held)
        lines.append(f"  {task}")
        taken = dict.fromkeys(link for node in own for link in lineage.sources(node.id))
        shown = dict.fromkeys((link.name, link.source) for link in taken)
        lines += [_taken(name, lineage.nodes[source], run) for name, source in shown]
        lines += [f"    → {_given(node)}" for node in own if node.record is not None]
    if "up" in directions:
        lines += _others("takes from", lineage, _from_outside(lineage, nodes, run))
    if "down" in directions:
        used = [(link, link.target) for node in nodes for link in lineage.uses(node.id)]
        outside = [(link, other) for link, other in used if lineage.nodes[other].run != run]
        lines += _others("gives to", lineage, outside)
    return "\n".join(lines)


def in_order(nodes: Iterable[Node]) -> list[Node]:
    """The nodes of a run by task: tasks as their first output was made, without outputs last."""
    tasks: dict[str, list[Node]] = {}
    for node in sorted(nodes, key=lambda node: node.record is None):  # records are in order
        tasks.setdefault(_task_of(node), []).append(node)
    return [node for held in tasks.values() for node in held]


def _from_outside(lineage: Lineage, nodes: Sequence[Node], run: RunName) -> list[tuple[Link, str]]:
    taken = [(link, link.source) for node in nodes for link in lineage.sources(node.id)]
    return [(link, source) for link, source in taken if lineage.nodes[source].run != run]


def _others(caption: str, lineage: Lineage, links: Sequence[tuple[Link, str]]) -> Iterator[str]:
    """What is on the other side of a run's border, by the run it belongs to."""
    others = dict.fromkeys(lineage.nodes[other] for _, other in links)
    if others:
        yield caption
    by_run: dict[RunName | None, list[Node]] = {}
    for node in others:
        by_run.setdefault(node.run, []).append(node)
    for run, held in by_run.items():
        yield f"  {_run_name(run, held)}" if run else "  outside of the store"
        yield from (f"    {_described(node)}" for node in held)


def _tree(steps: Sequence[Step], run: RunName | None) -> Iterator[str]:
    """Lines of a tree, drawn with lines; the root itself is left out."""
    runs = [run]
    open_levels = _open_levels(steps)
    for step, still_open in zip(steps[1:], open_levels[1:], strict=True):
        del runs[step.depth :]
        known = step.node.run in {None, runs[-1]}
        other = "" if known else f"  {_run_name(step.node.run, [step.node])}"
        runs.append(step.node.run or runs[-1])
        label = f"{step.name}: " if step.name else ""
        tail = "  (shown above)" if step.repeated else ""
        if step.hidden:
            tail = f"  (and {step.hidden} more; `--depth` shows them)"
        yield f"{_branch(step.depth, still_open)}{label}{_described(step.node)}{other}{tail}"


def _branch(depth: int, still_open: frozenset[int]) -> str:
    if depth > DEEPEST_INDENT:
        return f"{'   ' * DEEPEST_INDENT}{depth}· "
    bars = ["│  " if level in still_open else "   " for level in range(1, depth)]
    return "".join([*bars, "├─ " if depth in still_open else "└─ "])


def _open_levels(steps: Sequence[Step]) -> list[frozenset[int]]:
    """For each line, the levels at which another line follows under the same parent."""
    found: list[frozenset[int]] = []
    later: set[int] = set()
    for step in reversed(steps):
        later = {level for level in later if level <= step.depth}
        found.append(frozenset(later))
        if step.depth <= DEEPEST_INDENT:
            later.add(step.depth)
    return found[::-1]


def _described(node: Node) -> str:
    if node.record is None:
        digest = f"  {node.sha256[:12]}" if node.sha256 else ""
        return (
            f"{node.name}{digest}  (outside of the store)"
            if node.kind == "outside"
            else f"{node.name}  (task)"
        )
    return f"{node.name}  {_facts(node)}"


def _given(node: Node) -> str:
    return f"{node.name.rpartition('/')[2]}  {_facts(node)}"


def _facts(node: Node) -> str:
    if node.record is None:
        return ""
    ref, pruned = node.record.ref, node.record.pruned_at
    gone = "" if pruned is None else f"  (pruned {pruned:%Y-%m-%d})"
    return f"{ref.kind} {ref.sha256[:12]}, {readable_size(ref.size)}{gone}"


def _taken(name: str, source: Node, run: RunName) -> str:
    if source.run == run:
        return f"    ← {name}: {source.name.partition('/')[2]}"
    where = f"  {_run_name(source.run, [source])}" if source.run else ""
    return f"    ← {name}: {_described(source)}{where}"


def _made(node: Node) -> Iterator[str]:
    record = node.record
    if record is None:
        return
    made = f"made {record.created_at:%Y-%m-%d %H:%M:%S} by {_task_of(node)}"
    attempt = f", attempt {record.key.attempt}" if record.key.attempt > 1 else ""
    code = f", code {record.code_hash[:12]}" if record.code_hash else ""
    yield f"{made}{attempt}{code}  {_run_name(node.run, [node])}"
    if record.link:
        yield record.link
    if record.parameters:
        yield "with " + ", ".join(f"{k}={_short(v)}" for k, v in record.parameters.items())


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 40 else text[:39] + "…"


def _task_of(node: Node) -> str:
    if node.record is None:
        return node.name.partition("/")[2]
    return "".join([node.record.key.task, *(f"[{part}]" for part in node.record.key.index)])


def _run_line(run: RunName, nodes: Sequence[Node], facts: RunFacts | None) -> str:
    target = facts.target if facts is not None else ""
    on = f" on {target}" if target else _on(nodes)
    state = f", {facts.state}" if facts is not None and facts.state != "unknown" else ""
    return f"run {run[1]} of {run[0]}{on}{state}"


def _run_name(run: RunName | None, nodes: Iterable[Node]) -> str:
    return f"run {run[1]}{_on(nodes)}" if run else ""


def _on(nodes: Iterable[Node]) -> str:
    """What a run ran on, as its artifacts say."""
    targets = (node.record.target for node in nodes if node.record is not None)
    target = next(filter(None, targets), "")
    return f" on {target}" if target else ""
