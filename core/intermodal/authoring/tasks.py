"""`@task`: an ordinary typed function that becomes a task when it is called inside a pipeline."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace
from typing import Any, Generic, ParamSpec, TypeVar, overload

from intermodal import ir
from intermodal.authoring import capture
from intermodal.authoring import hints as type_hints
from intermodal.authoring.handles import Handle, TaskHandle, as_expression, wrong
from intermodal.authoring.options import TASK_SETTINGS, TEXT, checked
from intermodal.authoring.policies import DurationLike
from intermodal.authoring.regions import after_list, collect, loop_items, new_loop, tracer_for
from intermodal.authoring.spans import caller_span, function_span
from intermodal.authoring.tracing import Draft, Tracer, current_tracer
from intermodal.findings import Finding, FindingsError, Span, error
from intermodal.frozen import Frozen

P = ParamSpec("P")
R = TypeVar("R")


class Options(Frozen):
    """Settings of a task call, by the names of the IR's fields; `id` and `after` stand apart."""

    id: str | None = None
    after: tuple[Any, ...] = ()
    fields: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, **given: Any) -> Options:
        """Check and convert the options a user gave.

        Raises:
            FindingsError: If a name is unknown or a value does not fit.
        """
        after = given.pop("after", ())
        identity = checked({"id": TEXT}, {"id": given.pop("id", None)}, "a task").get("id")
        fields = checked(TASK_SETTINGS, given, "a task")
        return cls(identity, tuple(after) if isinstance(after, (list, tuple)) else (after,), fields)

    def updated(self, other: Options) -> Options:
        """These options with those of `other` over them."""
        return Options(
            other.id or self.id, (*self.after, *other.after), {**self.fields, **other.fields}
        )


