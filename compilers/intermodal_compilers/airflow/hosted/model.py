"""The parts of an emitted file: functions, tasks, and the groups that they stand in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from intermodal.ir import ForEach, Group, Hosted, Task
from intermodal_compilers.pysource import Expr


@dataclass(eq=False)
class Function:
    """A function under a decorator of Airflow's.

    Attributes:
        name: What it is called in the file.
        text: Its source, without that decorator.
        decorator: `task`, `task.branch` and so on.
        steps: The tasks that it makes.
        settings: Those that all of them share.
    """

    name: str
    text: str
    decorator: str
    steps: list[Step] = field(default_factory=list)
    settings: dict[str, Expr] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str]:
        """What it is, for comparing."""
        return self.decorator, self.text


@dataclass(eq=False)
class Step:
    """A task.

    Attributes:
        label: Its id without what the groups around it add.
        decorator: `task.branch` and so on for decorated functions; empty for operators.
        kind: The operator's class as the file has it.
        function: The function that the file decorates, if it does.
        called: What is decorated at the call, where the function itself stays as it is.
        args: Positional arguments of the call.
        arguments: Keyword arguments of the call that are the function's own.
        settings: All others, the operator's own and those of the task.
        late: Names of those that are known only where the task is made.
        expand: What it is mapped over, by name.
        expand_maps: Or in one.
        teardown: Arguments of `as_teardown`, its setups apart.
        variable: Its name in the file.
        is_used: Whether anything refers to it by that name.
    """

    task: Task
    hosted: Hosted
    label: str
    region: Region
    decorator: str = ""
    kind: Expr | None = None
    function: Function | None = None
    called: Expr | None = None
    args: list[Expr] = field(default_factory=list)
    arguments: dict[str, Expr] = field(default_factory=dict)
    settings: dict[str, Expr] = field(default_factory=dict)
    late: frozenset[str] = frozenset()
    expand: dict[str, Expr] = field(default_factory=dict)
    expand_maps: Expr | None = None
    teardown: dict[str, Expr] = field(default_factory=dict)
    variable: str = ""
    is_used: bool = False

    @property
    def is_setup(self) -> bool:
        """Whether it sets something up."""
        return self.task.pairing is not None and self.task.pairing.role == "setup"

    @property
    def is_teardown(self) -> bool:
        """Whether it tears something down."""
        return self.task.pairing is not None and self.task.pairing.role == "teardown"

    @property
    def setups(self) -> tuple[str, ...]:
        """What a teardown tears down."""
        return self.task.pairing.partners if self.task.pairing and self.is_teardown else ()


@dataclass(eq=False)
class Region:
    """A group with what it holds, or the DAG itself.

    Attributes:
        node: The group; None for the DAG itself.
        prefix: Whether ids in it begin with its own.
        arguments: What the group is made with, its label apart.
        over: What it is mapped over, by the names of its function's arguments.
        over_maps: Or a list of maps of them.
        names: Those names.
        function: That function's name.
        chains: Arrows drawn at its end.
        labelled: Arrows with texts: from, to, text.
        variable: Its name in the file.
        is_used: Whether anything refers to it by that name.
    """

    node: Group | ForEach | None
    label: str
    parent: Region | None
    prefix: bool = True
    arguments: dict[str, Expr] = field(default_factory=dict)
    children: list[Item] = field(default_factory=list)
    over: dict[str, Expr] = field(default_factory=dict)
    over_maps: Expr | None = None
    names: tuple[str, ...] = ()
    function: str = ""
    chains: list[tuple[tuple[Item, ...], ...]] = field(default_factory=list)
    labelled: list[tuple[Item, Item, str]] = field(default_factory=list)
    variable: str = ""
    is_used: bool = False

    @property
    def id(self) -> str:
        """The full id; empty for the DAG itself."""
        return self.node.id if self.node is not None else ""

    @property
    def is_mapped(self) -> bool:
        """Whether it is a function that is expanded."""
        return isinstance(self.node, ForEach)

    def steps(self) -> Iterator[Step]:
        """All tasks inside, in the order of the file."""
        for child in self.children:
            if isinstance(child, Step):
                yield child
            else:
                yield from child.steps()

    def regions(self) -> Iterator[Region]:
        """All groups inside, outer ones first."""
        for child in self.children:
            if isinstance(child, Region):
                yield child
                yield from child.regions()

    def path(self) -> list[Region]:
        """The regions around it and itself, outermost first."""
        return [*(self.parent.path() if self.parent else []), self]


Item = Step | Region
