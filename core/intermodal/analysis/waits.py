"""Who waits for whom at run time: leaf tasks, and whether instances ran in order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from intermodal.analysis import graph
from intermodal.analysis.graph import Placed
from intermodal.ir import BodyNode, ForEach, Join, Pipeline, Task

EARLY = {Join.ONE_SUCCESS, Join.ONE_FAILED, Join.ONE_DONE}
"""Rules that may hold before all upstreams have ended."""

Index = tuple[int, ...]


def instance_id(task: str, index: Iterable[int] = ()) -> str:
    """The task id and its index path, as findings and traces write them: `task[0][2]`."""
    return task + "".join(f"[{position}]" for position in index)


def split_instance_id(text: str) -> tuple[str, Index]:
    """The task id and index path of an instance id."""
    task, _, rest = text.partition("[")
    return task, tuple(int(part.rstrip("]")) for part in rest.split("[") if part)


def leaf_tasks(pipeline: Pipeline) -> set[str]:
    """Ids of the body's tasks that decide how the pipeline ends: no other task waits for them.

    A teardown does not count, neither as a leaf nor as one that waits.
    """
    placed = list(graph.walk(pipeline))
    waited_for: set[str] = set()
    for item in placed:
        if not is_teardown(item.node):
            waited_for.update(graph.upstreams(item.node))
    return {
        item.node.id
        for item in placed
        if isinstance(item.node, Task)
        and not is_teardown(item.node)
        and item.node.id not in waited_for
        and not any(region in waited_for for region, _ in item.scope)
    }


def tasks_in_loops(pipeline: Pipeline) -> set[str]:
    """Ids of the tasks that stand in a loop, at whatever depth."""
    placed = list(graph.walk(pipeline))
    loops = {item.node.id for item in placed if isinstance(item.node, ForEach)}
    return {
        item.node.id
        for item in placed
        if isinstance(item.node, Task) and any(region in loops for region, _ in item.scope)
    }


def is_teardown(node: BodyNode) -> bool:
    """Whether it is a task that cleans up after others."""
    return isinstance(node, Task) and node.pairing is not None and node.pairing.role == "teardown"


class Order:
    """Whether instances started only after what they waited for had ended. Linear in all of them.

    Args:
        pipeline: What was run.
        spans: First start and last end, in seconds, of each instance that started, by instance id.
    """

    def __init__(self, pipeline: Pipeline, spans: Mapping[str, tuple[float, float]]) -> None:
        self._placed: dict[str, Placed] = {p.node.id: p for p in graph.walk(pipeline)}
        self._exits = {task.id: task for task in pipeline.exit_tasks}
        self._depth = {name: self._loops(placed) for name, placed in self._placed.items()}
        self._starts = {split_instance_id(name): span[0] for name, span in spans.items()}
        self._ends: dict[tuple[str, Index], list[float]] = {}
        self._last_end = float("-inf")
        for name, (_, end) in spans.items():
            self._note_end(*split_instance_id(name), end)

    def holds(self, instance: str) -> bool:
        """Whether the instance started in order; true if it never started."""
        task, index = split_instance_id(instance)
        start = self._starts.get((task, index))
        if start is None:
            return True
        if task in self._exits:
            return start >= self._last_end and self._after(self._exits[task], index, start)
        placed = self._placed.get(task)
        if placed is None:
            return True
        nodes = [placed.node, *(self._placed[region].node for region, _ in placed.scope)]
        return all(self._after(node, index, start) for node in nodes)

    def _after(self, node: BodyNode, index: Index, start: float) -> bool:
        join = node.join if isinstance(node, Task) else Join.ALL_SUCCESS
        if join is Join.ALWAYS:
            return True
        ends = [end for up in graph.upstreams(node) for end in self._ends_of(up, index)]
        if not ends:
            return True
        return start >= (min(ends) if join in EARLY else max(ends))

    def _ends_of(self, up: str, index: Index) -> Iterator[float]:
        yield from self._ends.get((up, index[: self._depth.get(up, 0)]), ())

    def _note_end(self, task: str, index: Index, end: float) -> None:
        """Keep an end for the task, and the latest one for each region it stands in."""
        if task in self._exits:
            self._ends[task, ()] = [end]
        placed = self._placed.get(task)
        if placed is None:
            return
        self._last_end = max(self._last_end, end)
        for name in (task, *(region for region, _ in placed.scope)):
            key = (name, index[: self._depth[name]])
            self._ends[key] = [max(end, *self._ends.get(key, ()))] if key in self._ends else [end]

    def _loops(self, placed: Placed) -> int:
        return sum(isinstance(self._placed[region].node, ForEach) for region, _ in placed.scope)
