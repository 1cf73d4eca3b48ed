"""What a flow file is made of, before it is text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from intermodal.frozen import Frozen
from intermodal_compilers.pyimports import Import
from intermodal_compilers.pysource import Expr


class FlowParameter(Frozen):
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
    literal: tuple[Any, ...] = ()
    default: Expr | None = None
    help: str = ""
    choices: Expr | None = None


class PythonBody(Frozen):
    """A task that calls a user's function.

    Attributes:
        function: The function's name where it is called.
        source: For a function that is decorated itself: its source, which becomes the task.
        lines: Lines at the start of the function around it: imports, or the source itself.
        unpack: Names of the outputs to take from the attributes of what the function returns.
        runtime: Keyword arguments of `runtime.run`, or None if the function is called as it is.
        isolation: What makes `runtime.run` do its work in a process of its own.
        around: What the function is given to before the runtime gets it.
    """

    function: str
    source: str = ""
    lines: tuple[str, ...] = ()
    unpack: tuple[str, ...] = ()
    runtime: Mapping[str, Expr] | None = None
    isolation: Expr | None = None
    around: Expr | None = None


class CallBody(Frozen):
    """A task that calls a function of the prelude or of the runtime, and returns or drops its result.

    With `files`, that is called first and its result is `files` in `call`. With `runtime` (keyword
    arguments of `runtime.run`) it is all done in a tracked function of the name `function`.
    """

    call: Expr
    returns: bool = False
    files: Expr | None = None
    function: str = ""
    runtime: Mapping[str, Expr] | None = None


class NoopBody(Frozen):
    """A task that does nothing."""


Body = PythonBody | CallBody | NoopBody


class TaskFunction(Frozen):
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


class Submission(Frozen):
    """A call in the flow function: `variable = task.with_options(...).submit(...)`."""

    variable: str
    task: str
    options: Mapping[str, Expr] = field(default_factory=dict)
    args: tuple[Expr, ...] = ()
    arguments: Mapping[str, Expr] = field(default_factory=dict)
    wait_for: tuple[str, ...] = ()
    upstreams: tuple[str, ...] = ()


class Controlled(Frozen):
    """`variable = submit(task, inputs, ...)`: a task that decides itself whether it runs.

    Attributes:
        variable: The future's variable.
        task: The Prefect task, with its options.
        inputs: A mapping.
        lazy: Whether the mapping can be made only when all upstreams have ended.
        join: The join rule, unless it is `all_success`.
        upstreams: Variables of the futures to wait for.
        guard: A condition.
        given: Outputs that the guard uses.
        index: The variable that holds the place in the loops around it.
        names: Names for a function that makes the inputs and one that is the guard.
    """

    variable: str
    task: Expr
    inputs: Expr
    lazy: bool = False
    join: Expr | None = None
    upstreams: tuple[str, ...] = ()
    guard: Expr | None = None
    given: tuple[Expr, ...] = ()
    index: str = ""
    names: tuple[str, str] = ("", "")


class Started(Frozen):
    """Statements that start what stands in a region, and what it ends with."""

    statements: tuple[Statement, ...] = ()
    leaves: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    outputs: Mapping[str, tuple[Expr, ...]] = field(default_factory=dict)


class Arms(Frozen):
    """A function that starts the arm whose condition holds.

    With a chooser, the arms are functions of their own, by their names in the pipeline.
    """

    function: str
    docs: str
    arms: tuple[tuple[Expr | None, Started], ...]
    names: tuple[str, ...] = ()
    chooser: Expr | None = None
    functions: tuple[tuple[str, str], ...] = ()
    otherwise: str = ""


class Round(Frozen):
    """A function that starts what a loop holds, for one item."""

    function: str
    docs: str
    item: str
    index: str
    body: Started


Statement = Submission | Controlled | Arms | Round


class Window(Frozen):
    """The dates between which a schedule holds, as ISO 8601 text."""

    start: str | None = None
    end: str | None = None


class FlowFile(Frozen):
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
        closing: Arguments of `runtime.Context` when the flow ends, if runs are tracked.
        run_id: Whether the function `run_id` is used.
        leaves: Variables of the submissions that nothing waits for.
        settle: Variables to wait for beside the leaves.
        exits: What runs after everything else.
        reads_state: Whether something of that asks how the rest ended.
        exit_leaves: Variables of the exit tasks.
        outputs: What the flow returns, if the pipeline has outputs.
        helped: Whether the flow function uses functions of the control prelude.
        controlled: Whether outputs are read when everything has ended, not handed on as futures.
        indexed: Whether tasks that call the runtime stand in loops.
        turns: How many tasks may work at once, where the task runner cannot see to it.
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
    closing: Mapping[str, Expr] | None = None
    run_id: bool = False
    window: Window | None = None
    submissions: tuple[Statement, ...] = ()
    leaves: tuple[str, ...] = ()
    settle: tuple[str, ...] = ()
    exits: tuple[Statement, ...] = ()
    reads_state: bool = False
    exit_leaves: tuple[str, ...] = ()
    outputs: Mapping[str, Expr] | None = None
    controlled: bool = False
    helped: bool = False
    indexed: bool = False
    turns: int | None = None
