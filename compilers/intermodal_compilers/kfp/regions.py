"""Bodies of regions: which DAG a node stands in, by when it runs, and branches.

A node that may be skipped stands in a DAG of its own, `condition-…`, inside of one that never is,
`condition-branches-…`: that is how KFP's SDK writes conditions, and the only form that all runners
evaluate. What such a node gives is merged with a stand-in for the case that it was skipped.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import cast

from intermodal.analysis import graph
from intermodal.ir import (
    BodyNode,
    BooleanType,
    Branch,
    Compare,
    ForEach,
    Join,
    Literal_,
    Logic,
    OutputRef,
    Task,
    Wait,
)
from intermodal_compilers.kfp.build import Build
from intermodal_compilers.kfp.encoding import Maybe
from intermodal_compilers.kfp.gates import (
    FALSE,
    TRUE,
    Atom,
    Gate,
    atom,
    atom_of,
    atoms,
    cel,
    conjoin,
    disjoin,
    expression_of,
    facts,
    negate,
    without,
)
from intermodal_compilers.kfp.lift import CAME
from intermodal_compilers.kfp.limits import check_comparisons, check_depth
from intermodal_compilers.kfp.loops import LoopLowering
from intermodal_compilers.kfp.model import DagPlan, TaskOutput, TaskPlan
from intermodal_compilers.kfp.names import dashed
from intermodal_compilers.kfp.scopes import Location, Scope, Value, safe_key
from intermodal_compilers.kfp.skippable import Skippable, Skippables, output_of
from intermodal_compilers.kfp.tasks import TaskLowering

RAN = "ran"
"""The output of a region that tells whether any of its last tasks ran."""

Gates = dict[str, Gate]

# What a join rule makes of "which of them ran", where none of them failed: KFP runs nothing after a failure.
JOINS = {
    Join.ALL_SUCCESS: conjoin,
    Join.NONE_FAILED_MIN_ONE_SUCCESS: disjoin,
}


@dataclass
class RegionLowering:
    """Lowers the body of a pipeline, and those of the regions in it."""

    build: Build
    tasks: TaskLowering
    _groups: dict[int, Skippables] = field(default_factory=dict)
    _tests: dict[tuple[Atom, int], Value] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.loops = LoopLowering(self.build, self.tasks, self)

    def body(self, body: Iterable[BodyNode], scope: Scope, known: frozenset[Gate]) -> None:
        """Put the nodes of a body into a DAG; `known` holds wherever the DAG runs."""
        for node in graph.topological(body):
            gate = without(self._gate(node), known)
            place, holds = self._place(node, scope, gate, known)
            if isinstance(node, Task):
                self.tasks.lower(node, place)
                if CAME in node.outputs and isinstance(node.action, Wait):
                    came = atom(Atom("output", node.id, CAME, "==", "true"))
                    self.build.runs[node.id] = conjoin((self.build.runs.get(node.id, TRUE), came))
            elif isinstance(node, Branch):
                self._branch(node, place, holds)
            elif isinstance(node, ForEach):
                self.loops.lower(node, place, holds)

    def _gate(self, node: BodyNode) -> Gate:
        """When a node runs, where nothing fails."""
        build = self.build
        if isinstance(node, Task) and node.join is Join.ALWAYS:
            return TRUE
        join = node.join if isinstance(node, Task) else Join.ALL_SUCCESS
        ups = [build.runs.get(up, TRUE) for up in graph.upstreams(node)]
        combine = JOINS.get(join)
        if join is Join.ONE_SUCCESS and len(ups) == 1:
            combine = conjoin
        gate = combine(ups) if combine is not None and ups else TRUE
        if isinstance(node, Task) and node.guard is not None:
            found = atom_of(node.guard, build.types.type_of)
            if found is None:
                raise LookupError(f"the guard of {node.id} was not lifted")
            gate = conjoin((gate, atom(found)))
        if gate != TRUE:
            build.runs[node.id] = gate
        return gate

    def _place(
        self, node: BodyNode, scope: Scope, gate: Gate, known: frozenset[Gate]
    ) -> tuple[Scope, frozenset[Gate]]:
        """The DAG that a node stands in, and what holds wherever that runs."""
        if gate == TRUE:
            return scope, known
        needs = frozenset(up for up in graph.deep_upstreams(node) if up in self.build.locations)
        groups = self._groups.setdefault(id(scope), Skippables())
        group = groups.fitting(gate, needs, self.build.locations)
        if group is not None:
            rest = without(gate, facts(group.gate))
            return self._place(node, group.inner, rest, known | facts(group.gate))
        group = self.skippable(node.id, scope, gate, "")
        group.needs = needs
        groups.add(group)
        return group.inner, known | facts(gate)

    def skippable(self, node: str, scope: Scope, gate: Gate, missing: str) -> Skippable:
        """A DAG that runs if a formula holds, in one that always runs.

        Args:
            node: What it is for.
            scope: Where it stands.
            gate: The formula.
            missing: What its outputs are where it is skipped: JSON text, or empty text.
        """
        check_depth(node, scope)
        name = dashed(node)
        outer = self.wrapper(scope, f"condition-branches-{name}", node)
        inner = self.arm(outer, gate, name)
        group = Skippable(self, outer, inner, gate, frozenset(), name, missing)
        self.build.groups[id(inner)] = group
        return group

    def wrapper(self, scope: Scope, name: str, shown: str) -> Scope:
        """A DAG inside of a DAG."""
        plan = TaskPlan(self.build.task_names.take(name[:100]), shown, dag=DagPlan())
        self.build.add(scope, plan)
        return Scope(cast("DagPlan", plan.dag), scope, plan)

    def arm(self, outer: Scope, gate: Gate, name: str) -> Scope:
        """A DAG that runs if a formula holds."""
        inner = self.wrapper(outer, f"condition-{name}", name)
        plan = cast("TaskPlan", inner.task)
        keys: dict[Atom, str] = {}
        changed: dict[Atom, Atom] = {}
        compared = list(atoms(gate))
        check_comparisons(outer.task.shown if outer.task else name, len(compared))
        for one in compared:
            value = self._value_of(one, outer)
            if isinstance(value.wire, Maybe):
                value = self._tested(one, cast("Scope", outer.parent))
                told = f"{one.output} {one.operator} {one.literal}"
                changed[one] = replace(one, output=told, operator="==", literal="true", cast="")
            keys[changed.get(one, one)] = self._condition_key(value, outer, inner)
        if gate != TRUE:
            plan.condition = cel(_changed(gate, changed), lambda one: keys[one])
        return inner

    def _tested(self, one: Atom, scope: Scope) -> Value:
        """A comparison of a value that may be missing, made by a task: it travels as JSON text."""
        known = self._tests.get((one, id(scope)))
        if known is None:
            given = Compare.of(operator="!=", left=one.reference(), right=Literal_.of(value=None))
            both = Logic.of(operator="and", operands=(given, expression_of(atom(one))))
            name = f"{dashed(one.name)}-compared"
            known = self.tasks.compute(name, scope, {RAN: (both, BooleanType.of())})[RAN]
            self._tests[one, id(scope)] = known
        return known

    def _value_of(self, one: Atom, scope: Scope) -> Value:
        if one.kind == "parameter":
            return self.build.parameter(one.name)
        if one.kind == "item":
            return self.build.items[one.name]
        return self.build.output(one.name, one.output, scope)

    def _condition_key(self, value: Value, outer: Scope, inner: Scope) -> str:
        """The input that a condition reads; kfp.local looks it up in the DAG around."""
        if value in inner.inputs:
            return inner.inputs[value]
        if value not in outer.inputs and value.home is not outer:
            outer.source_of(value)
        if value not in outer.inputs:
            raise LookupError(f"{value.hint} does not come from outside")
        name = outer.inputs[value]
        inner.keys.take(name)
        inner.adopt(value, name)
        return name

    # --- branches

    def _branch(self, branch: Branch, scope: Scope, known: frozenset[Gate]) -> None:
        build = self.build
        check_depth(branch.id, scope)
        name = dashed(branch.id)
        outer = self.wrapper(scope, f"condition-branches-{name}", branch.id)
        location = Location(scope, cast("TaskPlan", outer.task))
        build.locations[branch.id] = location
        for up in graph.upstreams(branch):
            if up in build.locations:
                build.after(location, up)
        conditions = self._conditions(branch)
        arms: dict[str, Scope] = {}
        for arm, body in graph.regions(branch):
            gate = without(conditions[arm], known)
            inner = self.arm(outer, gate, f"{name}-{dashed(arm)}")
            arms[arm] = inner
            self.body(body, inner, known | facts(conditions[arm]))
        if "otherwise" not in arms and (branch.outputs or branch.id in build.waited):
            arms["otherwise"] = self.arm(outer, conditions["otherwise"], f"{name}-otherwise")
        self._merge(branch, outer, arms)
        self._note_run(branch, outer, arms, conditions)
        for inner in arms.values():
            if not inner.dag.tasks:
                outer.dag.tasks.remove(cast("TaskPlan", inner.task))
        if not outer.dag.tasks:
            scope.dag.tasks.remove(location.task)
            del build.locations[branch.id]

    def _conditions(self, branch: Branch) -> dict[str, Gate]:
        """When each arm is taken, and when none is."""
        found: dict[str, Gate] = {}
        before: list[Gate] = []
        is_chosen = any(
            isinstance(arm.condition, OutputRef)
            and arm.condition.node in self.build.lifted.computing
            for arm in branch.arms
        )
        for arm in branch.arms:
            gate = TRUE
            if arm.condition is not None:
                one = atom_of(arm.condition, self.build.types.type_of)
                if one is None:
                    raise LookupError(f"the condition of {arm.name} was not lifted")
                gate = atom(one)
            # What is computed says of each arm whether it is taken, those before considered.
            found[arm.name] = gate if is_chosen else conjoin((*map(negate, before), gate))
            before.append(gate)
        found["otherwise"] = conjoin(map(negate, before))
        return found

    def _merge(self, branch: Branch, outer: Scope, arms: dict[str, Scope]) -> None:
        build = self.build
        for name, references in branch.outputs.items():
            found: dict[str, Value] = {}
            for reference in references:
                for arm, inner in arms.items():
                    if arm not in found and self._stands_in(reference.node, inner):
                        found[arm] = build.output(reference.node, reference.output, inner)
            is_sure = len(found) == len(arms) and not any(
                value.is_artifact or isinstance(value.wire, Maybe) for value in found.values()
            )
            wires = {value.type for value in found.values()}
            sources = {value.wire for value in found.values()} if is_sure else set()
            if not is_sure or len(wires) > 1 or len(sources) > 1:
                found = {arm: self.tasks.pack(value) for arm, value in found.items()}
                build.missing.add((branch.id, name))
            sample = next(iter(found.values()), None)
            if sample is None:
                continue
            sample = _named(sample, f"{dashed(branch.id)}-{name}")
            outputs: list[TaskOutput] = []
            for arm, inner in arms.items():
                value = found.get(arm) or self.tasks.missing(inner, sample)
                outputs.append(output_of(inner.export((output_of(value),), value)))
            # The wire of the sample, exported from the wrapper.
            build.produced[branch.id, name] = outer.export(tuple(outputs), sample)

    def _stands_in(self, node: str, scope: Scope) -> bool:
        location = self.build.locations.get(node)
        return location is not None and scope in location.scope.around()

    def _note_run(self, branch: Branch, outer: Scope, arms: dict[str, Scope], gates: Gates) -> None:
        """When the branch ends as succeeded: if an arm was taken that has a leaf which ran."""
        build = self.build
        inside = set(graph.ids_inside(branch))
        leaves = {arm: self.leaves_run(body) for arm, body in graph.regions(branch)}
        if any(one.name in inside for gate in leaves.values() for one in atoms(gate)):
            if branch.id in build.waited:
                own = self._tell_run(branch, outer, arms, leaves)
                build.runs[branch.id] = conjoin((build.runs.get(branch.id, TRUE), own))
            return
        taken = [conjoin((gates[arm], leaves[arm])) for arm in leaves]
        gate = conjoin((build.runs.get(branch.id, TRUE), _covering(taken)))
        if gate != TRUE:
            build.runs[branch.id] = gate

    def leaves_run(self, body: tuple[BodyNode, ...]) -> Gate:
        """When any of the last nodes of a body runs; always, if it has none."""
        waited = {up for node in body for up in graph.deep_upstreams(node)}
        leaves = [self.build.runs.get(node.id, TRUE) for node in body if node.id not in waited]
        return disjoin(leaves) if leaves else TRUE

    def _tell_run(
        self, branch: Branch, outer: Scope, arms: dict[str, Scope], leaves: dict[str, Gate]
    ) -> Gate:
        """Let each arm tell whether a leaf of it ran: nobody outside can know."""
        name = dashed(branch.id)
        outputs: list[TaskOutput] = []
        for arm, inner in arms.items():
            value = self.tell_run(f"{name}-{dashed(arm)}-ran", inner, leaves.get(arm, FALSE))
            outputs.append(output_of(inner.export((output_of(value),), value)))
        self.build.produced[branch.id, RAN] = outer.export(tuple(outputs), value)
        return atom(Atom("output", branch.id, RAN, "==", "true"))

    def tell_run(self, name: str, scope: Scope, gate: Gate) -> Value:
        """A task that says whether a formula holds."""
        made = self.tasks.compute(name, scope, {RAN: (expression_of(gate), BooleanType.of())})
        return made[RAN]


def _covering(gates: list[Gate]) -> Gate:
    """One of the arms; true where the last is taken whenever none of the others is."""
    last = gates[-1]
    if facts(last) == frozenset(negate(gate) for gate in gates[:-1]) or (
        len(gates) > 1 and last == _otherwise_of(gates[:-1])
    ):
        return TRUE
    return disjoin(gates)


def _otherwise_of(gates: list[Gate]) -> Gate:
    plain = []
    for gate in gates:
        parts = gate.parts if gate.operator == "and" and gate.parts else (gate,)
        plain.append(parts[-1])
    return conjoin(map(negate, plain))


def _named(value: Value, hint: str) -> Value:
    return Value(value.home, value.source, value.wire, safe_key(hint), False, value.is_stored)


def _changed(gate: Gate, changed: dict[Atom, Atom]) -> Gate:
    """The formula with other comparisons in place of some."""
    if gate.atom is not None:
        return atom(changed[gate.atom]) if gate.atom in changed else gate
    return Gate(gate.operator, tuple(_changed(part, changed) for part in gate.parts))
