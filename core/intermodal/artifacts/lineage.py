"""What artifacts came from and what was made from them, across runs, targets and stores.

The records of the stores are read once into a graph of versions. An input of a task is found in it by
its URI; where that is of another place, by the same place in the store's layout (a store that was moved,
or is mounted elsewhere), and else by its content. What is found nowhere is an input from outside.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal
from urllib.parse import unquote

from intermodal.artifacts.model import ArtifactRecord, LineageInput
from intermodal.tracking.facts import RunFacts, TaskFacts

KEY_PARTS = 7
"""Segments of a version's URI that say which version it is: its key's path, and its content's name."""

Kind = Literal["version", "outside", "task"]
Direction = Literal["up", "down"]
RunName = tuple[str, str]
"""Pipeline and run id."""


@dataclass(frozen=True)
class Node:
    """Something that lineage goes through.

    Attributes:
        id: Unique: the URI of an artifact; of a task, its place in its run.
        kind: `version` is one that a store holds or held, `outside` an artifact that none of them
            knows, `task` a task that gave no artifacts and is known to the tracker.
        name: How a user asks for it, or may recognise it.
        run: Of a version or task.
        record: Of a version.
        task: What the tracker knows, of a task.
        sha256: Of an artifact from outside.
    """

    id: str
    kind: Kind
    name: str
    run: RunName | None = None
    record: ArtifactRecord | None = field(default=None, compare=False)
    task: TaskFacts | None = field(default=None, compare=False)
    sha256: str = ""

    @property
    def content(self) -> str:
        """SHA-256 of an artifact; empty for a task."""
        return self.record.ref.sha256 if self.record else self.sha256


@dataclass(frozen=True)
class Link:
    """`target` was made from `source`, which its task took as `name`."""

    source: str
    target: str
    name: str


@dataclass(frozen=True)
class Step:
    """One line of a tree, parents first.

    Attributes:
        depth: 0 for the artifact that was asked for.
        node: What stands there.
        name: The input that joins it to the line above it; empty at depth 0.
        repeated: It stands further up already, with what follows from it.
        hidden: How many lines would follow if the tree were not cut here.
    """

    depth: int
    node: Node
    name: str = ""
    repeated: bool = False
    hidden: int = 0


