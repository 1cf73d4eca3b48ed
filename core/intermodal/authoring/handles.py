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

IF_ADVICE = (
    "write `with when(...)`: both ways are part of the graph, and the run takes one. Conditions are joined "
    "by `&`, `|` and `~`, each in parentheses: `(x > 1) & (x < 5)`"
)
VALUE_ADVICE = "do that inside a task, where the value exists"
TEXT_ADVICE = "write `text('.../{x}', x=handle)`"
DATE_ADVICE = "write `.strftime('%Y-%m-%d')`, or `+ timedelta(...)`"
PAIRS_ADVICE = (
    "write `with for_each(...) as item`, which goes over a dict by pairs: `item[0]` is the key"
)
ATTRIBUTE_ADVICE = {
    "with_options": "set options before the call: `train.with_options(...)(rows)`",
    "map": "`map` is a method of the task: `quote.map(symbols)`",
    "otherwise": "`otherwise` belongs to `with when(...) as way`",
    "format": TEXT_ADVICE,
    "get": 'write `["key"]`, inside `default(..., fallback)` if it may be null',
    **dict.fromkeys(("items", "keys", "values"), PAIRS_ADVICE),
    **dict.fromkeys(("isoformat", "date", "year", "month", "day", "timestamp"), DATE_ADVICE),
}
"""What is written instead of attributes that people look for."""


def misuse(what: str, advice: str, why: str = "") -> NoReturn:
    """Stop tracing with a finding at the user's line.

    Raises:
        FindingsError: Always.
    """
    raise FindingsError([error("PORT110", what, caller_span(), why=why, next=advice)])


def wrong(what: str, advice: str, why: str = "") -> NoReturn:
    """Stop tracing with a finding about a call, or about a region, that is not written as it must be.

    Raises:
        FindingsError: Always.
    """
    raise FindingsError([error("PORT116", what, caller_span(), why=why, next=advice)])


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
        inner = self._expression
        if isinstance(inner, Compare) and inner.operator == "in":
            return Handle(self._tracer, inner.model_copy(update={"operator": "not in"}), "`~is_in`")
        logic = Logic.of(operator="not", operands=(inner,))
        return Handle(self._tracer, logic, f"~{self._label}")

    def _logic(self, operator: Any, other: Any) -> Handle:
        operands = (self._expression, as_expression(self._tracer, other))
        logic = Logic.of(operator=operator, operands=operands)
        return Handle(self._tracer, logic, f"{self._label} {operator} ...")

    __hash__ = object.__hash__

    def _misuse(self, how: str, advice: str) -> NoReturn:
        misuse(
            f"{self._label} cannot be {how} while the pipeline is traced",
            advice,
            "the value exists only when the pipeline runs; here it is a handle",
        )

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
        self._misuse("turned into text", f"pass it as an argument, or {TEXT_ADVICE}")

    def __format__(self, spec: str) -> str:
        self._misuse("put into an f-string", TEXT_ADVICE)

    def __int__(self) -> int:
        self._misuse("turned into an int", VALUE_ADVICE)

    def __float__(self) -> float:
        self._misuse("turned into a float", VALUE_ADVICE)

    def __index__(self) -> int:
        self._misuse(
            "used as an index or with `range()`",
            "let a task return the list, and go over it by `with for_each(...)`",
        )

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        self._misuse(f"asked for `.{name}`", self._instead_of(name))

    def _instead_of(self, name: str) -> str:
        """What is written instead of an attribute that there is not."""
        return ATTRIBUTE_ADVICE.get(name, f'{VALUE_ADVICE}; a key is written `["{name}"]`')

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

    def _arithmetic(self, *others: Any) -> NoReturn:
        if any(isinstance(other, str) for other in others):
            self._misuse("joined to text", TEXT_ADVICE)
        self._misuse("used in arithmetic", VALUE_ADVICE)

    def _unbracketed(self, other: Any) -> NoReturn:
        self._misuse(
            f"joined to {other!r} by `&` or `|`",
            "put each condition in parentheses: `(x > 1) & (x < 5)`",
        )

    __rand__ = __ror__ = _unbracketed
    __neg__ = __pos__ = __abs__ = __round__ = __trunc__ = __floor__ = __ceil__ = _arithmetic
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
            self._no_value()
        misuse(
            f"{self._label} cannot be passed whole: its outputs have names",
            f"pass one of {self._names()}",
        )

    def _names(self) -> str:
        return ", ".join(f"`.{name}`" for name in self._outputs)

    def _no_value(self) -> NoReturn:
        from intermodal.authoring.tracing import RegionDraft

        region = isinstance(self._draft, RegionDraft)
        misuse(
            f"`{self._draft.id}` gives no value",
            "pass the result of a task in it, by `.merge(...)` or `collect(...)` where it is a branch or a "
            "loop; `after=` orders without data"
            if region
            else "give its function a return annotation and a result; `after=` orders without data",
            "a region is no task" if region else "its function is annotated to return nothing",
        )

    def _output(self, name: str) -> Handle:
        reference = OutputRef.of(node=self._draft.id, output=name)
        return Handle(self._tracer, reference, f"`{self._draft.id}.{name}`")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if name in self._outputs:
            return self._output(name)
        several = "return" not in self._outputs and self._outputs
        advice = f"its outputs are {self._names()}" if several else self._instead_of(name)
        self._misuse(f"asked for `.{name}`", ATTRIBUTE_ADVICE.get(name, advice))

    def __getitem__(self, key: Any) -> Handle:
        if isinstance(key, str) and key in self._outputs:
            return self._output(key)
        return super().__getitem__(key)

    def __len__(self) -> int:
        if "return" in self._outputs or not self._outputs:
            super().__len__()
        return len(self._outputs)

    def __iter__(self) -> Iterator[Handle]:
        if "return" in self._outputs:
            super().__iter__()
        return iter([self._output(name) for name in self._outputs])

    def __rshift__(self, other: Any) -> Any:
        """`a >> b`: `b` starts after `a` has ended, with no data passed."""
        for later in other if isinstance(other, (list, tuple)) else [other]:
            if not isinstance(later, TaskHandle):
                wrong("`>>` orders tasks only", "put the result of a task call on both sides")
            later._draft.wait_for(self._draft.id)
        return other

    def __lshift__(self, other: Any) -> NoReturn:
        wrong("there is no `<<`", "write it the other way round: `first >> second`")

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
                wrong("`setups` takes results of task calls", "write `setups=[create()]`")
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
            wrong(f"the dict key {key!r} is no text", "write text as keys")
    return {key: as_expression(tracer, item) for key, item in value.items()}
