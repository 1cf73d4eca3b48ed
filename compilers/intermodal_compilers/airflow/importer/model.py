"""What the reader gives: files, DAGs and tasks as they stand in the source, in frozen classes."""

from __future__ import annotations

from dataclasses import field
from typing import Any

from intermodal.findings import Finding, Span
from intermodal.frozen import Frozen

# A read value is plain data (None, bool, int, float, str, bytes, datetime, date, timedelta; tuple, dict
# and frozenset of values), or one of the classes below where it is no data.


class NotKnown(Frozen):
    """A value that cannot be known without running the file.

    Attributes:
        reason: Why, in words for the user.
        source: The expression that is not known, as written.
        span: Where it stands.
    """

    reason: str
    source: str
    span: Span


class TaskOutput(Frozen):
    """What a task returns or pushes, used as a value; `key` is None for the return value.

    Several `tasks` come from `.zip` and `.concat`; `how` names the way: `plain`, `map`, `zip`, `concat`, or
    `item` for the argument of a mapped group.
    """

    tasks: tuple[str, ...]
    key: str | None = None
    how: str = "plain"


class Reference(Frozen):
    """Something imported from a package that is not read, by its full path."""

    path: str


class Built(Frozen):
    """An object that a call of such a thing gives: `Built("airflow.datasets.Dataset", ("s3://x",), {})`."""

    path: str
    arguments: tuple[Any, ...]
    named: dict[str, Any]


class SetOf(Frozen):
    """A set with values that are no data."""

    items: tuple[Any, ...]


class FunctionSource(Frozen):
    """A function, lambda or class of the user's own files.

    Attributes:
        file: The file itself, where `span` has it as shown.
        module: The file's module name.
        source: A lambda's text.
        closure: Values of the names that it takes from functions around it.
        at_top: Whether its module can be asked for it by name.
        decorated: Whether what the module has under that name is a decorated task.
    """

    name: str
    span: Span
    last_line: int
    file: str = ""
    module: str = ""
    source: str = ""
    closure: dict[str, Any] = field(default_factory=dict)
    at_top: bool = False
    decorated: bool = False


class ReadArgument(Frozen):
    """An argument of a task or DAG.

    Attributes:
        value: The value, see above.
        source: The expression as written; empty where no expression gives it alone.
        span: Where that stands.
        origin: `call`, `default_args`, `partial` or `expand`.
    """

    value: Any
    source: str
    span: Span
    origin: str = "call"


class ReadTask(Frozen):
    """One task.

    Attributes:
        id: With the groups' prefixes, as Airflow has it.
        operator: The class's full path; for a class of the user's own file the path starts with its module.
        bases: Paths of the classes that a user's own operator class derives from, nearest first.
        arguments: By name.
        upstream: Ids, sorted.
        downstream: Ids, sorted.
        group: Ids of the groups around it, outermost first.
        mapped: Whether it is expanded into instances.
        trigger_rule: As Airflow spells it.
        holes: Why its structure is not known, if it is not.
        function: What a Python task runs.
        held_as: How the file's own top level refers to that function, if it does.
        own: The operator's class, if it is the user's own.
    """

    id: str
    operator: str
    span: Span
    bases: tuple[str, ...] = ()
    arguments: dict[str, ReadArgument] = field(default_factory=dict)
    upstream: tuple[str, ...] = ()
    downstream: tuple[str, ...] = ()
    group: tuple[str, ...] = ()
    mapped: bool = False
    trigger_rule: str = "all_success"
    setup: bool = False
    teardown: bool = False
    function: FunctionSource | None = None
    held_as: str = ""
    own: FunctionSource | None = None
    holes: tuple[str, ...] = ()


class ReadGroup(Frozen):
    """A task group: its id, its tasks' ids, whether it is mapped, and the groups down to it."""

    id: str
    tasks: tuple[str, ...]
    mapped: bool
    arguments: dict[str, ReadArgument]
    path: tuple[str, ...] = ()


class ReadDag(Frozen):
    """One DAG of a file.

    Attributes:
        file: The file itself, where `span` has it as shown.
        module: The file's module name.
        local: Modules of the user's own that were read for it.
        made: Names of the module that hold DAGs, groups and tasks: no function can take them along.
        group_arrows: Arrows from or to whole groups, by ids; the tasks' own edges say the same.
    """

    id: str
    span: Span
    arguments: dict[str, ReadArgument]
    tasks: dict[str, ReadTask]
    groups: dict[str, ReadGroup]
    labels: dict[tuple[str, str], str]
    holes: tuple[str, ...] = ()
    file: str = ""
    module: str = ""
    local: frozenset[str] = frozenset()
    made: frozenset[str] = frozenset()
    group_arrows: tuple[tuple[str, str], ...] = ()


class ReadFile(Frozen):
    """One file: its DAGs, and what was found on the way."""

    path: str
    dags: tuple[ReadDag, ...] = ()
    findings: tuple[Finding, ...] = ()
    lines: int = 0
