"""DAGs, tasks and groups while a file is read, and how edges come about between them.

The rules follow `airflow.sdk.definitions` (node.py, taskgroup.py, edges.py, setup_teardown.py) and their
forerunners in `airflow.models`: what counts is the state at the moment an arrow is drawn.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from intermodal.findings import Span
from intermodal_compilers.airflow.importer.values import RaisedError

SUFFIX = re.compile(r"__\d+$")


@dataclass(eq=False, repr=False, slots=True)
class Argument:
    """A value with the place that gives it."""

    value: Any
    source: str
    span: Span
    origin: str = "call"


@dataclass(eq=False, repr=False)
class Dag:
    """A DAG that is being put together."""

    id: str
    span: Span
    arguments: dict[str, Argument]
    default_args: Any
    module: str
    holes: list[str] = field(default_factory=list)
    tasks: dict[str, TaskNode] = field(default_factory=dict)
    used_groups: set[str] = field(default_factory=set)
    # By what ids start with: the highest number after `__`, of tasks and of groups.
    numbers: dict[str, int] = field(default_factory=dict)
    group_numbers: dict[str, int] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    labels: dict[tuple[str, str], str] = field(default_factory=dict)
    group_arrows: dict[tuple[str, str], None] = field(default_factory=dict)
    registered: bool = False
    attributes: dict[str, Any] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)
    of: Any = None
    started: bool = False
    root: Group = field(init=False)

    def __post_init__(self) -> None:
        self.root = Group("", None, self, prefix=True)

    def add(self, task: TaskNode) -> None:
        """Take a task in.

        Raises:
            RaisedError: There is another of that id.
        """
        known = self.tasks.get(task.id)
        if known is task:
            return
        if known is not None:
            raise RaisedError(
                "DuplicateTaskIdFound", f"task id `{task.id}` is already in `{self.id}`"
            )
        self.tasks[task.id] = task
        task.dag = self
        if task.group is None:
            task.group = self.root
        task.group.children[task.id] = task
        stem, _, number = task.id.rpartition("__")
        if number.isdigit():
            self.numbers[stem] = max(self.numbers.get(stem, 0), int(number[:9]))

    def unique(self, label: str, group: Group | None) -> str:
        """A task label that is still free: `name`, `name__1`, ... as Airflow counts."""
        full = group.child_id(label) if group else label
        if full not in self.tasks:
            return label
        number = self.numbers.get(SUFFIX.split(full)[0], 0)
        return f"{SUFFIX.split(label)[0]}__{number + 1}"


@dataclass(eq=False, repr=False)
class TaskNode:
    """A task that is being put together."""

    id: str
    operator: str
    span: Span
    arguments: dict[str, Argument]
    dag: Dag | None = None
    group: Group | None = None
    upstream: dict[str, TaskNode] = field(default_factory=dict)
    downstream: dict[str, TaskNode] = field(default_factory=dict)
    bases: tuple[str, ...] = ()
    mapped: bool = False
    setup: bool = False
    teardown: bool = False
    trigger_rule: Any = None
    function: Any = None
    holes: list[str] = field(default_factory=list)
    names: dict[str, Any] = field(default_factory=dict)
    of: Any = None
    called: dict[str, Argument] = field(default_factory=dict)
    started: bool = False

    def roots(self) -> list[TaskNode]:
        """Itself: where arrows to it end."""
        return [self]

    def leaves(self) -> list[TaskNode]:
        """Itself: where arrows from it start."""
        return [self]


@dataclass(eq=False, repr=False)
class Group:
    """A task group; the root of a DAG has no name."""

    label: str
    parent: Group | None
    dag: Dag
    prefix: bool
    children: dict[str, TaskNode | Group] = field(default_factory=dict)
    default_args: Any = None
    arguments: dict[str, Argument] = field(default_factory=dict)
    upstream_ids: dict[str, None] = field(default_factory=dict)
    mapped: bool = False
    inputs: list[TaskNode] = field(default_factory=list)
    names: dict[str, Any] = field(default_factory=dict)
    of: Any = None
    started: bool = False

    @property
    def id(self) -> str:
        """With the prefixes of the groups around it."""
        if self.label and self.parent and self.parent.label and self.parent.prefix:
            return self.parent.child_id(self.label)
        return self.label

    def child_id(self, label: str) -> str:
        """The id of a task or group in here."""
        own = self.id
        return f"{own}.{label}" if self.prefix and own else label

    def tasks(self) -> Iterator[TaskNode]:
        """All tasks in here, nested ones too."""
        for child in list(self.children.values()):
            if isinstance(child, Group):
                yield from child.tasks()
            else:
                yield child

    def roots(self) -> list[TaskNode]:
        """Tasks without an upstream in here."""
        inside = {task.id: task for task in self.tasks()}
        return [t for t in inside.values() if inside.keys().isdisjoint(t.upstream)]

    def leaves(self) -> list[TaskNode]:
        """Tasks without a downstream in here; teardowns do not count."""
        inside = {task.id: task for task in self.tasks()}
        found: dict[str, TaskNode] = {}
        for task in inside.values():
            if not inside.keys().isdisjoint(task.downstream):
                continue
            if not task.teardown:
                found[task.id] = task
            else:
                found |= {t.id: t for t in _before_teardown(task, inside, set())}
        return list(found.values())


def _before_teardown(
    task: TaskNode, inside: dict[str, TaskNode], seen: set[str]
) -> Iterator[TaskNode]:
    for above in task.upstream.values():
        if above.id not in inside or above.id in seen:
            continue
        if above.teardown:
            seen.add(above.id)
            yield from _before_teardown(above, inside, seen)
        elif task.teardown and above.setup:
            continue
        elif not any(
            down.id in inside and down.id != task.id and not down.teardown
            for down in above.downstream.values()
        ):
            yield above


@dataclass(eq=False, repr=False, slots=True)
class XCom:
    """A task's output, or several put together, used as a value."""

    nodes: tuple[TaskNode, ...]
    key: Any = None
    how: str = "plain"
    function: Any = None

    def roots(self) -> list[TaskNode]:
        """The tasks it comes from."""
        return list(self.nodes)

    def leaves(self) -> list[TaskNode]:
        """The tasks it comes from."""
        return list(self.nodes)