class Lineage:
    """The graph of all versions of some stores.

    Args:
        records: Of all versions, those that were pruned among them, in any order.
        runs: What a tracker knows of runs; adds tasks that gave no artifacts.
    """

    def __init__(self, records: Iterable[ArtifactRecord], runs: Iterable[RunFacts] = ()) -> None:
        self.records = sorted(records, key=lambda record: record.order)
        self.numbers = version_numbers(self.records)
        self.nodes: dict[str, Node] = {}
        self.runs: dict[RunName, list[Node]] = defaultdict(list)
        self._up: dict[str, list[Link]] = defaultdict(list)
        self._down: dict[str, list[Link]] = defaultdict(list)
        self._places: dict[str, str] = {}
        self._contents: dict[str, list[str]] = defaultdict(list)
        for record in self.records:
            self._add_version(record)
        for record in self.records:
            self._link(record.ref.uri, record.inputs)
        for facts in runs:
            self.add_run(facts)

    def sources(self, node: str) -> list[Link]:
        """What it was made from."""
        return self._up.get(node, [])

    def uses(self, node: str) -> list[Link]:
        """What was made from it."""
        return self._down.get(node, [])

    def node_of(self, record: ArtifactRecord) -> Node:
        """The node of a version."""
        return self.nodes[record.ref.uri]

    def at(self, uri: str) -> Node | None:
        """The version at a URI, quoted or not, or at the same place in a store that was moved."""
        for text in (uri, unquote(uri)):
            found = self.nodes.get(text) or self.nodes.get(self._places.get(_place(text), ""))
            if found is not None and found.record is not None:
                return found
        return None

    def same_content(self, node: Node) -> list[Node]:
        """The other versions with the same content, oldest first."""
        found = self._contents.get(node.content, []) if node.content else []
        return [self.nodes[uri] for uri in found if uri != node.id]

    def add_run(self, facts: RunFacts) -> None:
        """Add the tasks of a run that gave no artifacts but took some."""
        run = facts.pipeline, facts.run_id
        known = {
            (node.record.key.task, node.record.key.index)
            for node in self.runs.get(run, ())
            if node.record is not None
        }
        for task in facts.tasks:
            name = f"{facts.pipeline}/{task.instance}"
            place = f"task:{facts.pipeline}/{facts.run_id}/{task.instance}"
            if (task.task, task.index) in known or not task.inputs or place in self.nodes:
                continue
            self._add(Node(place, "task", name, run, task=task))
            inputs = [
                LineageInput(name=name, uri=fact.uri, sha256=fact.sha256)
                for name, fact in task.inputs.items()
            ]
            self._link(place, inputs)

    def walk(self, start: str, direction: Direction, depth: int | None = None) -> Iterator[Step]:
        """A tree read from the top; what stands in it twice shows what follows only once.

        Args:
            start: The id of a node.
            direction: Towards what it came from, or what was made from it.
            depth: How far to go; None for the whole way.
        """
        shown: set[str] = set()
        waiting = [(0, start, "")]
        while waiting:
            level, name, label = waiting.pop()
            links = self._links(name, direction)
            repeated, cut = name in shown and bool(links), depth is not None and level >= depth
            yield Step(
                level, self.nodes[name], label, repeated, len(links) if cut and not repeated else 0
            )
            if name in shown or cut:
                continue
            shown.add(name)
            waiting.extend(
                (level + 1, self._other(link, direction), link.name) for link in reversed(links)
            )

    def around(
        self, starts: Iterable[str], directions: Iterable[Direction], depth: int | None = None
    ) -> tuple[list[Node], list[Link]]:
        """All nodes within reach of some, and the links that were followed, each once."""
        begun = list(dict.fromkeys(starts))
        nodes = {start: self.nodes[start] for start in begun}
        links: dict[Link, None] = {}
        for direction in directions:
            frontier, level = list(begun), 0
            seen = set(begun)
            while frontier and (depth is None or level < depth):
                following: dict[str, None] = {}
                for name in frontier:
                    for link in self._links(name, direction):
                        links[link] = None
                        other = self._other(link, direction)
                        if other not in seen:
                            seen.add(other)
                            following[other] = None
                            nodes.setdefault(other, self.nodes[other])
                frontier, level = list(following), level + 1
        return list(nodes.values()), list(links)

    def _links(self, name: str, direction: Direction) -> list[Link]:
        return self.sources(name) if direction == "up" else self.uses(name)

    @staticmethod
    def _other(link: Link, direction: Direction) -> str:
        return link.source if direction == "up" else link.target

    def _add(self, node: Node) -> None:
        self.nodes[node.id] = node
        if node.run is not None:
            self.runs[node.run].append(node)

    def _add_version(self, record: ArtifactRecord) -> None:
        uri, key = record.ref.uri, record.key
        name = f"{output_name(record)}@{self.numbers[uri]}"
        self._add(Node(uri, "version", name, (key.pipeline, key.run), record))
        self._places[_place(uri)] = uri
        self._contents[record.ref.sha256].append(uri)

    def _link(self, target: str, inputs: Iterable[LineageInput]) -> None:
        linked: set[tuple[str, str]] = set()
        for source in inputs:
            found = self._found(source, target)
            if found == target or (found, source.name) in linked:
                continue
            linked.add((found, source.name))
            link = Link(found, target, source.name)
            self._up[target].append(link)
            self._down[found].append(link)

    def _found(self, source: LineageInput, target: str) -> str:
        """The id of the node that an input is; a new one if it is from outside."""
        for uri in (source.uri, self._places.get(_place(source.uri), "")):
            node = self.nodes.get(uri)
            if node is not None and node.content == source.sha256:
                return uri
        same = self._same_before(source.sha256, target)
        if same:
            return same
        # Content that is no longer what was taken is told apart by its hash.
        place = source.uri if source.uri not in self.nodes else f"{source.uri}#{source.sha256}"
        if place not in self.nodes:
            self._add(Node(place, "outside", source.uri, sha256=source.sha256))
        return place

    def _same_before(self, sha256: str, target: str) -> str:
        """The newest version of that content when the target was made, else the oldest; "" for none."""
        uris, made = self._contents.get(sha256, []), self.nodes[target].record
        if not sha256 or not uris:
            return ""
        if made is None:
            return uris[-1]
        place = bisect_left(uris, made.order, key=self._order)
        others = uris[max(place - 1, 0) : place] or [uri for uri in uris[:2] if uri != target]
        return next(iter(others), "")

    def _order(self, uri: str) -> tuple[datetime, str]:
        record = self.nodes[uri].record
        return (datetime.max.replace(tzinfo=UTC), uri) if record is None else record.order


def output_name(record: ArtifactRecord) -> str:
    """`pipeline/task/output`, with the index of a task in a loop: `etl/predict[0,2]/return`."""
    key = record.key
    index = f"[{','.join(map(str, key.index))}]" if key.index else ""
    return f"{key.pipeline}/{key.task}{index}/{key.output}"


def version_numbers(records: Iterable[ArtifactRecord]) -> Mapping[str, int]:
    """The number of each version by its URI: counted over the versions of one output, oldest first."""
    counts: defaultdict[tuple[object, ...], int] = defaultdict(int)
    numbers: dict[str, int] = {}
    for record in records:
        key = record.key
        thing = (key.pipeline, key.task, key.index, key.output)
        counts[thing] += 1
        numbers[record.ref.uri] = counts[thing]
    return numbers


def _place(uri: str) -> str:
    return "/".join(uri.split("/")[-KEY_PARTS:])
