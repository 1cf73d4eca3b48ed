"""What an Airflow DAG file consists of: what lowering gives and emitting prints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from intermodal.findings import Finding
from intermodal.ir import Expression, Task
from intermodal_compilers.airflow.plan import Loop, Unit
from intermodal_compilers.pysource import Expr

if TYPE_CHECKING:
    from intermodal_compilers.airflow.blocks import Block
    from intermodal_compilers.airflow.classes import HostedClasses


@dataclass
class Function:
    """A TaskFlow function, shared by all tasks that do the same.

    Attributes:
        name: Its name in the file.
        header: `def` and its arguments; empty if `body` holds them.
        body: The lines below.
        docstring: What its body says of itself already.
        settings: Arguments of its decorator: those that all its tasks share.
        calls: How many tasks it has.
        kind: Its decorator.
    """

    name: str
    header: list[str]
    body: list[str]
    docstring: str = ""
    settings: dict[str, Expr] = field(default_factory=dict)
    calls: int = 0
    kind: str = "task"

    def add_call(self, settings: Mapping[str, Expr]) -> None:
        """Keep as common only what this task has, too."""
        if self.calls == 0:
            self.settings = dict(settings)
        else:
            self.settings = {
                key: value for key, value in self.settings.items() if settings.get(key) == value
            }
        self.calls += 1


@dataclass
class Step:
    """One task in the DAG's body.

    Attributes:
        task: The task.
        arguments: What a TaskFlow function is called with.
        settings: Everything that the decorator, `.override(...)` or the operator takes.
        function: The TaskFlow function, or None for an operator.
        operator: The operator's class.
        variable: The name that holds its result, if anything refers to it.
        after: Variables of tasks that it waits for without using their results.
        unit: The plan's unit.
        leaves: What each argument of a function stands for.
        waits: Ids of the units that `after` names.
        setups: Variables of the tasks that a teardown cleans up after.
        is_lone_setup: Whether it is a setup that no teardown names, which has to say so itself.
        loop: The loop that this task alone is mapped over.
        items: What it is mapped over.
        made: The whole call, for a class of Airflow's own.
    """

    task: Task
    arguments: dict[str, Expr]
    settings: dict[str, Expr]
    function: Function | None = None
    operator: str = ""
    variable: str = ""
    after: tuple[str, ...] = ()
    unit: Unit = field(kw_only=True)
    leaves: Mapping[str, Expression] = field(default_factory=dict)
    waits: tuple[str, ...] = ()
    setups: tuple[str, ...] = ()
    is_lone_setup: bool = False
    loop: Loop | None = None
    items: Expr | None = None
    made: Expr | None = None


@dataclass
class DagFile:
    """A whole file.

    Attributes:
        name: The DAG's id, and the file's name.
        function: The name of the function under `@dag`; empty if the DAG is a `with` block.
        signature: Parameters of that function with their defaults.
        settings: Arguments of the DAG.
        imports: Names that the file imports at its top.
        helpers: Functions of the file's own that it needs, with their lines.
        packages: What workers must have installed.
        body: The steps in their blocks.
        names: What the user's tasks are called in the DAG.
        classes: Classes of Airflow's own that the pipeline holds.
    """

    name: str
    caption: str
    module_of: Mapping[str, str]
    function: str = ""
    signature: tuple[tuple[str, str, Expr], ...] = ()
    settings: dict[str, Expr] = field(default_factory=dict)
    functions: list[Function] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    imports: set[str] = field(default_factory=set)
    helpers: dict[str, list[str]] = field(default_factory=dict)
    packages: tuple[str, ...] = ()
    findings: list[Finding] = field(default_factory=list)
    body: Block | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    classes: HostedClasses | None = None