@dataclass(eq=False, repr=False, slots=True)
class EdgeLabel:
    """`Label("...")` on its way between two sides of an arrow."""

    label: Any
    above: list[Any] = field(default_factory=list)
    below: list[Any] = field(default_factory=list)


NODES = (TaskNode, Group, XCom, EdgeLabel)


def arrow(left: Any, right: Any, *, lead: str, label: Any = None) -> None:
    """Draw edges from `left` to `right`, either of which may be a node or a list.

    Args:
        left: A node, or a list or tuple of nodes; what is no node in a list is passed over.
        right: The same.
        lead: `left` or `right`: whose method Airflow would call, which is the side that is no list.
        label: The edge's label, if there is one.
    """
    forward = lead == "left"
    first, others = (left, right) if forward else (right, left)
    listed = list(others) if isinstance(others, list | tuple | set) else [others]
    many = [other for other in listed if isinstance(other, NODES)]
    if isinstance(first, EdgeLabel):
        _through(first, many, downstream=forward)
        return
    for other in many:
        if isinstance(other, EdgeLabel):
            # An output draws its arrows through the tasks that it comes from.
            ends = list(first.nodes) if isinstance(first, XCom) else [first]
            _through(other, ends, downstream=not forward)
    nodes = [other for other in many if not isinstance(other, EdgeLabel)]
    if forward:
        _draw_down(first, nodes, label)
    else:
        _draw_up(first, nodes, label)


def _note_groups(above: Any, below: Any) -> None:
    """Keep what was drawn from or to a whole group: Airflow's pages show such arrows as one."""
    group = above if isinstance(above, Group) else below
    if not isinstance(group, Group):
        return
    ups = [above.id] if isinstance(above, Group) else [task.id for task in above.leaves()]
    downs = [below.id] if isinstance(below, Group) else [task.id for task in below.roots()]
    for up in ups:
        group.dag.group_arrows |= {(up, down): None for down in downs}


def _draw_down(first: Any, nodes: list[Any], label: Any) -> None:
    for other in nodes:
        _note_groups(first, other)
    for task in _leaves(first):
        for other in nodes:
            _connect_all(task, other, label)


def _draw_up(first: Any, nodes: list[Any], label: Any) -> None:
    for other in nodes:
        _note_groups(other, first)
    if isinstance(first, Group):
        for other in nodes:
            if not isinstance(other, Group):
                first.upstream_ids |= {task.id: None for task in other.roots()}
    for task in first.roots():
        for other in nodes:
            for above in other.leaves():
                connect(above, task, label)


def _connect_all(task: TaskNode, other: Any, label: Any) -> None:
    if isinstance(other, Group):
        other.upstream_ids[task.id] = None
    for below in other.roots():
        connect(task, below, label)


def _leaves(node: Any) -> list[TaskNode]:
    """Where arrows from a node start; for an empty group, what stands before it."""
    place = node
    while isinstance(place, Group):
        found = place.leaves()
        if found:
            return found
        if place.upstream_ids:
            return [place.dag.tasks[i] for i in place.upstream_ids if i in place.dag.tasks]
        place = place.parent
        if place is None:
            return []
    found = node.leaves()
    return list(found)


def _through(label: EdgeLabel, nodes: list[Any], *, downstream: bool) -> None:
    """Put nodes on one side of a label; once both sides are there, draw the edges."""
    (label.below if downstream else label.above).extend(nodes)
    if not (label.above and label.below):
        return
    _raise_to_groups(label)
    if downstream:
        for above in label.above:
            arrow(above, nodes, lead="left", label=label.label)
    else:
        for below in label.below:
            arrow(nodes, below, lead="right", label=label.label)


def _raise_to_groups(label: EdgeLabel) -> None:
    groups = {_place(node) for node in [*label.above, *label.below]}
    if len(groups) == 1:
        return
    label.above = [_group_of(node) for node in label.above]
    label.below = [_group_of(node) for node in label.below]


def _place(node: Any) -> str:
    if isinstance(node, Group):
        return node.id
    first = node.roots()[0]
    return first.group.id if first.group and first.group.label else "root"


def _group_of(node: Any) -> Any:
    if isinstance(node, TaskNode) and node.group and node.group.label:
        return node.group
    return node


def connect(above: TaskNode, below: TaskNode, label: Any = None) -> None:
    """One edge; a task without a DAG joins that of the other."""
    if above.dag is None and below.dag is not None:
        below.dag.add(above)
    elif below.dag is None and above.dag is not None:
        above.dag.add(below)
    above.downstream[below.id] = below
    below.upstream[above.id] = above
    if isinstance(label, str) and above.dag:
        above.dag.labels[above.id, below.id] = label


def references(value: Any) -> Iterator[TaskNode]:
    """Tasks whose outputs stand anywhere in a value."""
    if isinstance(value, XCom):
        yield from value.nodes
        return
    if not isinstance(value, list | tuple | set | dict):
        return
    pending: list[Any] = [value]
    seen: set[int] = set()
    while pending:
        one = pending.pop()
        if isinstance(one, XCom):
            yield from one.nodes
        elif isinstance(one, list | tuple | set | dict) and id(one) not in seen:
            seen.add(id(one))
            pending.extend(reversed(list(one.values() if isinstance(one, dict) else one)))
