"""Branches: a task that chooses, the arms after it, and one that ends as the branch does."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from intermodal.analysis import graph
from intermodal.ir import Branch, Compare, Default, Join, Literal_, OutputRef, Type
from intermodal_compilers.airflow.joins import add_by_states, unreliable
from intermodal_compilers.airflow.plan import Check, Choose, Give, Way, Work

if TYPE_CHECKING:
    from intermodal_compilers.airflow.region import Region
    from intermodal_compilers.airflow.structure import Structure


def add_branch(
    structure: Structure, branch: Branch, region: Region, inherited: tuple[str, ...]
) -> None:
    """Add a branch's choice, its arms, and, once something waits for it, its end."""
    key = region.key(branch.id)
    waits = structure.gated(structure.ups(branch, region, inherited), region)
    chooser = structure.add(None, key, waits, region)
    heads: dict[str, tuple[str, ...]] = {}
    leaves: list[str] = []
    lone = _is_lone(branch)
    for arm, body in graph.regions(branch):
        gate = key if lone or not region.mapped else _gate(structure, key, arm, region)
        before = len(structure.plan.units)
        structure.add_body(body, region.behind(gate))
        added = list(structure.plan.units.values())[before:]
        if not added and gate == key:
            added = [structure.add(None, structure.helper_id(key, arm), (key,), region)]
        heads[arm] = (arm,) if gate != key else tuple(u.id for u in added if key in u.waits)
        leaves += structure.region_leaves(body, region) or (
            [] if body else [added[0].id if added else gate]
        )
    chooser.work = _work(structure, branch, region, heads)
    structure.leaf_units[key] = lambda: leaves
    structure.ends[key] = cache(lambda: _end(structure, branch, region, leaves))


def _work(
    structure: Structure, branch: Branch, region: Region, heads: dict[str, tuple[str, ...]]
) -> Work:
    """What the task that chooses does: a branch of one arm only lets it go on or not."""
    only = branch.arms[0]
    if _is_lone(branch) and only.condition is not None:
        condition = structure.resolved(only.condition, region)
        return Check(condition, skips_itself=bool(region.mapped))
    ways = tuple(
        Way(
            arm.name,
            None if arm.condition is None else structure.resolved(arm.condition, region),
            heads[arm.name],
        )
        for arm in branch.arms
    )
    chooser = None if branch.chooser is None else structure.resolved(branch.chooser, region)
    return Choose(ways, heads.get("otherwise", ()), chooser, by_name=bool(region.mapped))


def _is_lone(branch: Branch) -> bool:
    """Whether there is one arm with a condition, and nothing else."""
    only = len(branch.arms) == 1 and branch.arms[0].condition is not None
    return only and branch.otherwise is None and branch.chooser is None


def _gate(structure: Structure, key: str, arm: str, region: Region) -> str:
    """A task that is skipped unless the arm is taken."""
    chosen = OutputRef.of(node=key, output="return")
    taken = Compare.of(left=Literal_.of(value=arm), right=chosen, operator="in")
    name = structure.helper_id(key, arm)
    structure.add(Check(taken, skips_itself=True), name, (key,), region)
    return name


def _end(structure: Structure, branch: Branch, region: Region, leaves: list[str]) -> str:
    """The unit that ends as the branch does, and gives its merged outputs."""
    key = region.key(branch.id)
    name = structure.helper_id(key, "end")
    values = {}
    types: dict[str, Type] = {}
    for given, alternatives in branch.outputs.items():
        output = "return" if len(branch.outputs) == 1 else given
        types[output] = structure.type_of(alternatives[0])
        first, *others = [structure.resolved(ref, region) for ref in reversed(alternatives)]
        for other in others:
            first = Default.of(value=other, fallback=first)
        values[output] = first
        structure.outputs[key, given] = OutputRef.of(node=name, output=output)
    leaves = list(dict.fromkeys([*leaves, *structure.ends_among(values.values())]))
    rule = Join.NONE_FAILED_MIN_ONE_SUCCESS
    if unreliable(structure, rule, region):
        one = structure.helper_id(key, "any") if branch.outputs else name
        add_by_states(structure, one, rule, leaves, region)
        if not branch.outputs:
            return one
        leaves, rule = [one], Join.ALL_SUCCESS
    if not branch.outputs:
        return structure.add(None, name, leaves, region, rule=rule).id
    unit = structure.add(Give(values), name, leaves, region, rule=rule, outputs=types)
    return unit.id
