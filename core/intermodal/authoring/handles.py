"""Handles: what stands for a value while a pipeline is traced, because the value does not exist yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from intermodal.authoring.spans import caller_span
from intermodal.findings import FindingsError, error
from intermodal.ir import (
    Compare,
    DateFormat,
    DateShift,
    Expression,
    Index,
    ListOf,
    Literal_,
    Logic,
    MapOf,
    Node,
    OutputRef,
    Pairing,
    Type,
)

if TYPE_CHECKING:
    from intermodal.authoring.tracing import Draft, Tracer

IF_ADVICE = "write `with when(...)`: both ways are part of the graph, and the run takes one"
VALUE_ADVICE = "do that inside a task, where the value exists"


def misuse(what: str, advice: str) -> NoReturn:
    """Stop tracing with a finding at the user's line.

    Raises:
        FindingsError: Always.
    """
    raise FindingsError(
        [
            error(
                "PORT110",
                what,
                caller_span(),
                why="the value exists only when the pipeline runs; here it is a handle",
                next=advice,
            )
        ]
    )


class Handle:
    """Stands for the value of an expression. Can be passed to tasks, indexed and compared."""

    def __init__(self, tracer: Tracer, expression: Expression, label: str) -> None:
        self._tracer = tracer
        self._expression_ = expression
        self._label = label

    @property
    def _expression(self) -> Expression:
        return self._expression_

    def __repr__(self) -> str:
        return f"<handle of {self._label}>"

    def __getitem__(self, key: Any) -> Handle:
        if isinstance(key, slice):
            self._misuse("cut with a slice", VALUE_ADVICE)
        index = Index.of(base=self._expression, key=as_expression(self._tracer, key))
        return Handle(self._tracer, index, f"{self._label}[{key!r}]")

    def _compare(self, operator: Any, other: Any) -> Handle:
        right = as_expression(self._tracer, other)
        expression = Compare.of(operator=operator, left=self._expression, right=right)
        return Handle(self._tracer, expression, f"{self._label} {operator} ...")

    def __eq__(self, other: object) -> Handle:  # type: ignore[override]
        return self._compare("==", other)

    def __ne__(self, other: object) -> Handle:  # type: ignore[override]
        return self._compare("!=", other)

    def __lt__(self, other: Any) -> Handle:
        return self._compare("<", other)

    def __le__(self, other: Any) -> Handle:
        return self._compare("<=", other)

    def __gt__(self, other: Any) -> Handle:
        return self._compare(">", other)

    def __ge__(self, other: Any) -> Handle:
        return self._compare(">=", other)

    def __and__(self, other: Any) -> Handle:
        return self._logic("and", other)

    def __or__(self, other: Any) -> Handle:
        return self._logic("or", other)

    def __invert__(self) -> Handle:
        logic = Logic.of(operator="not", operands=(self._expression,))
        return Handle(self._tracer, logic, f"~{self._label}")

    def _logic(self, operator: Any, other: Any) -> Handle:
        operands = (self._expression, as_expression(self._tracer, other))
        logic = Logic.of(operator=operator, operands=operands)
        return Handle(self._tracer, logic, f"{self._label} {operator} ...")

    __hash__ = object.__hash__

    def _misuse(self, how: str, advice: str) -> NoReturn:
        misuse(f"{self._label} cannot be {how} while the pipeline is traced", advice)

    def __bool__(self) -> bool:
        self._misuse("used in `if`, `while`, `and`, `or` or `not`", IF_ADVICE)

    def __len__(self) -> int:
        self._misuse("measured with `len()`", VALUE_ADVICE)

    def __iter__(self) -> Iterator[Any]:
        self._misuse("iterated", "write `with for_each(...) as item`, or `task.map(...)`")

    def __contains__(self, item: object) -> bool:
        self._misuse("searched with `in`", VALUE_ADVICE)

    def __call__(self, *args: Any, **kwargs: Any) -> NoReturn:
        self._misuse("called", VALUE_ADVICE)

    def __str__(self) -> str:
        self._misuse("turned into text", "pass the handle itself as an argument")

    def __format__(self, spec: str) -> str:
        self._misuse("put into an f-string", "write `text('.../{x}', x=handle)`")

    def __int__(self) -> int:
        self._misuse("turned into an int", VALUE_ADVICE)

    def __float__(self) -> float:
        self._misuse("turned into a float", VALUE_ADVICE)

    def __index__(self) -> int:
        self._misuse("used as an index or with `range()`", VALUE_ADVICE)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        self._misuse(f"asked for `.{name}`", VALUE_ADVICE)

    def strftime(self, pattern: str) -> Handle:
        """A timestamp as text, by a pattern of `datetime.strftime`."""
        if not isinstance(pattern, str):
            self._misuse("formatted by something that is no text", "write `.strftime('%Y-%m-%d')`")
        expression = DateFormat.of(base=self._expression, pattern=pattern)
        return Handle(self._tracer, expression, f"{self._label} as text")

    def __add__(self, other: Any) -> Handle:
        return self._moved(other, backwards=False)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Handle:
        return self._moved(other, backwards=True)

    def _moved(self, by: Any, *, backwards: bool) -> Handle:
        """A timestamp moved by a timedelta: the one kind of arithmetic that a graph can hold."""
        if not isinstance(by, timedelta):
            self._arithmetic(by)
        moved, back = (-by, not backwards) if by < timedelta(0) else (by, backwards)
        expression = DateShift.of(base=self._expression, by=moved, backwards=back)
        return Handle(self._tracer, expression, f"{self._label}, moved")

    def _arithmetic(self, other: Any) -> NoReturn:
        self._misuse("used in arithmetic", VALUE_ADVICE)

    __rsub__ = __mul__ = __rmul__ = _arithmetic
    __truediv__ = __rtruediv__ = __floordiv__ = __mod__ = __pow__ = __matmul__ = _arithmetic


class TaskHandle(Handle):
    """What calling a task gives: its single output, or one attribute for each of several.

    Loops, branches, groups and sub-pipelines give one, too.
    """

    def __init__(self, tracer: Tracer, draft: Draft, outputs: Mapping[str, Type | None]) -> None:
        super().__init__(tracer, OutputRef.of(node=draft.id), f"the result of `{draft.id}`")
        self._draft = draft
        self._outputs = outputs

    @property
    def _expression(self) -> Expression:
        if "return" in self._outputs:
            return OutputRef.of(node=self._draft.id)
        if not self._outputs:
            self._misuse(
                "used as a value: the task returns nothing", "use `after=` for an ordering edge"
            )
        names = ", ".join(f"`.{name}`" for name in self._outputs)
        self._misuse("passed whole: it has several outputs", f"pass one of {names}")

    def _output(self, name: str) -> Handle:
        reference = OutputRef.of(node=self._draft.id, output=name)
        return Handle(self._tracer, reference, f"`{self._draft.id}.{name}`")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if name in self._outputs:
            return self._output(name)
        known = [f"`.{output}`" for output in self._outputs if output != "return"]
        self._misuse(
            f"asked for `.{name}`", f"its outputs are {', '.join(known)}" if known else VALUE_ADVICE
        )

    def __getitem__(self, key: Any) -> Handle:
        if isinstance(key, str) and key in self._outputs:
            return self._output(key)
        return super().__getitem__(key)

    def __iter__(self) -> Iterator[Handle]:
        if "return" in self._outputs:
            super().__iter__()
        return iter([self._output(name) for name in self._outputs])

    def __rshift__(self, other: Any) -> Any:
        """`a >> b`: `b` starts after `a` has ended, with no data passed."""
        for later in other if isinstance(other, (list, tuple)) else [other]:
            if not isinstance(later, TaskHandle):
                misuse(
                    "`>>` orders tasks only",
                    "put the result of a task call on both sides",
                )
            later._draft.wait_for(self._draft.id)
        return other

    def __rrshift__(self, other: Any) -> TaskHandle:
        for earlier in other:
            earlier >> self
        return self

    def as_setup(self) -> TaskHandle:
        """Make the task a setup: it makes what others need, and a teardown removes."""
        self._draft.fields["pairing"] = Pairing.of(role="setup")
        return self

    def as_teardown(self, setups: Any = ()) -> TaskHandle:
        """Make the task a teardown: it runs once its setups have succeeded, whatever came after them."""
        given = setups if isinstance(setups, (list, tuple)) else [setups]
        for setup in given:
            if not isinstance(setup, TaskHandle):
                misuse("`setups` takes results of task calls", "write `setups=[create()]`")
            setup.as_setup()
        partners = tuple(setup._draft.id for setup in given)
        self._draft.fields["pairing"] = Pairing.of(role="teardown", partners=partners)
        return self


def as_expression(tracer: Tracer, value: Any) -> Expression:
    """A handle's expression, or the value as a literal; a list or dict may hold handles.

    Raises:
        FindingsError: If the value is neither a handle nor JSON.
    """
    if isinstance(value, Handle):
        return value._expression
    if isinstance(value, Node):
        return value  # type: ignore[return-value]
    if isinstance(value, (list, tuple)) and contains_handle(value):
        return ListOf.of(items=tuple(as_expression(tracer, item) for item in value))
    if isinstance(value, dict) and contains_handle(value):
        return MapOf.of(entries=_entries(tracer, value))
    return Literal_.of(value=tracer.json_value(value))


def contains_handle(value: Any) -> bool:
    """Whether a handle or an expression is inside lists, tuples or dicts."""
    if isinstance(value, (list, tuple)):
        return any(contains_handle(item) for item in value)
    if isinstance(value, dict):
        return any(contains_handle(item) for item in value.values())
    return isinstance(value, (Handle, Node))


def _entries(tracer: Tracer, value: dict[Any, Any]) -> dict[str, Expression]:
    for key in value:
        if not isinstance(key, str):
            misuse(f"the dict key {key!r} is no text", "write text as keys")
    return {key: as_expression(tracer, item) for key, item in value.items()}
