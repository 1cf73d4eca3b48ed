"""Expressions of the IR as Python that is evaluated when everything they use has ended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from intermodal.analysis import graph
from intermodal.findings import Finding, Span, error
from intermodal.ir import (
    Compare,
    DateFormat,
    DateShift,
    Default,
    Expression,
    Format,
    Index,
    ItemRef,
    ListOf,
    Literal_,
    Logic,
    MapOf,
    OutputRef,
    ParameterRef,
    RunFact,
    SecretRef,
    Task,
    TaskState,
    Type,
)
from intermodal_compilers.prefect.control import Control, gives_whole
from intermodal_compilers.pysource import (
    Call,
    Expr,
    Name,
    Operation,
    Subscript,
    Value,
    call,
    dict_of,
    list_of,
)

DATES = ("logical_date", "data_interval_start", "data_interval_end")
NEVER_TEXT = ("integer", "float", "boolean", "duration", "list", "map", "struct")
FLIPPED = {"==": "!=", "!=": "==", "in": "not in", "not in": "in"}
MIRRORED = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


@dataclass
class Reader:
    """What names in expressions stand for in the flow function.

    Attributes:
        pipeline: The pipeline's name.
        control: What is known of its nodes.
        parameters: Python names of its parameters.
        futures: Variables of the nodes submitted so far.
        items: Variables of the items of the loops around, by the loop's id.
        types: Types of its parameters.
        stored: Ids of the tasks whose values may be references to the artifact store.
        state: The variable that holds the run's state, in exit tasks.
        marks: Whether secrets stay marks, which the runtime reads.
        certain: Ids of the nodes that have surely succeeded when an expression is evaluated.
        findings: Gets errors for what cannot be said.
    """

    pipeline: str
    control: Control
    parameters: Mapping[str, str]
    futures: dict[str, str]
    types: Mapping[str, Type]
    stored: frozenset[str] = frozenset()
    items: dict[str, str] = field(default_factory=dict)
    marks: bool = False
    certain: frozenset[str] = frozenset()
    findings: list[Finding] = field(default_factory=list)

    def read(self, value: Expression, span: Span | None = None) -> Expr:
        """The Python of an expression; its value is JSON."""
        match value:
            case Literal_(value=literal):
                return Value(literal)
            case ParameterRef(name=name):
                return Name(self.parameters[name])
            case ItemRef(loop=loop):
                return Name(self.items[loop])
            case OutputRef():
                return self._output(value)
            case TaskState(node=node):
                return call("state_of", Name(self.futures[node]))
            case RunFact(fact=fact):
                return self._fact(fact)
            case SecretRef():
                return self._secret(value)
            case _:
                return self._computed(value, span)

    def _computed(self, value: Expression, span: Span | None) -> Expr:
        """The Python of an expression that is made of others."""
        match value:
            case Format(parts=parts):
                return self._text(parts, span)
            case Compare():
                return self._compare(value, span)
            case Logic():
                return call("bool", self._logic(value, span))
            case Index(base=base, key=key):
                return self._index(base, key, span)
            case DateShift() | DateFormat():
                return self._date(value, span)
            case Default(value=given, fallback=fallback):
                return call("first_of", self.read(given, span), self.read(fallback, span))
            case ListOf(items=items):
                return list_of(self.read(item, span) for item in items)
            case MapOf(entries=entries):
                return dict_of({key: self.read(item, span) for key, item in entries.items()})
            case _:
                what = f"a `{value.op}` expression cannot be evaluated by Prefect output"
                self.findings.append(error("PORT204", what, value.span or span))
                return Value(None)

    def truth(self, value: Expression, span: Span | None = None) -> Expr:
        """The Python of a condition, as it may stand behind `if`."""
        if isinstance(value, Logic):
            return self._logic(value, span)
        return self.inside(value, span)

    def given(self, value: Expression) -> Iterator[Expr]:
        """The outputs that an expression uses: a future, or (future, name) for one of several."""
        for reference in graph.references([value]):
            if isinstance(reference, OutputRef):
                yield self.output(reference)

    def output(self, reference: OutputRef) -> Expr:
        """An output as the prelude's `exists` and `read` take it."""
        future = Name(self.futures[reference.node])
        if gives_whole(self.control.nodes[reference.node]):
            return future
        from intermodal_compilers.pysource import tuple_of

        return tuple_of([future, Value(reference.output)])

    def _output(self, reference: OutputRef) -> Call:
        future = Name(self.futures[reference.node])
        if gives_whole(self.control.nodes[reference.node]):
            return call("value_of", future)
        return call("value_of", future, Value(reference.output))

    def inside(self, value: Expression, span: Span | None) -> Expr:
        """The value of an expression, fetched where it may be kept in the artifact store."""
        made = self.read(value, span)
        handed_on = isinstance(value, (OutputRef, ItemRef, Index, Default))
        if handed_on and any(self._may_be_stored(part) for part in graph.parts(value)):
            return call("look_inside", made)
        return made

    def _may_be_stored(self, part: Expression) -> bool:
        if isinstance(part, OutputRef):
            return part.node in self.stored
        return isinstance(part, ItemRef) and part.loop in self.stored

    def _fact(self, fact: str) -> Expr:
        match fact:
            case "run_id":
                return call("run_id")
            case "pipeline":
                return Value(self.pipeline)
            case "attempt":
                return Name("task_run.run_count")
            case "state":
                return Name("state")
            case _:
                return call("logical_date_of_run")

    def _secret(self, value: SecretRef) -> Expr:
        if self.marks:
            return Value({"$secret": [{"name": value.name, "key": value.key}]})
        key = None if value.key is None else Value(value.key)
        return call("secret_of", Value(value.name), *(() if key is None else (key,)))

    def _text(self, parts: tuple[Expression, ...], span: Span | None) -> Expr:
        """Text; one that holds marks of secrets is a mark itself."""
        made = [self.inside(part, span) for part in parts]
        marked = self.marks and any(isinstance(part, SecretRef) for part in parts)
        if not marked:
            return call("text_of", *made)
        flat: list[Expr] = []
        for part, expr in zip(parts, made, strict=True):
            if isinstance(part, SecretRef):
                flat.append(Value({"name": part.name, "key": part.key}))
            else:
                flat.append(call("text_of", expr))
        return dict_of({"$secret": list_of(flat)})

    def _index(self, base: Expression, key: Expression, span: Span | None) -> Expr:
        whole = self.inside(base, span)
        if isinstance(base, OutputRef) and not self._may_be_missing(base):
            return Subscript(whole, self.inside(key, span))
        return call("element_of", whole, self.inside(key, span))

    def _may_be_missing(self, reference: OutputRef) -> bool:
        return reference.node not in self.certain or not gives_whole(
            self.control.nodes[reference.node]
        )

    def _date(self, value: DateShift | DateFormat, span: Span | None) -> Expr:
        base = self.inside(value.base, span)
        if isinstance(value, DateFormat):
            return call("formatted", base, Value(value.pattern))
        by = -value.by if value.backwards else value.by
        return call("shifted", base, call("timedelta", seconds=Value(_number(by.total_seconds()))))

    def _compare(self, value: Compare, span: Span | None) -> Expr:
        left, right = self.inside(value.left, span), self.inside(value.right, span)
        operator = value.operator
        plain = self._is_no_moment(value.left) or self._is_no_moment(value.right)
        if not plain or _odd_literals(value):
            return call("compares", left, Value(operator), right)
        if isinstance(value.left, Literal_) and operator in MIRRORED:
            return Operation(MIRRORED[operator], (right, left))
        return Operation(operator, (left, right))

    def _logic(self, value: Logic, span: Span | None) -> Expr:
        if value.operator == "not":
            return self._negated(value.operands[0], span)
        operands = [self.truth(operand, span) for operand in value.operands]
        if len(operands) == 1:
            return operands[0]
        odd = any(isinstance(operand, Value) for operand in operands)
        equal = [o for o in operands if isinstance(o, Operation) and o.operator == "=="]
        repeated = len({repr(operand) for operand in operands}) < len(operands)
        opposite = any(self._negation_of(o) in operands for o in operands)
        if odd or repeated or opposite or len(equal) > 1:  # linters would have these rewritten
            return call("all" if value.operator == "and" else "any", list_of(operands))
        return Operation(value.operator, tuple(operands))

    def _is_no_moment(self, value: Expression) -> bool:
        """Whether a value is surely no text of a moment, so that a comparison is Python's own."""
        match value:
            case TaskState():
                return True
            case Literal_(value=literal):
                return not (isinstance(literal, str) and _is_moment(literal))
            case ParameterRef(name=name):
                return self.types[name].kind in NEVER_TEXT
            case OutputRef(node=node, output=output):
                source = self.control.nodes[node]
                type_ = source.outputs.get(output) if isinstance(source, Task) else None
                return type_ is not None and type_.kind in NEVER_TEXT
            case _:
                return False

    @staticmethod
    def _negation_of(expr: Expr) -> Expr:
        return Operation("not", (expr,))

    def _negated(self, value: Expression, span: Span | None) -> Expr:
        made = self.truth(value, span)
        if isinstance(made, Operation) and made.operator in FLIPPED:
            return Operation(FLIPPED[made.operator], made.operands)
        if isinstance(made, Operation) and made.operator == "not":
            return made.operands[0]
        if isinstance(made, Value):
            return Value(not made.value)
        return Operation("not", (made,))


def _odd_literals(value: Compare) -> bool:
    """Comparisons that linters would have rewritten: of two literals, or with null, true or false."""
    literals = [side.value for side in (value.left, value.right) if isinstance(side, Literal_)]
    return len(literals) == 2 or any(one is None or isinstance(one, bool) for one in literals)


def _is_moment(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _number(seconds: float) -> Any:
    return int(seconds) if seconds == int(seconds) else seconds
