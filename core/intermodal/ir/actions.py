"""Actions: what a task does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Annotated, Literal

from intermodal.ir.expressions import Expression, SourceExpression
from intermodal.ir.node import Duration, Identifier, Node, Rule


class CapturedSource(Node):
    """A function's source with what it needs of its module, for workers that cannot import it.

    Attributes:
        function: Source of the function itself, undecorated, as written.
        imports: Import statements that it and its definitions use, one each.
        definitions: Source of the module-level definitions it uses, in the module's order.
        local_modules: Imported modules that belong to the user's project and are not captured.
    """

    function: str
    imports: tuple[str, ...] = ()
    definitions: tuple[str, ...] = ()
    local_modules: tuple[str, ...] = ()


class PythonCall(Node):
    """Call a Python function with the task's inputs as keyword arguments.

    `unpack` says how outputs are taken from what it returns: the whole value is the output `return`,
    or each output is an attribute (NamedTuple, dataclass) or an item (dict) of it.
    """

    kind: Literal["python"] = "python"
    module: str
    function: str
    unpack: Literal["none", "attributes", "items"] = "none"
    source: CapturedSource | None = None


class Shell(Node):
    """Run a command with `bash -c`. Inputs arrive as environment variables of their names.

    An output, if there is one, is the last line of standard output, read as its type.
    """

    kind: Literal["shell"] = "shell"
    command: str


class Container(Node):
    """Run a container image. `command` and `args` may hold input values and input and output paths."""

    kind: Literal["container"] = "container"
    image: str
    command: tuple[Expression, ...] = ()
    args: tuple[Expression, ...] = ()


class Sql(Node):
    """Run a statement on a connection; the output is the rows."""

    kind: Literal["sql"] = "sql"
    connection: str
    statement: Expression
    parameters: Mapping[str, Expression] = field(default_factory=dict)


class Http(Node):
    """Send a request; the output is the response's body."""

    kind: Literal["http"] = "http"
    url: Expression
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"] = "GET"
    headers: Mapping[str, Expression] = field(default_factory=dict)
    body: Expression | None = None
    connection: str | None = None


class Wait(Node):
    """Poll `check` until it gives true.

    With `soft_fail` the task is skipped, not failed, when `timeout` has passed.
    """

    kind: Literal["wait"] = "wait"
    check: Action
    interval: Duration
    timeout: Duration | None = None
    soft_fail: bool = False


class Approval(Node):
    """Wait until a person approves. A rejection, or none in time, fails the task for good."""

    kind: Literal["approval"] = "approval"
    message: Expression
    approvers: tuple[str, ...] = ()
    timeout: Duration | None = None


class TriggerRun(Node):
    """Start a run of another pipeline."""

    kind: Literal["trigger"] = "trigger"
    pipeline: Identifier
    parameters: Mapping[str, Expression] = field(default_factory=dict)
    wait: bool = False


class Noop(Node):
    """Do nothing: a point where edges meet."""

    kind: Literal["noop"] = "noop"


class Hosted(Node):
    """A class of another ecosystem with its arguments, kept whole.

    Attributes:
        ecosystem: Whose class it is: the name of a target, and of an entry point `intermodal.ecosystems`.
        class_path: Its full path there.
        arguments: What it is made with, settings of the task in that ecosystem included.
        expand: Arguments that are lists or maps; there is an instance for each combination of items.
        expand_maps: A list of maps of arguments; there is an instance for each.
        class_source: The class, where it is the user's own and no import of `class_path` gives it.
        packages: What has to be installed where it runs.
    """

    kind: Literal["hosted"] = "hosted"
    ecosystem: str
    class_path: str
    arguments: Mapping[str, Expression] = field(default_factory=dict)
    expand: Mapping[str, Expression] = field(default_factory=dict)
    expand_maps: Expression | None = None
    class_source: SourceExpression | None = None
    packages: tuple[str, ...] = ()


Action = Annotated[
    PythonCall | Shell | Container | Sql | Http | Wait | Approval | TriggerRun | Noop | Hosted,
    Rule(discriminator="kind"),
]
