"""The DAG's body as nested blocks: groups of tasks, and functions that are mapped over items."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from intermodal.ir import Group, OutputRef
from intermodal_compilers.airflow.model import Step
from intermodal_compilers.airflow.names import Names
from intermodal_compilers.airflow.plan import Loop, Plan
from intermodal_compilers.pysource import Expr, Value


@dataclass
class Block:
    """Steps and blocks that stand together.

    Attributes:
        group: The group that it is, if it is one.
        loop: The loop that its function is mapped over, if it is one.
        name: Python name of that function.
        item: Python name of its argument.
        exports: Variables in it that are referred to outside, in order.
        items: What it is mapped over.
    """

    group: Group | None = None
    loop: Loop | None = None
    name: str = ""
    item: str = ""
    children: list[Step | Block] = field(default_factory=list)
    exports: list[str] = field(default_factory=list)
    items: Expr | None = None


@dataclass
class Blocks:
    """The whole body, and its mapped blocks by loop.

    Attributes:
        imports: What the blocks need imported.
    """

    plan: Plan
    root: Block = field(default_factory=Block)
    mapped: dict[str, Block] = field(default_factory=dict)
    imports: set[str] = field(default_factory=set)

    def export(self, steps: Iterable[Step]) -> None:
        """Find out what mapped blocks must hand out."""
        variables = {step.unit.id: step.variable for step in steps}
        for step in steps:
            for node in _referred(step):
                unit = self.plan.units[node]
                for part in unit.place:
                    block = self.mapped.get(part)
                    if block is None or part in step.unit.place:
                        continue
                    if variables[node] not in block.exports:
                        block.exports.append(variables[node])


def arrange(
    plan: Plan,
    steps: list[Step],
    names: Names,
    items: Mapping[str, str],
    may_expand: Callable[[Step], bool],
) -> Blocks:
    """Put the steps into blocks, by the place of their units."""
    blocks = Blocks(plan)
    alone = _expanded(plan, steps, may_expand)
    known: dict[tuple[str, ...], Block] = {(): blocks.root}
    for step in steps:
        place = step.unit.place
        if place and place[-1] in alone:
            step.loop = plan.loops[place[-1]]
            place = place[:-1]
        for depth in range(1, len(place) + 1):
            if place[:depth] not in known:
                block = _block(blocks, place[depth - 1], names, items)
                known[place[: depth - 1]].children.append(block)
                known[place[:depth]] = block
        known[place].children.append(step)
    return blocks


def _block(blocks: Blocks, name: str, names: Names, items: Mapping[str, str]) -> Block:
    loop = blocks.plan.loops.get(name)
    if loop is None:
        blocks.imports.add("TaskGroup")
        return Block(group=blocks.plan.groups[name])
    blocks.imports.add("task_group")
    block = Block(loop=loop, name=names.claim(name, "_group"), item=items[name])
    blocks.mapped[name] = block
    return block


def _expanded(plan: Plan, steps: list[Step], may_expand: Callable[[Step], bool]) -> set[str]:
    """Loops of one task only, which needs no group."""
    inside: dict[str, list[Step]] = {}
    for step in steps:
        for part in step.unit.place:
            if part in plan.loops:
                inside.setdefault(part, []).append(step)
    return {
        name
        for name, found in inside.items()
        if len(found) == 1 and found[0].unit.place[-1] == name and may_expand(found[0])
    }


def _referred(step: Step) -> Iterator[str]:
    yield from step.unit.waits
    pairing = step.task.pairing
    yield from pairing.partners if pairing is not None else ()
    yield from (leaf.node for leaf in step.leaves.values() if isinstance(leaf, OutputRef))


def items_of(loop: Loop, variables: Callable[[OutputRef], Expr]) -> Expr:
    """What a loop is mapped over."""
    if isinstance(loop.items, OutputRef):
        return variables(loop.items)
    return Value(getattr(loop.items, "value", []))
