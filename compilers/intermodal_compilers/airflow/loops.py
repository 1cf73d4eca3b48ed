"""Loops: mapped over their items, or written out for each item where Airflow cannot map."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from intermodal.analysis import graph
from intermodal.analysis.loop_items import literal_items
from intermodal.findings import Finding, error, warning
from intermodal.ir import (
    AnyType,
    ArtifactType,
    BodyNode,
    Branch,
    Expression,
    ForEach,
    ItemRef,
    Join,
    ListType,
    Literal_,
    OptionalType,
    OutputRef,
    Task,
    Type,
    Wait,
)
from intermodal_compilers.airflow.joins import add_by_states, unreliable
from intermodal_compilers.airflow.plan import Collect, Collected, ListItems, Loop, Say
from intermodal_compilers.airflow.region import Region, copy_region
from intermodal_compilers.airflow.templates import holds_template

if TYPE_CHECKING:
    from intermodal_compilers.airflow.structure import Structure

# Airflow's `max_map_length`, and how often a task is written out at most.
LONGEST_MAP = 1024
MOST_COPIES = 100

# Rules by which a task always runs, or fails.
NEVER_SKIP = (Join.ALL_SUCCESS, Join.ALL_DONE, Join.NONE_FAILED, Join.ALWAYS)


def add_loop(
    structure: Structure, loop: ForEach, region: Region, inherited: tuple[str, ...]
) -> None:
    """Add a loop; its end is added once something waits for it."""
    inner = [node for node in _deep(loop.body) if isinstance(node, ForEach)]
    literal = literal_items(loop)
    if region.mapped or any(literal_items(nested) is None for nested in inner):
        if literal is not None and (inner or region.mapped):
            _add_copies(structure, loop, literal, region, inherited)
            return
        if region.mapped:
            structure.plan.findings.append(_nested(structure, loop))
            literal = []
    _add_mapped(structure, loop, literal, region, inherited)


def _add_mapped(
    structure: Structure,
    loop: ForEach,
    literal: list[object] | None,
    region: Region,
    inherited: tuple[str, ...],
) -> None:
    key = region.key(loop.id)
    if literal is not None and len(literal) > LONGEST_MAP:
        structure.plan.findings.append(_too_long(structure, loop, len(literal)))
        literal = literal[:1]
    ups = structure.ups(loop, region, inherited)
    items = _items(structure, loop, literal, ups, region)
    item_type = structure.types.item_type(loop)
    structure.plan.loops[key] = Loop(key, items, item_type, loop.max_parallel)
    inside = replace(
        region,
        gate="",
        mapped=key,
        place=(*region.place, key),
        index=(*region.index, None),
        items={**region.items, loop.id: ItemRef.of(loop=key)},
    )
    before = len(structure.plan.units)
    structure.add_body(loop.body, inside)
    added = [u for u in list(structure.plan.units.values())[before:] if key in u.place]
    if loop.max_parallel is not None and len(added) > 1:
        structure.plan.findings.append(_not_together(structure, loop))
    certain = bool(literal) and isinstance(items, Literal_)
    _finish(structure, loop, region, [inside], None if certain else items, len(literal or ()))


def _add_copies(
    structure: Structure,
    loop: ForEach,
    items: list[object],
    region: Region,
    inherited: tuple[str, ...],
) -> None:
    """Write the body out for each item."""
    if len(items) > MOST_COPIES:
        structure.plan.findings.append(_too_many(structure, loop, len(items)))
        items = items[:1]
    ids = [name for node in loop.body for name in graph.ids_inside(node)]
    ups = structure.ups(loop, region, inherited)
    if loop.max_parallel is not None and loop.max_parallel < len(items):
        structure.plan.findings.append(_not_together(structure, loop))
    copies = []
    gate = region.gate
    if ups:
        start = structure.helper_id(region.key(loop.id), "start")
        gate = structure.add(None, start, structure.gated(ups, region), region).id
    for position, item in enumerate(items):
        copied = copy_region(replace(region, gate=gate), ids, position)
        copied = replace(copied, items={**region.items, loop.id: Literal_.of(value=item)})
        structure.add_body(loop.body, copied)
        copies.append(copied)
    _finish(structure, loop, region, copies, None if items else Literal_.of(value=[]))


def _items(
    structure: Structure,
    loop: ForEach,
    literal: list[object] | None,
    ups: tuple[str, ...],
    region: Region,
) -> Expression:
    """What Airflow maps over: a list, the output of the task that gives it, or of one added here."""
    if literal and not ups and not region.gate and not holds_template(literal):
        return Literal_.of(value=literal)
    lists = tuple(structure.resolved(part, region) for part in loop.items.lists)
    first = lists[0]
    if len(lists) == 1 and isinstance(first, OutputRef) and ups == (first.node,):
        given = structure.type_of(loop.items.lists[0])
        unit = structure.plan.units[first.node]
        plain = unit.work is not None or not isinstance(
            unit.task.outputs.get(first.output), ArtifactType
        )
        if isinstance(given, ListType) and not region.gate and plain and not region.mapped:
            return first
    name = structure.helper_id(region.key(loop.id), "items")
    work = ListItems(lists, loop.items.combine)
    outputs: dict[str, Type] = {"return": ListType.of(item=structure.types.item_type(loop))}
    structure.add(work, name, structure.gated(ups, region), region, outputs=outputs)
    return OutputRef.of(node=name, output="return")


def _finish(
    structure: Structure,
    loop: ForEach,
    region: Region,
    copies: list[Region],
    items: Expression | None,
    length: int = 0,
) -> None:
    """Say how the loop ends, and what has become of its outputs.

    Args:
        structure: The plan.
        loop: The loop.
        region: Where it stands.
        copies: The regions of its body.
        items: The items, where there may be none.
        length: How many there are, if that is known.
    """
    key = region.key(loop.id)
    leaves = [unit for copied in copies for unit in structure.region_leaves(loop.body, copied)]
    if items is None:
        structure.leaf_units[key] = lambda: leaves
    skips = _may_all_skip(structure, loop)

    def end() -> str:
        name = structure.helper_id(key, "end")
        waits = list(leaves)
        any_done = _any_done(structure, key, leaves, region) if skips else None
        if any_done is not None:
            waits.append(any_done.node)
        if isinstance(items, OutputRef):
            waits.append(items.node)
        outputs, types = _outputs(structure, loop, copies)
        sources = [e for output in outputs.values() for e in _sources(output)]
        waits += structure.ends_among(sources)
        source = name
        if outputs and loop.id in structure.partly:
            source = structure.helper_id(key, "outputs")
            work = Collect(outputs, items, None, length, keeps_none=False)
            given_by = [*waits, *structure.output_units(sources)]
            structure.add(work, source, given_by, region, rule=Join.ALL_DONE, outputs=types)
            waits.append(source)
            outputs, types = {}, {}
        for given in loop.outputs:
            output = "return" if len(loop.outputs) == 1 else given
            structure.outputs[key, given] = OutputRef.of(node=source, output=output)
        plain = not outputs and items is None and any_done is None
        collect = Collect(outputs, items, any_done, length, keeps_none=not skips)
        structure.add(
            None if plain else collect, name, waits, region, rule=Join.NONE_FAILED, outputs=types
        )
        return name

    structure.ends[key] = cache(end)


def _any_done(structure: Structure, key: str, leaves: list[str], region: Region) -> OutputRef:
    """The output of a task that only runs if an iteration succeeded."""
    name = structure.helper_id(key, "any")
    rule = Join.NONE_FAILED_MIN_ONE_SUCCESS
    if unreliable(structure, rule, region):
        one = structure.helper_id(key, "one")
        add_by_states(structure, one, rule, leaves, region)
        leaves, rule = [one], Join.ALL_SUCCESS
    text = Say("succeeded", "Only runs if one iteration succeeded.")
    structure.add(text, name, leaves, region, rule=rule, outputs={"return": TEXT})
    return OutputRef.of(node=name, output="return")


def _outputs(
    structure: Structure, loop: ForEach, copies: list[Region]
) -> tuple[dict[str, Collected], dict[str, Type]]:
    """What a loop gives, with the types."""
    outputs: dict[str, Collected] = {}
    types: dict[str, Type] = {}
    for given, reference in loop.outputs.items():
        output = "return" if len(loop.outputs) == 1 else given
        outputs[output] = _collected(structure, reference, copies)
        types[output] = ListType.of(item=structure.type_of(reference))
    return outputs, types


def _collected(structure: Structure, reference: OutputRef, copies: list[Region]) -> Collected:
    """What an output is gathered from."""
    values = tuple(structure.resolved(reference, copied) for copied in copies)
    type_ = structure.type_of(reference)
    if len(copies) == 1 and copies[0].index and copies[0].index[-1] is None:
        return Collected(type_, mapped=values[0])
    return Collected(type_, single=values)


def _sources(output: Collected) -> tuple[Expression, ...]:
    return output.single if output.mapped is None else (output.mapped,)


def _deep(body: Iterable[BodyNode]) -> Iterable[BodyNode]:
    for node in body:
        yield node
        for _, inner in graph.regions(node):
            yield from _deep(inner)


def _may_all_skip(structure: Structure, loop: ForEach) -> bool:
    """Whether all iterations may be skipped, by what stands in the loop."""
    inside = set(graph.ids_inside(loop))
    for node in _deep(loop.body):
        if isinstance(node, Branch):
            return True
        if not isinstance(node, Task):
            continue
        waiting = isinstance(node.action, Wait) and node.action.soft_fail
        if node.guard is not None or waiting or node.join not in NEVER_SKIP:
            return True
        if any(up not in inside for up in structure.shape.ups(node)):
            return True
    return False


def _nested(structure: Structure, loop: ForEach) -> Finding:
    return error(
        "PORT204",
        f"{structure.target} cannot run the loop `{loop.id}` inside another loop",
        loop.span,
        why="Airflow maps no task group inside a mapped one, and the items of neither loop are "
        "written in the pipeline, so they cannot be written out either",
        next="write the items of one of the loops as a list, or loop over pairs",
    )


def _too_long(structure: Structure, loop: ForEach, count: int) -> Finding:
    return error(
        "PORT203",
        f"{structure.target} cannot run the {count} iterations of `{loop.id}`",
        loop.span,
        why=f"Airflow maps over at most {LONGEST_MAP} items, unless `core.max_map_length` is raised",
        next="split the list, or give each iteration several items",
    )


def _too_many(structure: Structure, loop: ForEach, count: int) -> Finding:
    return error(
        "PORT203",
        f"{structure.target} cannot write out the {count} iterations of `{loop.id}`",
        loop.span,
        why="Airflow maps no task group inside a mapped one, so one of the loops is written out "
        f"task by task, {MOST_COPIES} times at most",
        next="make the list shorter, or loop over pairs",
    )


def _not_together(structure: Structure, loop: ForEach) -> Finding:
    return warning(
        "PORT204",
        f"{structure.target} lets each task of `{loop.id}` run {loop.max_parallel} times at once, "
        "rather than that many iterations",
        loop.span,
        why="Airflow limits the instances of a task, not of a task group",
        next="set `max_active_tasks` for the pipeline if the machine cannot take more",
    )


TEXT = OptionalType.of(item=AnyType.of())
