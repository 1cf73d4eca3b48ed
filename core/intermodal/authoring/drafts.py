"""Branches, loops and groups while they are being collected."""

from __future__ import annotations

from dataclasses import dataclass, field

from intermodal import ir
from intermodal.authoring.tracing import Body, RegionDraft


@dataclass
class BranchDraft(RegionDraft):
    """A branch: its arms with their conditions, in order."""

    arms: list[tuple[str, ir.Expression | None, Body]] = field(default_factory=list)
    chooser: ir.Expression | None = None
    otherwise: Body | None = None
    outputs: dict[str, tuple[ir.OutputRef, ...]] = field(default_factory=dict)

    def bodies(self) -> tuple[Body, ...]:
        """Those of its arms."""
        arms = tuple(body for _, _, body in self.arms)
        return arms if self.otherwise is None else (*arms, self.otherwise)

    def build(self) -> ir.Branch:
        """The branch."""
        return ir.Branch.of(
            id=self.id,
            arms=tuple(
                ir.Arm.of(name=name, condition=condition, body=body.nodes())
                for name, condition, body in self.arms
            ),
            chooser=self.chooser,
            otherwise=None if self.otherwise is None else self.otherwise.nodes(),
            outputs=self.outputs,
            after=tuple(self.after),
            **self.fields,
        )


@dataclass
class LoopDraft(RegionDraft):
    """A loop: what it goes over, and its body."""

    items: ir.Items = field(default_factory=lambda: ir.Items.of(lists=()))
    body: Body = field(default_factory=Body)
    outputs: dict[str, ir.OutputRef] = field(default_factory=dict)

    def bodies(self) -> tuple[Body, ...]:
        """Its one."""
        return (self.body,)

    def build(self) -> ir.ForEach:
        """The loop."""
        return ir.ForEach.of(
            id=self.id,
            items=self.items,
            body=self.body.nodes(),
            outputs=self.outputs,
            after=tuple(self.after),
            **self.fields,
        )


@dataclass
class GroupDraft(RegionDraft):
    """A group, and its body."""

    body: Body = field(default_factory=Body)

    def bodies(self) -> tuple[Body, ...]:
        """Its one."""
        return (self.body,)

    def build(self) -> ir.Group:
        """The group."""
        return ir.Group.of(
            id=self.id, body=self.body.nodes(), after=tuple(self.after), **self.fields
        )
