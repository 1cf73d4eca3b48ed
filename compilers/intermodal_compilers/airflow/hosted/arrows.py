"""Which arrows the file draws, where, and with which texts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from intermodal.ir import HostedPipeline
from intermodal_compilers.airflow.hosted.edges import Edges, chains, group_arrows, meeting
from intermodal_compilers.airflow.hosted.model import Item, Region, Step
from intermodal_compilers.airflow.hosted.placing import (
    everything,
    id_of,
    inputs_of_groups,
    used_by,
)


class Arrows:
    """Puts the arrows of a hosted pipeline into its regions."""

    def __init__(self, hosted: HostedPipeline, root: Region, steps: Mapping[str, Step]) -> None:
        self.hosted = hosted
        self.root = root
        self.steps = steps

    def draw(self) -> None:
        """Put all arrows where both their ends are known."""
        root = self.root
        order: dict[Item, int] = {}
        for item in everything(root):
            order[item] = len(order)
        items = {id_of(item): item for item in order}
        arrows = list(self._arrows(root, items))
        must = [pair for pair in arrows if any(isinstance(item, Region) for item in pair)]
        single = [pair for pair in arrows if all(isinstance(item, Step) for item in pair)]
        edges = self._edges(single, must)
        labels = {(one.upstream, one.downstream): one.text for one in self.hosted.edge_labels}
        drawn, plain = group_arrows(self._group_arrows(items), single, edges)
        rest: list[tuple[Item, Item]] = []
        for up, down in dict.fromkeys([*must, *drawn, *plain]):
            text = self._text(up, down, labels, edges)
            if text is None:
                rest.append((up, down))
            else:
                self._label_arrow(up, down, text)
        for (up_id, down_id), text in labels.items():
            # An edge that comes about otherwise, and has a text.
            if up_id in items and down_id in items:
                self._label_arrow(items[up_id], items[down_id], text)
        self._chain(rest, order)
        for step in self.steps.values():
            step.is_used = step.is_used or step.is_setup or step.is_teardown

    def _text(
        self, up: Item, down: Item, labels: dict[tuple[str, str], str], edges: Edges
    ) -> str | None:
        """The text that all edges of an arrow have, which is taken from the labels then."""
        pairs = [
            (id_of(one), id_of(other)) for one in edges.leaves(up) for other in edges.roots(down)
        ]
        texts = {labels.get(pair) for pair in pairs}
        if len(texts) != 1 or None in texts:
            return None
        for pair in pairs:
            del labels[pair]
        return texts.pop()

    def _label_arrow(self, up: Item, down: Item, text: str) -> None:
        meeting(up, down).labelled.append((up, down, text))
        up.is_used = down.is_used = True

    def _group_arrows(self, items: Mapping[str, Item]) -> Iterator[tuple[Item, Item]]:
        for one in self.hosted.group_arrows:
            up, down = items.get(one.upstream), items.get(one.downstream)
            if up is None or down is None:
                continue
            mapped_over = isinstance(down, Region) and one.upstream in inputs_of_groups(down)
            if not mapped_over:
                yield up, down

    def _edges(
        self, single: Iterable[tuple[Item, Item]], must: Iterable[tuple[Item, Item]]
    ) -> Edges:
        """All edges between tasks; those of whole groups, which stand in `after`, among them."""
        known = [*((id_of(up), id_of(down)) for up, down in single), *self._implied()]
        edges = Edges(self.steps.values(), known)
        spread = [
            (id_of(one), id_of(other))
            for up, down in must
            for one in edges.leaves(up)
            for other in edges.roots(down)
        ]
        return Edges(self.steps.values(), [*known, *spread]) if spread else edges

    def _chain(self, arrows: Iterable[tuple[Item, Item]], order: Mapping[Item, int]) -> None:
        places: dict[Region, list[tuple[Item, Item]]] = {}
        for up, down in arrows:
            up.is_used = down.is_used = True
            places.setdefault(meeting(up, down), []).append((up, down))
        for region, some in places.items():
            region.chains = chains(some, order)

    def _arrows(self, root: Region, items: Mapping[str, Item]) -> Iterator[tuple[Item, Item]]:
        """What stands after what and is not drawn by other means."""
        for item in everything(root):
            node = item.task if isinstance(item, Step) else item.node
            skipped = set(item.setups) if isinstance(item, Step) else set()
            if isinstance(item, Step):
                skipped |= inputs_of_groups(item.region)
            for up in node.after if node is not None else ():
                if up not in skipped and up in items:
                    yield items[up], item

    def _implied(self) -> Iterator[tuple[str, str]]:
        """Edges by outputs that are used, by setups of teardowns, and by what groups are mapped over."""
        for step in self.steps.values():
            for up in (*used_by(step), *step.setups, *inputs_of_groups(step.region)):
                if up in self.steps:
                    yield up, step.task.id
