"""DAGs that may be skipped: how values leave them, and which of them a node can stand in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from intermodal_compilers.kfp.gates import Gate, conjuncts, negate
from intermodal_compilers.kfp.model import TaskOutput
from intermodal_compilers.kfp.scopes import Location, Scope, Value

if TYPE_CHECKING:
    from intermodal_compilers.kfp.regions import RegionLowering


@dataclass
class Skippable:
    """A DAG that may be skipped, in one that is not.

    Attributes:
        outer: The DAG that always runs.
        inner: The one that runs if the gate holds.
        gate: When.
        needs: Ids of the nodes outside that it waits for.
        text: What its outputs are where it is skipped.
        number: Its place among those of the DAG around them.
    """

    lowering: RegionLowering
    outer: Scope
    inner: Scope
    gate: Gate
    needs: frozenset[str]
    name: str
    text: str = ""
    stand_in: Scope | None = None
    number: int = 0

    def let_out(self, value: Value) -> Value:
        """The value, or empty text where the DAG was skipped."""
        packed = self.lowering.tasks.pack(value)
        inside = self.inner.export((output_of(packed),), packed)
        if self.stand_in is None:
            lowering = self.lowering
            self.stand_in = lowering.arm(self.outer, negate(self.gate), f"no-{self.name}")
        missing = self.lowering.tasks.missing(self.stand_in, packed, self.text)
        otherwise = self.stand_in.export((output_of(missing),), missing)
        return self.outer.export((output_of(inside), output_of(otherwise)), inside)


def output_of(value: Value) -> TaskOutput:
    """The output that a value is, in the DAG where it comes into being."""
    return cast("TaskOutput", value.source)


@dataclass
class Skippables:
    """The DAGs inside of one DAG that may be skipped, found without looking at each.

    Attributes:
        by_need: By the nodes outside that they wait for.
        by_gate: By one of the formulas that all have to hold, a rare one.
        by_scope: By what runs if the formula holds.
    """

    by_need: dict[str, list[Skippable]] = field(default_factory=dict)
    by_gate: dict[Gate, list[Skippable]] = field(default_factory=dict)
    by_scope: dict[int, Skippable] = field(default_factory=dict)

    def add(self, group: Skippable) -> None:
        """Let nodes stand in it that come later."""
        for need in group.needs:
            self.by_need.setdefault(need, []).append(group)
        rarest = min(_parts(group.gate), key=lambda part: len(self.by_gate.get(part, ())))
        self.by_gate.setdefault(rarest, []).append(group)
        group.number = len(self.by_scope)
        self.by_scope[id(group.inner)] = group

    def fitting(
        self, gate: Gate, needs: frozenset[str], locations: Mapping[str, Location]
    ) -> Skippable | None:
        """The first that runs whenever the gate holds, and waits for all that is needed.

        Args:
            gate: When the node runs.
            needs: Ids of the nodes that it waits for.
            locations: Where those stand.
        """
        holding = conjuncts(gate)
        for group in self._candidates(gate, needs, locations):
            if conjuncts(group.gate) <= holding and all(
                need in group.needs or group.inner in locations[need].scope.around()
                for need in needs
            ):
                return group
        return None

    def _candidates(
        self, gate: Gate, needs: frozenset[str], locations: Mapping[str, Location]
    ) -> Iterator[Skippable]:
        """All that can fit, and few others, in the order in which they were added."""
        holding = {g.number: g for part in _parts(gate) for g in self.by_gate.get(part, ())}
        found = holding
        if needs and len(holding) > 1:
            rarest = min(needs, key=lambda need: (len(self.by_need.get(need, ())), need))
            found = {group.number: group for group in self.by_need.get(rarest, ())}
            for scope in locations[rarest].scope.around():
                if id(scope) in self.by_scope:
                    around = self.by_scope[id(scope)]
                    found[around.number] = around
            found = min(holding, found, key=len)
        return (found[number] for number in sorted(found))


def _parts(gate: Gate) -> tuple[Gate, ...]:
    return gate.parts if gate.operator == "and" else (gate,)
