"""Which nodes need control: whether a task decides itself if it runs, or Prefect's own rule is enough."""

from __future__ import annotations

from dataclasses import dataclass, field

from intermodal.analysis import graph
from intermodal.analysis.setups import TOP, needed_setups
from intermodal.analysis.waits import is_teardown
from intermodal.ir import (
    Approval,
    BodyNode,
    Branch,
    Expression,
    ForEach,
    Index,
    Join,
    Literal_,
    OutputRef,
    ParameterRef,
    Pipeline,
    RunFact,
    Task,
    TriggerRun,
    Wait,
)
from intermodal_compilers.prefect.actions import python_call

# Rules under which a bad upstream gives what Prefect's own `NotReady` means.
STRICT = (Join.ALL_SUCCESS, Join.NONE_FAILED, Join.NONE_FAILED_MIN_ONE_SUCCESS)

# Rules under which good upstreams can still mean that a task is skipped.
SKIPPING = (Join.ONE_DONE, Join.ONE_FAILED, Join.ALL_FAILED, Join.ALL_SKIPPED)

# Rules under which a skipped upstream does not lead to a skip.
UNSKIPPED = (Join.ALL_DONE, Join.ALWAYS, Join.NONE_FAILED)

PLAIN_FACTS = ("run_id", "pipeline")


@dataclass
class Control:
    """What is known of a pipeline without groups.

    Attributes:
        ups: Ids of the nodes that a node waits for, by its own id.
        joined: Ids of the tasks and regions that decide themselves whether they run.
        skippable: Ids of what may end skipped.
        loops: Ids of the loops around a node.
        setups: Ids of the setups that a task needs besides what it waits for.
    """

    ups: dict[str, tuple[str, ...]] = field(default_factory=dict)
    joined: set[str] = field(default_factory=set)
    skippable: set[str] = field(default_factory=set)
    loops: dict[str, tuple[str, ...]] = field(default_factory=dict)
    nodes: dict[str, BodyNode] = field(default_factory=dict)
    setups: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def is_plain(self) -> bool:
        """Whether Prefect's own rules are enough for the whole pipeline."""
        return not self.joined


def control_of(pipeline: Pipeline) -> Control:
    """Look at a pipeline without groups."""
    control = _look(pipeline, picks=True)
    return control if control.is_plain else _look(pipeline, picks=False)


def _look(pipeline: Pipeline, *, picks: bool) -> Control:
    """Look at it, with small tasks that pick outputs and elements, or without."""
    control = Control()
    _enter(pipeline.body, (), control, picks=picks)
    exits = {task.id for task in pipeline.exit_tasks}
    for node in graph.topological(pipeline.exit_tasks):
        control.nodes[node.id] = node
        control.ups[node.id] = tuple(up for up in upstreams(node) if up in exits)
        _judge(node, control, picks=picks)
        if set(upstreams(node)) - exits:
            control.joined.add(node.id)
    placed = list(graph.walk(pipeline))
    control.setups = needed_setups(
        {item.node.id: item.node for item in placed},
        {item.node.id: (TOP, *item.scope) for item in placed},
        control.ups,
    )
    control.joined |= control.setups.keys()
    _spread(control)
    return control


def upstreams(node: BodyNode) -> tuple[str, ...]:
    """Ids of what a node waits for: its data, its edges, and the setups of a teardown."""
    partners: tuple[str, ...] = ()
    if isinstance(node, Task) and node.pairing is not None and is_teardown(node):
        partners = node.pairing.partners
    return tuple(dict.fromkeys((*graph.upstreams(node), *partners)))


def _enter(
    body: tuple[BodyNode, ...], loops: tuple[str, ...], control: Control, *, picks: bool
) -> None:
    for node in graph.topological(body):
        control.nodes[node.id], control.loops[node.id] = node, loops
        control.ups[node.id] = upstreams(node)
        inner = (*loops, node.id) if isinstance(node, ForEach) else loops
        for _, inside in graph.regions(node):
            _enter(inside, inner, control, picks=picks)
        _judge(node, control, picks=picks)


def _judge(node: BodyNode, control: Control, *, picks: bool) -> None:
    """Whether a node is controlled, and may be skipped; what it waits for has been judged."""
    ups = control.ups[node.id]
    may_skip = any(up in control.skippable for up in ups)
    if not isinstance(node, Task):
        control.joined.add(node.id)
        if may_skip or isinstance(node, Branch) or _can_skip_inside(node, control):
            control.skippable.add(node.id)
        return
    if _is_controlled(node, ups, may_skip=may_skip, picks=picks, control=control):
        control.joined.add(node.id)
    ends_skipped = (
        node.guard is not None
        or (isinstance(node.action, Wait) and node.action.soft_fail)
        or (bool(ups) and node.join in SKIPPING)
        or (may_skip and node.join not in UNSKIPPED)
    )
    if ends_skipped:
        control.skippable.add(node.id)


def _can_skip_inside(node: BodyNode, control: Control) -> bool:
    return any(inner in control.skippable for inner in graph.ids_inside(node))


def _is_controlled(
    task: Task, ups: tuple[str, ...], *, may_skip: bool, picks: bool, control: Control
) -> bool:
    return (
        task.join is not Join.ALL_SUCCESS
        or task.guard is not None
        or is_teardown(task)
        or may_skip
        or bool(control.loops.get(task.id))
        or isinstance(task.action, (Approval, TriggerRun, Wait))
        or any(not isinstance(control.nodes.get(up), Task) for up in ups)
        or any(not _is_plain(value, picks=picks, control=control) for value in task.inputs.values())
    )


def _is_plain(value: Expression, *, picks: bool, control: Control) -> bool:
    """Whether Prefect itself can hand the value over, with at most a small task that picks it."""
    match value:
        case Literal_() | ParameterRef():
            return True
        case RunFact(fact=fact):
            return fact in PLAIN_FACTS
        case OutputRef(node=node):
            return picks or gives_whole(control.nodes.get(node))
        case Index(base=base, key=key):
            parts = (base, key)
            return picks and all(_is_plain(p, picks=picks, control=control) for p in parts)
        case _:
            return False


def gives_whole(node: BodyNode | None) -> bool:
    """Whether what a task gives is its one output, not a mapping of outputs."""
    if not isinstance(node, Task):
        return False
    called = python_call(node)
    if called is not None:
        return called.unpack == "none"
    return set(node.outputs) <= {"return"}


def _spread(control: Control) -> None:
    """Control what lies before a task whose rule looks at failures.

    Prefect leaves a task `NotReady` after a failure, which older versions do not hand on.
    """
    pending = [
        up
        for name in control.joined
        if isinstance(node := control.nodes[name], Task)
        and (node.join not in STRICT or is_teardown(node) or name in control.setups)
        for up in control.ups[name]
    ]
    seen: set[str] = set()
    while pending:
        name = pending.pop()
        if name in seen:
            continue
        seen.add(name)
        if control.ups.get(name):
            control.joined.add(name)
        pending += control.ups.get(name, ())
