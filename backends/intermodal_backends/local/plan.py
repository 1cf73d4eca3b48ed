"""The plan of a run: a pipeline's tasks, branches and loops with their upstreams."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from intermodal.analysis import graph
from intermodal.analysis.setups import TOP, Region, is_setup, needed_setups
from intermodal.analysis.waits import is_teardown
from intermodal.ir import BodyNode, Branch, ForEach, Group, Pipeline, Task

EXIT: Region = ("", "exit")


@dataclass(frozen=True)
class Step:
    """A task, branch or loop.

    Attributes:
        node: The node itself.
        region: Where it stands.
        loops: Ids of the loops around it, outermost first: the length of its index path.
        ups: Ids of the steps it waits for.
        rank: Its place in the pipeline.
    """

    node: Task | Branch | ForEach
    region: Region
    loops: tuple[str, ...]
    ups: tuple[str, ...]
    rank: int

    @property
    def depth(self) -> int:
        """The length of its index path."""
        return len(self.loops)


class Plan:
    """All steps of a valid pipeline without groups.

    Attributes:
        steps: By id, exit tasks included.
        members: Ids of the steps that stand in a region.
        dependents: Ids of the steps that wait for a step.
        setups: Ids of the setups that a task needs besides its upstreams.
        needing: Ids of the tasks that need a setup so.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self.steps: dict[str, Step] = {}
        self.members: dict[Region, tuple[str, ...]] = {}
        self._arms: dict[str, list[Region]] = {}
        self._place(TOP, pipeline.body, ())
        exits = {task.id for task in pipeline.exit_tasks}
        for task in pipeline.exit_tasks:
            ups = tuple(up for up in self._ups(task) if up in exits)
            self.steps[task.id] = Step(task, EXIT, (), ups, len(self.steps))
        self.members[EXIT] = tuple(task.id for task in pipeline.exit_tasks)
        self.dependents: dict[str, list[str]] = {name: [] for name in self.steps}
        for name, step in self.steps.items():
            for up in step.ups:
                self.dependents[up].append(name)
        self.setups = needed_setups(
            {name: step.node for name, step in self.steps.items()},
            {name: self._scope(name) for name in self.steps},
            {name: step.ups for name, step in self.steps.items()},
        )
        self.needing: dict[str, list[str]] = {}
        for name, setups in self.setups.items():
            for setup in setups:
                self.needing.setdefault(setup, []).append(name)

    def setups_of(self, teardown: Step) -> list[str]:
        """Ids of the setups that a teardown cleans up after: its partners, and others right before it."""
        return [up for up in teardown.ups if is_setup(self.steps[up].node)]

    def leaves(self, region: Region) -> list[str]:
        """The members of a region that decide how it ends: nothing but teardowns waits for them."""
        return [
            name
            for name in self.members[region]
            if name not in self._waited_for and not is_teardown(self.steps[name].node)
        ]

    def inside(self, name: str) -> Iterator[str]:
        """Ids of all steps inside a branch or loop."""
        for region in self._arms.get(name, ()):
            for member in self.members[region]:
                yield member
                yield from self.inside(member)

    def around(self, name: str) -> Iterator[str]:
        """The step's id and those of the branches and loops around it."""
        while name:
            yield name
            name = self.steps[name].region[0]

    def _scope(self, name: str) -> list[Region]:
        """The regions that a step stands in, outermost first."""
        return [self.steps[region].region for region in self.around(name)][::-1]

    @cached_property
    def _waited_for(self) -> frozenset[str]:
        return frozenset(
            up for step in self.steps.values() if not is_teardown(step.node) for up in step.ups
        )

    def _place(self, region: Region, body: tuple[BodyNode, ...], loops: tuple[str, ...]) -> None:
        self.members[region] = tuple(node.id for node in body)
        for node in body:
            assert not isinstance(node, Group), "groups are dissolved before a run is planned"
            self.steps[node.id] = Step(node, region, loops, self._ups(node), len(self.steps))
            inner = (*loops, node.id) if isinstance(node, ForEach) else loops
            for arm, inner_body in graph.regions(node):
                self._arms.setdefault(node.id, []).append((node.id, arm))
                self._place((node.id, arm), inner_body, inner)

    def _ups(self, node: BodyNode) -> tuple[str, ...]:
        data = [reference.node for reference in graph.references(graph.expressions(node))]
        partners = (
            node.pairing.partners
            if isinstance(node, Task) and is_teardown(node) and node.pairing
            else ()
        )
        return tuple(dict.fromkeys((*data, *node.after, *partners)))
