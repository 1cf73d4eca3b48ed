"""The tasks of a DAG: the user's own and those that Airflow needs besides, with all their edges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from intermodal.findings import Finding
from intermodal.frozen import Frozen
from intermodal.ir import Expression, Group, Join, Task, Type


class Give(Frozen):
    """Return values: what the branches or iterations of a region give to those outside."""

    values: Mapping[str, Expression]
    docs: str = "What the branch gives: the outputs of the way it went."


class Way(Frozen):
    """One way through a branch, with the tasks that it begins with."""

    name: str
    condition: Expression | None
    heads: tuple[str, ...]


class Choose(Frozen):
    """Name the tasks to go on with; or, with `by_name`, the ways, for tasks that then skip or not."""

    ways: tuple[Way, ...]
    otherwise: tuple[str, ...] = ()
    chooser: Expression | None = None
    by_name: bool = False


class Check(Frozen):
    """Skip what comes next unless a condition holds.

    With `only_if_known`, a condition over outputs that are not there holds: the join rule decides.
    With `skips_itself`, the task ends as skipped: in a mapped task group, Airflow does not let it skip
    others.
    """

    condition: Expression
    only_if_known: bool = False
    skips_itself: bool = False


class ListItems(Frozen):
    """The items of a loop, or of several loops in one another that run as one."""

    lists: tuple[Expression, ...]
    combine: str


class Collected(Frozen):
    """One output of a loop: that of one task in all iterations, or of one task for each of them."""

    type: Type
    mapped: Expression | None = None
    single: tuple[Expression, ...] = ()


class Collect(Frozen):
    """Gather the outputs of a loop's iterations, and end as the loop does.

    Attributes:
        outputs: What to gather, by name.
        items: The items, where there may be none of them; None if there are some for sure.
        any_done: Output of a unit that runs if one iteration succeeded, where all may be skipped.
        length: How many items there are, if that is known.
        keeps_none: Whether what is not there is null: no iteration is skipped or fails.
    """

    outputs: Mapping[str, Collected]
    items: Expression | None = None
    any_done: Expression | None = None
    length: int = 0
    keeps_none: bool = True


class Decide(Frozen):
    """Look at the states of others, as a join rule does: go on, be skipped, or fail.

    Attributes:
        first: Units of which one that was skipped decides alone: an arm not taken, a guard.
        ups: Units that the rule is about.
        rule: The rule.
    """

    first: tuple[str, ...]
    ups: tuple[str, ...]
    rule: Join


class Say(Frozen):
    """Return a fixed text, where the trigger rule lets the task run."""

    text: str
    docs: str = ""


Work = Give | Choose | Check | ListItems | Collect | Decide | Say


@dataclass
class Unit:
    """One task of the DAG.

    Attributes:
        task: The user's task, its references resolved to units; or one made for `work`.
        waits: Ids of the units that it has edges from. It is given no other unit's outputs, it
            fetches those.
        rule: Its trigger rule over these.
        place: Ids of the groups and mapped loops that it stands in, outermost first.
        work: What a task does that is none of the user's.
        guard: A condition that its own function looks at first.
        origin: The user's task.
        index: Its index path: positions, or None for that of the mapped loop around it.
        always_there: Whether it runs only if all that it waits for has given its outputs.
    """

    task: Task
    waits: tuple[str, ...] = ()
    rule: Join = Join.ALL_SUCCESS
    place: tuple[str, ...] = ()
    work: Work | None = None
    guard: Expression | None = None
    origin: str = ""
    index: tuple[int | None, ...] = ()

    @property
    def id(self) -> str:
        """Its id in the DAG."""
        return self.task.id

    @property
    def always_there(self) -> bool:
        """Whether it runs only if all that it waits for has succeeded."""
        return self.rule is Join.ALL_SUCCESS


@dataclass
class Loop:
    """A loop that Airflow maps over its items.

    Attributes:
        id: Its id, which the group of its tasks has.
        items: A literal list, or the output of a unit that gives one.
        item_type: What the items are.
        max_parallel: How many instances of each of its tasks may run at once.
    """

    id: str
    items: Expression
    item_type: Type
    max_parallel: int | None = None


@dataclass
class Plan:
    """All of a DAG.

    Attributes:
        units: By id, in an order to create them in.
        loops: Mapped loops by id.
        groups: Groups by id, with the place of each.
    """

    units: dict[str, Unit] = field(default_factory=dict)
    loops: dict[str, Loop] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def mapped(self, unit: Unit) -> str:
        """The mapped loop around a unit, or nothing."""
        return next((part for part in reversed(unit.place) if part in self.loops), "")
