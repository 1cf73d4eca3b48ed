"""Which task instances may run now: states, join rules, guards, branches and loops. No clock, no I/O."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from intermodal.analysis import graph
from intermodal.analysis.evaluate import MISSING, EvaluationError, evaluate, truth
from intermodal.analysis.loop_items import as_items, combined
from intermodal.analysis.setups import TOP
from intermodal.analysis.waits import instance_id
from intermodal.ir import Branch, ForEach, Join, OutputRef, Task
from intermodal_backends.local.joins import (
    Counts,
    count,
    decide,
    decide_by_setups,
    decide_teardown,
)
from intermodal_backends.local.plan import EXIT, Plan, Step
from intermodal_backends.local.scope import InstanceScope, Run

Index = tuple[int, ...]
Key = tuple[str, Index]
"""An instance: the step's id and its index path."""

GOOD = ("succeeded", "cached")
BAD = ("failed", "upstream_failed")


class Scheduler:
    """The states of all instances of one run.

    An instance is created when the region around it starts, waits until its join rule has a verdict,
    and is handed out by `take` if that is to run. Whoever took it says how it ended by `finish`.
    Branches and loops are instances too: they start with their region's members, and end with them.

    Attributes:
        states: Final states by instance.
        outputs: Outputs of instances that have some.
        problems: Why an instance failed that never started: a condition or list without a value.
        ended: Instances in the order in which they ended; whoever reads it may empty it.
    """

    def __init__(self, plan: Plan, run: Run, fetch: Callable[[Any], Any]) -> None:
        self.plan = plan
        self.run = run
        self.states: dict[Key, str] = {}
        self.outputs: dict[Key, dict[str, Any]] = {}
        self.problems: dict[Key, str] = {}
        self.ended: list[Key] = []
        self._fetch = fetch
        self._waiting: dict[str, dict[Index, Counts]] = {name: {} for name in plan.steps}
        self._todo: deque[Key] = deque()
        self._ready: list[tuple[int, int, Index, str]] = []
        self._open = 0
        self._items: dict[Key, list[Any]] = {}
        self._next_item: dict[Key, int] = {}
        self._left: dict[Key, int] = {}
        self._taken: dict[Key, tuple[str, ...]] = {}
        self._create(plan.members[TOP], ())
        self._advance()

    @property
    def is_done(self) -> bool:
        """Whether every instance created so far has ended."""
        return self._open == 0

    def begin_exit(self, state: str) -> None:
        """Go on with the exit tasks; `state` is how the rest ended."""
        self.run = self.run.ended(state)
        self._create(self.plan.members[EXIT], ())
        self._advance()

    def take(self) -> Key | None:
        """The instance to start next, by priority and then the pipeline's order; None if none may."""
        if not self._ready:
            return None
        _, _, index, name = heapq.heappop(self._ready)
        return name, index

    def finish(self, key: Key, state: str, outputs: Mapping[str, Any] | None = None) -> None:
        """Say how an instance that was taken has ended."""
        self._settle(key, state, outputs)
        self._advance()

    def scope(self, key: Key, attempt: int = 1) -> InstanceScope:
        """What names in the expressions of an instance stand for."""
        return InstanceScope(self, key, attempt)

    def output_of(self, node: str, output: str, index: Index) -> Any:
        """An output as seen from an index path; MISSING if there is none."""
        found = self.outputs.get((node, index[: self.plan.steps[node].depth]))
        return MISSING if found is None else found.get(output, MISSING)

    def state_of(self, node: str, index: Index) -> str:
        """The final state of a step as seen from an index path; empty if it has none yet."""
        return self.states.get((node, index[: self.plan.steps[node].depth]), "")

    def item_of(self, loop: str, index: Index) -> Any:
        """The item of a loop around an index path."""
        depth = self.plan.steps[loop].depth
        return self._items[loop, index[:depth]][index[depth]]

    def fetch(self, value: Any) -> Any:
        """The value in place of a reference."""
        return self._fetch(value)

    def final_states(self) -> dict[str, str]:
        """Final states of the task instances, by instance id."""
        return {
            instance_id(*key): state
            for key, state in self.states.items()
            if isinstance(self.plan.steps[key[0]].node, Task)
        }

    # --- instances

    def _create(self, names: tuple[str, ...], index: Index) -> None:
        for name in names:
            ups = self.plan.steps[name].ups
            self._waiting[name][index] = count(self._state_of_up(up, index) for up in ups)
            self._open += 1
            self._todo.append((name, index))

    def _state_of_up(self, up: str, index: Index) -> str | None:
        return self.states.get((up, index[: self.plan.steps[up].depth]))

    def _advance(self) -> None:
        """Look at everything that may have changed; a queue, because chains can be long."""
        while self._todo:
            name, index = self._todo.popleft()
            counts = self._waiting[name].get(index)
            if counts is not None:
                self._consider((name, index), counts)

    def _consider(self, key: Key, counts: Counts) -> None:
        step = self.plan.steps[key[0]]
        try:
            verdict = self._verdict(step, key, counts)
            if verdict == "wait":
                return
            del self._waiting[key[0]][key[1]]
            if verdict == "run":
                self._start(step, key)
                return
        except EvaluationError as problem:
            self._waiting[key[0]].pop(key[1], None)
            self.problems[key] = str(problem)
            verdict = "failed"
        inside = "upstream_failed" if verdict == "failed" else verdict
        self._end_all_inside(key, inside)
        self._settle(key, verdict if isinstance(step.node, Task) else inside)

    def _verdict(self, step: Step, key: Key, counts: Counts) -> str:
        node = step.node
        if not isinstance(node, Task):
            return decide(Join.ALL_SUCCESS, counts)
        guard = node.guard
        if guard is not None and self._has_inputs(guard, key) and not truth(guard, self.scope(key)):
            return "skipped"
        if node.pairing is not None and node.pairing.role == "teardown":
            setups = self.plan.setups_of(step)
            return decide_teardown(counts, count(self._state_of_up(s, key[1]) for s in setups))
        verdict = decide(node.join, counts)
        if node.id in self.plan.setups and node.join is not Join.ALWAYS:
            states = [self._state_of_up(s, key[1]) for s in self.plan.setups[node.id]]
            verdict = decide_by_setups(count(states)) or verdict
        if verdict == "run" and guard is not None and not truth(guard, self.scope(key)):
            return "skipped"
        return verdict

    def _has_inputs(self, guard: Any, key: Key) -> bool:
        """Whether all outputs that a guard uses exist; only then it counts before the join rule."""
        return all(
            self.output_of(part.node, part.output, key[1]) is not MISSING
            if isinstance(part, OutputRef)
            else bool(self.state_of(part.node, key[1]))
            for part in graph.references([guard])
        )

    def _start(self, step: Step, key: Key) -> None:
        match step.node:
            case Task(priority=priority):
                heapq.heappush(self._ready, (-(priority or 0), step.rank, key[1], key[0]))
            case Branch() as branch:
                self._start_branch(branch, key)
            case ForEach() as loop:
                self._start_loop(loop, key)

    def _settle(self, key: Key, state: str, outputs: Mapping[str, Any] | None = None) -> None:
        """Note a final state, and queue everything that may follow from it."""
        name, index = key
        self._mark(key, state)
        if outputs is not None and state in GOOD:
            self.outputs[key] = dict(outputs)
        self._open -= 1
        for dependent in self.plan.dependents[name]:
            waiting = self._waiting[dependent]
            same_depth = self.plan.steps[dependent].depth == len(index)
            places = [index] if same_depth else [i for i in waiting if i[: len(index)] == index]
            for place in places:
                if place in waiting:
                    waiting[place].add(state)
                    self._todo.append((dependent, place))
        for needing in self.plan.needing.get(name, ()):
            self._todo += ((needing, i) for i in self._waiting[needing] if i[: len(index)] == index)
        self._leave_region(self.plan.steps[name], index)

    def _mark(self, key: Key, state: str) -> None:
        self.states[key] = state
        self.ended.append(key)

    def _end_all_inside(self, key: Key, state: str) -> None:
        """Give a state to all that stands in a region which will not start."""
        for name in self.plan.inside(key[0]):
            self._mark((name, key[1]), state)

    # --- regions

    def _leave_region(self, step: Step, index: Index) -> None:
        region = step.region[0]
        if not region:
            return
        owner = self.plan.steps[region]
        key = (region, index[: owner.depth])
        if isinstance(owner.node, ForEach):
            self._leave_iteration(owner.node, key, index[owner.depth])
            return
        self._left[key] -= 1
        if not self._left[key]:
            self._end_branch(key)

    def _start_branch(self, branch: Branch, key: Key) -> None:
        taken = self._chosen(branch, key)
        self._taken[key] = taken
        started: list[str] = []
        for arm, _ in graph.regions(branch):
            members = self.plan.members[branch.id, arm]
            if arm in taken:
                started += members
                continue
            for name in members:
                self._mark((name, key[1]), "skipped")
                self._end_all_inside((name, key[1]), "skipped")
        self._left[key] = len(started)
        if not started:
            self._end_branch(key)
            return
        self._create(tuple(started), key[1])

    def _chosen(self, branch: Branch, key: Key) -> tuple[str, ...]:
        """The names of the arms to take."""
        scope = self.scope(key)
        otherwise = () if branch.otherwise is None else ("otherwise",)
        if branch.chooser is None:
            for arm in branch.arms:
                if arm.condition is None or truth(arm.condition, scope):
                    return (arm.name,)
            return otherwise
        given = evaluate(branch.chooser, scope)
        names = given if isinstance(given, list) else [] if given is None else [given]
        known = [arm.name for arm in branch.arms]
        for name in names:
            if name not in known:
                raise EvaluationError(f"no arm is called {name!r}; there are {', '.join(known)}")
        return tuple(names) or otherwise

    def _end_branch(self, key: Key) -> None:
        branch = self.plan.steps[key[0]].node
        assert isinstance(branch, Branch)
        taken = self._taken[key]
        leaves = [name for arm in taken for name in self.plan.leaves((branch.id, arm))]
        state = _region_state([self.states[name, key[1]] for name in leaves])
        if not leaves:
            state = "succeeded" if taken else "skipped"
        merged: dict[str, Any] = {}
        for name, references in branch.outputs.items():
            for reference in references:
                value = self.output_of(reference.node, reference.output, key[1])
                if value is not MISSING:
                    merged.setdefault(name, value)
        self._settle(key, state, merged)

    def _start_loop(self, loop: ForEach, key: Key) -> None:
        self._items[key] = _items_of(
            loop, [evaluate(e, self.scope(key)) for e in loop.items.lists], self
        )
        self._next_item[key] = 0
        total = len(self._items[key])
        self._left[key] = total
        if not total or not self.plan.members[loop.id, ""]:
            self._end_loop(loop, key)
            return
        for _ in range(min(total, loop.max_parallel or total)):
            self._start_iteration(loop, key)

    def _start_iteration(self, loop: ForEach, key: Key) -> None:
        position = self._next_item[key]
        self._next_item[key] += 1
        members = self.plan.members[loop.id, ""]
        index = (*key[1], position)
        self._left[loop.id, index] = len(members)
        self._create(members, index)

    def _leave_iteration(self, loop: ForEach, key: Key, position: int) -> None:
        iteration = (loop.id, (*key[1], position))
        self._left[iteration] -= 1
        if self._left[iteration]:
            return
        self._left[key] -= 1
        if self._next_item[key] < len(self._items[key]):
            self._start_iteration(loop, key)
        elif not self._left[key]:
            self._end_loop(loop, key)

    def _end_loop(self, loop: ForEach, key: Key) -> None:
        places = [(*key[1], position) for position in range(len(self._items[key]))]
        leaves = self.plan.leaves((loop.id, ""))
        state = _region_state([self.states[name, place] for name in leaves for place in places])
        collected: dict[str, Any] = {}
        for name, reference in loop.outputs.items():
            values = [self.output_of(reference.node, reference.output, place) for place in places]
            collected[name] = [value for value in values if value is not MISSING]
        self.outputs[key] = collected  # of a failed loop too: a join rule may want what there is
        self._settle(key, state if leaves and places else "succeeded", collected)


def _region_state(leaves: list[str]) -> str:
    """How a region ends by its leaves: as a task that waits for them by `none_failed_min_one_success`."""
    if any(state in BAD for state in leaves):
        return "upstream_failed"
    return "succeeded" if any(state in GOOD for state in leaves) else "skipped"


def _items_of(loop: ForEach, values: list[Any], scheduler: Scheduler) -> list[Any]:
    """The items of a loop.

    Raises:
        EvaluationError: What it goes over is no list.
    """
    lists: list[list[Any]] = []
    for value in values:
        given = scheduler.fetch(value)
        items = as_items(given)
        if items is None:
            raise EvaluationError(f"loop `{loop.id}` goes over {given!r}, which is no list")
        lists.append(items)
    return combined(loop, lists)
