"""Which setups a task needs besides its direct upstreams, as Airflow has it.

A task between a setup and its teardown runs only if that setup succeeded, whatever its own join rule says: else
a rule such as `all_done` would let it run without what it works on. (`BaseOperator.get_upstreams_only_setups`
and `TriggerRuleDep._evaluate_setup_constraint` in Airflow.)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from intermodal.analysis.waits import is_teardown
from intermodal.ir import BodyNode, Task

if TYPE_CHECKING:
    from intermodal_backends.local.plan import Plan

Point = tuple[str, str]
"""Where a step starts or ends: its id, and `start` or `end`. Of a task both are one."""


def needed_setups(plan: Plan) -> dict[str, tuple[str, ...]]:
    """Ids of the setups that each task needs indirectly; tasks without any are left out."""
    setups = [name for name, step in plan.steps.items() if is_setup(step.node)]
    if not setups:
        return {}
    onward = _edges(plan)
    back: dict[Point, list[Point]] = {}
    for point, following in onward.items():
        for other in following:
            back.setdefault(other, []).append(point)
    needed: dict[str, list[str]] = {}
    for setup in setups:
        after = _reached((setup, "end"), onward)
        partners = [up for up in plan.dependents[setup] if is_teardown(plan.steps[up].node)]
        if partners:
            after &= {name for partner in partners for name in _reached((partner, "start"), back)}
        for name in sorted(after, key=lambda name: plan.steps[name].rank):
            if _counts(plan, name, setup):
                needed.setdefault(name, []).append(setup)
    return {name: tuple(found) for name, found in needed.items()}


def is_setup(node: BodyNode) -> bool:
    """Whether it is a task that sets something up for others."""
    return isinstance(node, Task) and node.pairing is not None and node.pairing.role == "setup"


def _counts(plan: Plan, name: str, setup: str) -> bool:
    """Whether a setup is one that a step needs indirectly: it stands around it, or beside it."""
    step = plan.steps[name]
    around = {plan.steps[region].region for region in plan.around(name)}
    beside = plan.steps[setup].region in around
    task = isinstance(step.node, Task) and not is_teardown(step.node)
    return task and beside and name != setup and setup not in step.ups


def _edges(plan: Plan) -> Mapping[Point, list[Point]]:
    """What follows what: steps by what waits for them, regions by what stands in them."""
    onward: dict[Point, list[Point]] = {}
    for name, step in plan.steps.items():
        onward.setdefault((name, "start"), []).append((name, "end"))
        onward.setdefault((name, "end"), []).extend((d, "start") for d in plan.dependents[name])
        if step.region[0]:
            onward.setdefault((step.region[0], "start"), []).append((name, "start"))
            onward[name, "end"].append((step.region[0], "end"))
    return onward


def _reached(start: Point, edges: Mapping[Point, Iterable[Point]]) -> set[str]:
    """Ids of the steps that lie wholly on that side of a point."""
    seen: set[Point] = set()
    pending = [start]
    while pending:
        for point in edges.get(pending.pop(), ()):
            if point not in seen:
                seen.add(point)
                pending.append(point)
    side = "start" if start[1] == "end" else "end"
    return {name for name, part in seen if part == side}
