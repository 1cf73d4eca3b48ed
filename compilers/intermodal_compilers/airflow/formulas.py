"""Expressions as Python, inside a function whose arguments are what they refer to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Protocol

from intermodal.frozen import Frozen
from intermodal.ir import (
    BooleanType,
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
    TaskState,
    TimestampType,
    Type,
)
from intermodal.runtime.secrets import variable_of
from intermodal_compilers.airflow.embed import SPECIAL_ARGUMENTS
from intermodal_compilers.airflow.names import identifier
from intermodal_compilers.pysource import (
    Attribute,
    Call,
    Conditional,
    Expr,
    Name,
    Operation,
    Subscript,
    Value,
    call,
    dict_of,
    inline,
    layout,
    list_of,
)

# Characters that an expression may take before a part of it gets a line of its own.
LONGEST = 50
LONGEST_SIDE = 35

OPPOSITE = {"==": "!=", "!=": "==", "in": "not in", "not in": "in"}
MIRRORED = {"==": "==", "!=": "!=", "<": ">", ">": "<", "<=": ">=", ">=": "<="}
DATES = ("logical_date", "data_interval_start", "data_interval_end")


class Surroundings(Protocol):
    """What a formula must know of the task that it stands in."""

    def is_passed(self, node: str) -> bool:
        """Whether the task may be given outputs of a unit as arguments."""

    def is_there(self, node: str) -> bool:
        """Whether an output of the unit exists for sure when the task runs."""

    def fetched(self, reference: OutputRef) -> Expr:
        """What fetches the output of a unit that the task may not be given."""

    def state_of(self, node: str) -> Expr:
        """The final state of a unit."""

    def item_name(self, loop: str) -> str:
        """What to call an item of the loop."""

    def type_of(self, expression: Expression) -> Type:
        """The type of an expression."""

    def may_be_reference(self, expression: Expression) -> bool:
        """Whether a value may be a reference to the artifact store that has to be looked into."""


class Line(Frozen):
    """An assignment, or a test that the assignments below it are for; `depth` counts the tests around."""

    name: str
    expr: Expr
    depth: int = 0
    is_test: bool = False


@dataclass
class Formula:
    """The expressions of one function.

    Attributes:
        around: What the function's task knows.
        taken: Names that arguments must not have.
        leaves: What each argument is given.
        fetched: Assignments of what the function fetches itself.
        lines: What comes before anything that uses the expressions.
        helpers: Functions of the file that are called.
    """

    around: Surroundings
    taken: set[str]
    leaves: dict[str, Expression] = field(default_factory=dict)
    fetched: list[Line] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    helpers: set[str] = field(default_factory=set)
    _known: dict[str, str] = field(default_factory=dict)

    def value(self, expression: Expression) -> Expr:
        """The expression, short enough for a line."""
        return self._short(self._expr(expression))

    def condition(self, expression: Expression) -> Expr:
        """The expression where only its truth counts."""
        if isinstance(expression, (Logic, Compare)):
            return self.value(expression)
        return self._short(self._looked_into(expression))

    def _short(self, expr: Expr) -> Expr:
        if isinstance(expr, (Operation, Conditional)) and len(inline(expr)) > LONGEST:
            return self._assigned(expr)
        return expr

    def _assigned(self, expr: Expr, wanted: str = "value") -> Name:
        name = self._free(wanted)
        self.lines.append(Line(name, expr))
        return Name(name)

    def statements(self, around: int = 1) -> list[str]:
        """The lines, to stand `around` levels deep."""
        text: list[str] = []
        for line in (*self.fetched, *self.lines):
            if line.is_test:
                text += layout(
                    line.expr, prefix="if ", suffix=":", indent=line.depth, around=around
                )
            else:
                prefix = f"{line.name} = "
                text += layout(line.expr, prefix=prefix, indent=line.depth, around=around)
        return text

    def _free(self, wanted: str) -> str:
        name, number = identifier(wanted), 2
        while name in self.taken or name in SPECIAL_ARGUMENTS:
            name, number = f"{identifier(wanted)}_{number}", number + 1
        self.taken.add(name)
        return name

    # Leaves

    def argument(self, leaf: Expression, wanted: str) -> Name:
        """The argument that is given a leaf; equal leaves share one."""
        key = repr(leaf)
        if key not in self._known:
            name = identifier(wanted)
            if name in self.taken or name in SPECIAL_ARGUMENTS:
                name = self._free(f"{name}_value")
            self.taken.add(name)
            self._known[key] = name
            self.leaves[name] = leaf
        return Name(self._known[key])

    def _output(self, reference: OutputRef) -> Expr:
        bare = OutputRef.of(node=reference.node, output=reference.output)
        if self.around.is_passed(reference.node):
            output = reference.output
            wanted = reference.node if output == "return" else f"{reference.node}_{output}"
            return self.argument(bare, _readable(wanted))
        key = f"fetched {bare!r}"
        if key not in self._known:
            self.helpers.add("output_of")
            name = self._free(_readable(reference.node))
            self.fetched.append(Line(name, self.around.fetched(bare)))
            self._known[key] = name
        return Name(self._known[key])

    # Expressions

    def _expr(self, expression: Expression) -> Expr:
        match expression:
            case Literal_(value=value):
                return Value(value)
            case ParameterRef(name=name):
                return self.argument(ParameterRef.of(name=name), name)
            case OutputRef():
                return self._output(expression)
            case ItemRef(loop=loop):
                return self.argument(ItemRef.of(loop=loop), self.around.item_name(loop))
            case RunFact(fact="attempt"):
                self.helpers.add("get_current_context")
                context = Subscript(call("get_current_context"), Value("ti"))
                return Attribute(context, "try_number")
            case RunFact(fact=fact):
                return self.argument(RunFact.of(fact=fact), fact)
            case TaskState(node=node):
                self.helpers.add("state_of")
                return self.around.state_of(node)
            case SecretRef(name=name, key=key):
                self.helpers.add("secret")
                return call("secret", Value(variable_of(name, key)))
            case Compare():
                return self._compare(expression)
            case Logic():
                return self._logic(expression)
            case ListOf(items=items):
                return list_of(self.value(item) for item in items)
            case MapOf(entries=entries):
                return dict_of({key: self.value(item) for key, item in entries.items()})
            case _:
                return self._computed(expression)

    def _computed(self, expression: Expression) -> Expr:
        match expression:
            case Index(base=base, key=key):
                found = self._looked_into(base)
                if self._is_there(base):
                    return Subscript(found, self._looked_into(key))
                found = self._named(found)
                return _unless_none(found, Subscript(found, self._looked_into(key)))
            case Default(value=value, fallback=fallback):
                given = self._named(self._expr(value))
                missing = Operation("is not", (given, Value(None)))
                return Conditional(given, missing, self.value(fallback))
            case Format(parts=parts):
                return self._text(parts)
            case DateShift(base=base, by=by, backwards=backwards):
                self.helpers.add("moved")
                step = -by if backwards else by
                return call("moved", self._looked_into(base), seconds=Value(_seconds(step)))
            case DateFormat(base=base, pattern=pattern):
                return Call(Attribute(self._time(base), "strftime"), (Value(pattern),))
            case _:
                return Value(None)

    def _looked_into(self, expression: Expression) -> Expr:
        """The value in place of a reference to the artifact store."""
        found = self.value(expression)
        if not self.around.may_be_reference(expression):
            return found
        self.helpers.add("loaded")
        return call("loaded", found)

    def _named(self, expr: Expr) -> Expr:
        return expr if isinstance(expr, Name) else self._assigned(expr)

    def _is_there(self, base: Expression) -> bool:
        match base:
            case OutputRef(node=node):
                return self.around.is_there(node)
            case Index(base=inner):
                return self._is_there(inner)
            case _:
                return True

    def _time(self, expression: Expression) -> Expr:
        self.helpers.add("as_time")
        return call("as_time", self._looked_into(expression))

    def _compare(self, expression: Compare) -> Expr:
        left, right = expression.left, expression.right
        operator: str = expression.operator
        if isinstance(left, Literal_) and not isinstance(right, Literal_) and operator in MIRRORED:
            left, right, operator = right, left, MIRRORED[operator]
        if self._are_times(left, right):
            sides: tuple[Expr, ...] = (self._time(left), self._time(right))
        else:
            sides = tuple(self._side(side) for side in (left, right))
        none = isinstance(right, Literal_) and right.value is None
        if none and operator in ("==", "!="):
            return Operation("is" if operator == "==" else "is not", sides)
        return Operation(operator, sides)

    def _side(self, side: Expression) -> Expr:
        found = self._looked_into(side)
        # A comparison with a fixed `True` would be taken for a mistake; 1 equals it.
        fixed = isinstance(side, Literal_) and isinstance(side.value, bool)
        if fixed:
            return self._assigned(found, "expected")
        long = len(inline(found)) > LONGEST_SIDE and not isinstance(found, Name)
        return self._assigned(found) if long else found

    def _are_times(self, left: Expression, right: Expression) -> bool:
        types = [self.around.type_of(side) for side in (left, right)]
        return any(isinstance(type_, TimestampType) for type_ in types)

    def _logic(self, expression: Logic) -> Expr:
        operator, operands = expression.operator, expression.operands
        if operator == "not":
            return self._negated(operands[0])
        equal = [repr(o.left) for o in operands if isinstance(o, Compare) and o.operator == "=="]
        parts: list[Expr] = []
        for operand in operands:
            before = len(self.lines)
            found = self.condition(operand)
            if len(equal) != len(set(equal)) and not isinstance(found, Name):
                found = self._assigned(found, "holds")  # `a in (b, c)` would read better, to ruff
            if parts and len(self.lines) > before:
                parts = [self._only_if(operator, parts, found, before)]
            else:
                parts.append(found)
        if len(parts) == 1 and len(operands) == 1:
            return self._as_bool(operands[0], parts[0])
        together = Operation(operator, tuple(parts)) if len(parts) > 1 else parts[0]
        if all(self._is_bool(operand) for operand in operands):
            return together
        return call("bool", together)

    def _only_if(self, operator: str, parts: list[Expr], found: Expr, start: int) -> Name:
        """Evaluate an operand of several lines only if those before it leave the answer open."""
        inner = [replace(line, depth=line.depth + 1) for line in self.lines[start:]]
        del self.lines[start:]
        so_far = Operation(operator, tuple(parts)) if len(parts) > 1 else parts[0]
        name = self._assigned(so_far, "holds")
        test: Expr = name if operator == "and" else Operation("not", (name,))
        self.lines.append(Line("", test, is_test=True))
        self.lines += [*inner, Line(name.path, found, 1)]
        return name

    def _negated(self, operand: Expression) -> Expr:
        if isinstance(operand, Compare) and operand.operator in OPPOSITE:
            return self._expr(operand.model_copy(update={"operator": OPPOSITE[operand.operator]}))
        if isinstance(operand, Logic) and operand.operator == "not":
            inner = operand.operands[0]
            return self._as_bool(inner, self.condition(inner))
        return Operation("not", (self.condition(operand),))

    def _as_bool(self, operand: Expression, found: Expr) -> Expr:
        return found if self._is_bool(operand) else call("bool", found)

    def _is_bool(self, operand: Expression) -> bool:
        if isinstance(operand, (Compare, Logic)):
            return True
        return isinstance(self.around.type_of(operand), BooleanType) and isinstance(
            operand, (ParameterRef, Literal_)
        )

    def _text(self, parts: Iterable[Expression]) -> Expr:
        texts: list[Expr] = []
        for part in parts:
            if isinstance(part, Literal_) and isinstance(part.value, str):
                texts.append(Value(part.value))
                continue
            self.helpers.add("as_text")
            texts.append(call("as_text", self._looked_into(part)))
        if not texts:
            return Value("")
        if len(texts) == 1:
            return texts[0]
        together: Expr = list_of(texts)
        if len(inline(together)) > LONGEST:
            together = self._assigned(together, "parts")
        return Call(Attribute(Value(""), "join"), (together,))


def _unless_none(base: Expr, value: Expr) -> Expr:
    return Conditional(value, Operation("is not", (base, Value(None))), Value(None))


def _seconds(by: timedelta) -> float:
    seconds = by.total_seconds()
    return int(seconds) if seconds == int(seconds) else seconds


def _readable(node: str) -> str:
    """What to call the output of a unit: helpers are named after what they stand for."""
    if node.endswith("__outcome"):
        return "outcome"
    return node.removesuffix("__end").replace(".", "_")