class Task(Generic[P, R]):
    """A function that runs as a task. Called outside a pipeline it is just that function."""

    def __init__(self, function: Callable[P, R], options: Options) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self.options = options

    def __call__(self, /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function, or add a task to the pipeline that is being traced."""
        tracer = current_tracer()
        if tracer is None:
            return self.function(*args, **kwargs)
        return self._traced(tracer, args, kwargs)  # type: ignore[return-value]

    def with_options(self, **options: Any) -> Task[P, R]:
        """The same task with some options changed: `train.with_options(timeout="1h")(rows)`."""
        return Task(self.function, self.options.updated(Options.of(**options)))

    def __repr__(self) -> str:
        return f"<task {self.function.__qualname__}>"

    def map(self, /, *lists: Any, max_parallel: int | None = None, **constant: Any) -> MappedHandle:
        """Run the task once for each item: `prices = quote.map(symbols, day=today)`.

        Positional arguments are lists, gone over side by side; named ones are the same for every item. What
        comes back stands for the list of results.
        """
        tracer = tracer_for("map")
        name = self.options.id or self.function.__name__
        _mapped(self.function, lists, constant)
        loop = new_loop(tracer, lists, "zip", max_parallel, id=f"each_{name}")
        items = loop_items(tracer, loop)
        args = items if isinstance(items, tuple) else (items,)
        with tracer.collecting(loop.body):
            inner = self._traced(tracer, args, constant)
        inner._draft.after, loop.after = [], inner._draft.after
        outputs = {name: collect(inner._output(name))._expression for name in inner._outputs}
        return MappedHandle(tracer, loop, outputs)

    def as_action(
        self,
        tracer: Tracer,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        wrap: Callable[[ir.PythonCall], ir.Action],
    ) -> TaskHandle:
        """Add a task whose action is made of the call: something that the function decides."""
        return self._traced(tracer, args, kwargs, wrap)

    def _traced(
        self,
        tracer: Tracer,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        wrap: Callable[[ir.PythonCall], ir.Action] | None = None,
    ) -> TaskHandle:
        span = caller_span()
        options = dict(self.options.fields)
        takes, returns = options.pop("takes", {}), options.pop("returns", None)
        described = _describe(self.function, tracer, frozenset(takes), returns)
        name = self.options.id or self.function.__name__
        if self.options.id is None:
            tracer.claim(name, self.function, span)
        inputs = self._bound(tracer, args, kwargs, span)
        fields: dict[str, Any] = {
            "docs": described.docs,
            **options,
            "action": wrap(described.action) if wrap else described.action,
            "inputs": inputs,
            "input_types": {key: takes.get(key, described.input_types[key]) for key in inputs},
            "outputs": {} if wrap else described.returns.outputs,
            "tracks": described.tracks,
            "span": span,
        }
        after = tuple(after_list(self.options.after))
        draft = tracer.add(name, fields, explicit=self.options.id is not None, after=after)
        return TaskHandle(tracer, draft, fields["outputs"])

    def _bound(
        self, tracer: Tracer, args: Sequence[Any], kwargs: Mapping[str, Any], span: Span | None
    ) -> dict[str, ir.Expression]:
        try:
            bound = inspect.signature(self.function).bind(*args, **kwargs)
        except TypeError as problem:
            signature = shown_signature(self.function)
            raise FindingsError(
                [
                    *tracer.findings,
                    error(
                        "PORT116",
                        f"`{self.function.__name__}` was called wrongly: {problem}",
                        span,
                        next=f"its signature is `{self.function.__name__}{signature}`",
                    ),
                ]
            ) from None
        return {key: as_expression(tracer, value) for key, value in bound.arguments.items()}


def shown_signature(function: Callable[..., Any]) -> str:
    """The signature of a function as it is written, its annotations without quotes."""
    return re.sub(r"(: |-> )'([^']*)'", r"\1\2", str(inspect.signature(function)))


def _mapped(
    function: Callable[..., Any], lists: Sequence[Any], constant: Mapping[str, Any]
) -> None:
    """What `map` is given has lists by position, and nothing twice."""
    name = function.__name__
    if not lists:
        wrong(
            f"`{name}.map` has no list to go over",
            f"pass lists by position, as in `{name}.map(items)`; named arguments are the same each time",
        )
    taken = list(inspect.signature(function).parameters)[: len(lists)]
    for twice in [parameter for parameter in taken if parameter in constant]:
        wrong(
            f"`{name}.map` takes the items for `{twice}`, which is given by name, too",
            f"write `with for_each(items) as item: {name}(...)`, or make the parameter for items the first",
            f"the signature is `{name}{shown_signature(function)}`, and lists are given by position",
        )


class MappedHandle(TaskHandle):
    """What `task.map` gives: the collected results, or one attribute for each of several outputs."""

    def __init__(self, tracer: Tracer, loop: Draft, outputs: Mapping[str, ir.Expression]) -> None:
        super().__init__(tracer, loop, dict.fromkeys(outputs))
        self._collected = outputs

    @property
    def _expression(self) -> ir.Expression:
        return self._collected["return"] if "return" in self._collected else super()._expression

    def _output(self, name: str) -> Handle:
        return Handle(self._tracer, self._collected[name], f"the list of `{name}`")


class Described(Frozen):
    """What the tracer needs to know of a function, worked out once."""

    action: ir.PythonCall
    input_types: Mapping[str, ir.Type]
    returns: type_hints.Returns
    docs: str
    tracks: bool
    findings: tuple[Finding, ...]


def _describe(
    function: Callable[..., Any],
    tracer: Tracer,
    typed: frozenset[str],
    returns: type_hints.Returns | None,
) -> Described:
    """Describe a function; its findings are reported once for each pipeline.

    Raises:
        FindingsError: If the function cannot be a task.
    """
    root = str(tracer.root) if tracer.root else None
    described = describe_function(function, root, typed, returns is not None)
    if returns is not None:
        action = described.action.model_copy(update={"unpack": returns.unpack})
        described = replace(described, action=action, returns=returns)
    tracer.findings.extend(f for f in described.findings if f not in tracer.findings)
    return described


@functools.lru_cache(maxsize=4096)
def describe_function(
    function: Callable[..., Any],
    root: str | None,
    typed: frozenset[str] = frozenset(),
    returning: bool = False,
) -> Described:
    """What a function takes, gives and needs.

    Args:
        function: The function.
        root: The project's root.
        typed: Parameters whose types are given elsewhere, so that their annotations do not count.
        returning: Whether the same holds for what it returns.

    Raises:
        FindingsError: If it is a lambda, nested, or closes over a local variable.
    """
    from pathlib import Path

    base = Path(root) if root else None
    span = function_span(function.__code__)
    blocking = _shape_findings(function, span)
    if blocking:
        raise FindingsError(blocking)
    given = {*typed, "return"} if returning else typed
    hints, findings = type_hints.hints_of(function, span, given)
    findings += _default_findings(function, span)
    input_types, wrong = _input_types(function, hints, span)
    findings += wrong
    if returning:
        hints["return"] = Any
    returns, wrong = _returns(function, hints, span)
    findings += wrong
    source, tracks = capture.capture(function, base)
    action = ir.PythonCall.of(
        module=function.__module__,
        function=function.__qualname__,
        unpack=returns.unpack,
        source=source,
    )
    docs = inspect.getdoc(function) or ""
    return Described(action, input_types, returns, docs, tracks, tuple(findings))


def _shape_findings(function: Callable[..., Any], span: Span) -> list[Finding]:
    """Findings about functions that no worker could get hold of."""
    name = function.__name__
    if name == "<lambda>":
        return [
            error(
                "PORT111",
                "a lambda cannot be a task",
                span,
                next="write a function with `def` and a name",
            )
        ]
    if function.__closure__:
        variables = ", ".join(f"`{variable}`" for variable in function.__code__.co_freevars)
        return [
            error(
                "PORT112",
                f"task `{name}` uses {variables} of the function around it",
                span,
                why="the value would be lost on the worker",
                next=f"move `{name}` to module level and pass the value as a parameter",
            )
        ]
    if "<locals>" in function.__qualname__:
        return [
            error(
                "PORT111",
                f"task `{name}` is defined inside another function",
                span,
                why="a worker can neither import it nor be given its source",
                next="move it to module level",
            )
        ]
    if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function):
        return [
            error(
                "PORT111",
                f"task `{name}` is a generator or a coroutine",
                span,
                why="a task gives its result once, when it ends",
                next="return a list, or run the coroutine inside with `asyncio.run`",
            )
        ]
    return []


def _default_findings(function: Callable[..., Any], span: Span) -> list[Finding]:
    return [
        error(
            "PORT113",
            f"task `{function.__name__}` has a mutable default for `{name}`",
            span,
            why="calls would share it, and change it for each other",
            next=f"write `{name}: ... | None = None` and make the value inside",
        )
        for name, parameter in inspect.signature(function).parameters.items()
        if isinstance(parameter.default, (list, dict, set, bytearray))
    ]


def _input_types(
    function: Callable[..., Any], hints: Mapping[str, Any], span: Span
) -> tuple[dict[str, ir.Type], list[Finding]]:
    types: dict[str, ir.Type] = {}
    findings: list[Finding] = []
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind in (
            parameter.VAR_POSITIONAL,
            parameter.VAR_KEYWORD,
            parameter.POSITIONAL_ONLY,
        ):
            findings.append(
                error(
                    "PORT116",
                    f"task `{function.__name__}` takes `{parameter}`",
                    span,
                    why="every input of a task travels under a name",
                    next="write ordinary parameters",
                )
            )
        hint = hints.get(name, parameter.empty)
        try:
            types[name] = type_hints.type_of(hint)
        except type_hints.Unsupported as problem:
            types[name] = ir.AnyType.of()
            who = f"input `{name}` of `{function.__name__}`"
            findings.append(type_hints.unsupported(who, hint, problem, span))
    return types, findings


def _returns(
    function: Callable[..., Any], hints: Mapping[str, Any], span: Span
) -> tuple[type_hints.Returns, list[Finding]]:
    annotated = "return" in function.__annotations__
    try:
        return type_hints.returns_of(hints, annotated), []
    except type_hints.Unsupported as problem:
        finding = type_hints.unsupported(
            f"the result of `{function.__name__}`", hints.get("return"), problem, span
        )
        return type_hints.Returns({"return": ir.AnyType.of()}, "none"), [finding]


@overload
def task(function: Callable[P, R], /) -> Task[P, R]: ...
@overload
def task(
    *,
    id: str | None = ...,
    retry: ir.Retry | int | None = ...,
    timeout: DurationLike | None = ...,
    resources: ir.Resources | None = ...,
    cache: ir.Cache | None = ...,
    environment: Mapping[str, str] | None = ...,
    pool: str | None = ...,
    priority: int | None = ...,
    labels: Mapping[str, str] | None = ...,
    owners: Sequence[str] | str | None = ...,
    display_name: str | None = ...,
    docs: str | None = ...,
    join: ir.Join | None = ...,
    pool_slots: int | None = ...,
    notifications: Sequence[ir.Notification] | ir.Notification | None = ...,
    secrets: Mapping[str, Handle] | None = ...,
    reads: Sequence[str] | str | None = ...,
    writes: Sequence[str] | str | None = ...,
    takes: Mapping[str, Any] | None = ...,
    returns: Any = ...,
) -> Callable[[Callable[P, R]], Task[P, R]]: ...
def task(function: Callable[P, R] | None = None, /, **options: Any) -> Any:
    """Make a function a task: `@task`, or `@task(retry=Retry(2), timeout="20m")`.

    Called outside a pipeline the function behaves as if it were not decorated. Its annotations decide
    what travels as a parameter (JSON) and what as an artifact; a NamedTuple, dataclass or TypedDict as
    return annotation gives several outputs. `takes={"rows": list[int]}` and `returns=int` stand in for
    annotations that are missing, or that say something else. `returns={"low": int, "high": int}` gives the
    entries of a dict as outputs, and `returns=("low", int)` one output under another name than `return`.
    """
    if function is not None:
        return Task(function, Options())
    made = Options.of(**options)
    return lambda decorated: Task(decorated, made)
