"""What a flow file is made of, before it is text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue

from intermodal_compilers.prefect.imports import Import
from intermodal_compilers.pysource import Expr


@dataclass(frozen=True)
class FlowParameter:
    """A parameter of the flow function.

    Attributes:
        name: Its name in the pipeline.
        variable: Its Python name.
        annotation: Its Python type, or `Literal`.
        literal: The choices of a `Literal`.
        default: Its default, or None if every run must give a value.
        help: One line for the docstring.
        choices: Values to check when the flow starts, where the type cannot.
    """

    name: str
    variable: str
    annotation: str
    literal: tuple[JsonValue, ...] = ()
    default: Expr | None = None
    help: str = ""
    choices: Expr | None = None


@dataclass(frozen=True)
class PythonBody:
    """A task that calls a user's function.

    Attributes:
        function: The function's name where it is called.
        source: For a function that is decorated itself: its source, which becomes the task.
        lines: Lines at the start of the function around it: imports, or the source itself.
        unpack: Names of the outputs to take from the attributes of what the function returns.
        runtime: Keyword arguments of `runtime.run`, or None if the function is called as it is.
        isolation: What makes `runtime.run` do its work in a process of its own.
    """

    function: str
    source: str = ""
    lines: tuple[str, ...] = ()
    unpack: tuple[str, ...] = ()
    runtime: Mapping[str, Expr] | None = None
    isolation: Expr | None = None


@dataclass(frozen=True)
class CallBody:
    """A task that calls a function of the prelude or of the runtime, and returns or drops its result.

    With `files`, that is called first and its result is `files` in `call`. With `runtime` (keyword
    arguments of `runtime.run`) it is all done in a tracked function of the name `function`.
    """

    call: Expr
    returns: bool = False
    files: Expr | None = None
    function: str = ""
    runtime: Mapping[str, Expr] | None = None


@dataclass(frozen=True)
class NoopBody:
    """A task that does nothing."""


Body = PythonBody | CallBody | NoopBody


@dataclass(frozen=True)
class TaskFunction:
    """A Prefect task of the file.

    Attributes:
        name: Its Python name.
        parameters: Python names of its parameters, by input; None for `**inputs`.
        decorators: Decorators below `@task`, outermost first.
        options: Arguments of `@task` that hold for every call.
        docs: One line for its docstring.
    """

    name: str
    body: Body
    parameters: Mapping[str, str] | None = field(default_factory=dict)
    decorators: tuple[Expr, ...] = ()
    options: Mapping[str, Expr] = field(default_factory=dict)
    docs: str = ""


@dataclass(frozen=True)
class Submission:
    """A call in the flow function: `variable = task.with_options(...).submit(...)`."""

    variable: str
    task: str
    options: Mapping[str, Expr] = field(default_factory=dict)
    args: tuple[Expr, ...] = ()
    arguments: Mapping[str, Expr] = field(default_factory=dict)
    wait_for: tuple[str, ...] = ()
    upstreams: tuple[str, ...] = ()


@dataclass(frozen=True)
class Window:
    """The dates between which a schedule holds, as ISO 8601 text."""

    start: str | None = None
    end: str | None = None


@dataclass(frozen=True)
class FlowFile:
    """A whole flow file.

    Attributes:
        caption: The file's docstring.
        name: The flow's name.
        function: The flow function's Python name.
        constants: Module constants: defaults that a signature cannot hold.
        definitions: Top-level statements of users, undecorated, in order.
        prelude: Names of the prelude's functions that are used.
        picks: Whether the task `pick` is used.
        context: Arguments of `runtime.Context`, if the runtime is used.
        run_id: Whether the function `run_id` is used.
        leaves: Variables of the submissions that nothing waits for.
        settle: Variables to wait for beside the leaves.
        outputs: What the flow returns, if the pipeline has outputs.
    """

    caption: str
    name: str
    function: str
    docs: str = ""
    options: Mapping[str, Expr] = field(default_factory=dict)
    parameters: tuple[FlowParameter, ...] = ()
    constants: Mapping[str, Expr] = field(default_factory=dict)
    imports: tuple[Import, ...] = ()
    definitions: tuple[str, ...] = ()
    tasks: tuple[TaskFunction, ...] = ()
    prelude: frozenset[str] = frozenset()
    picks: bool = False
    context: Mapping[str, Expr] | None = None
    run_id: bool = False
    window: Window | None = None
    submissions: tuple[Submission, ...] = ()
    leaves: tuple[str, ...] = ()
    settle: tuple[str, ...] = ()
    outputs: Mapping[str, Expr] | None = None
