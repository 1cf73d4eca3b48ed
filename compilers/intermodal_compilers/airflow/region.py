"""Where a node stands while the plan is made, and what names mean there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field, replace

from intermodal.frozen import Frozen
from intermodal.ir import Expression


class Region(Frozen):
    """A region of the pipeline, or one copy of it.

    Attributes:
        gate: The unit that must succeed before anything here starts; empty if there is none.
        place: Ids of the groups and mapped loops around it, outermost first.
        mapped: The mapped loop around it, or empty.
        index: Index path of what stands here; None is the position in the mapped loop.
        copies: Ids of nodes that are copied for each item of a loop, with those of their copies.
        items: What the item of a loop is here, by the loop's id.
    """

    gate: str = ""
    place: tuple[str, ...] = ()
    mapped: str = ""
    index: tuple[int | None, ...] = ()
    copies: Mapping[str, str] = field(default_factory=dict)
    items: Mapping[str, Expression] = field(default_factory=dict)

    def key(self, node: str) -> str:
        """The id of a node, or of the copy that is meant here."""
        return self.copies.get(node, node)

    def inside_group(self, group: str) -> Region:
        """The same region, inside a group of it."""
        return replace(self, place=(*self.place, group))

    def behind(self, gate: str) -> Region:
        """An arm of a branch here; `gate` chooses it."""
        return replace(self, gate=gate)


def copy_region(region: Region, ids: Iterable[str], position: int) -> Region:
    """The region of one copy of a loop's body."""
    copies = {name: f"{region.key(name)}.{position}" for name in ids}
    return replace(region, copies={**region.copies, **copies}, index=(*region.index, position))
