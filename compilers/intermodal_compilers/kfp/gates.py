"""When a node runs, as a formula over values that KFP's conditions can compare."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property

from intermodal.frozen import Frozen
from intermodal.ir import (
    BooleanType,
    Compare,
    Expression,
    FloatType,
    IntegerType,
    ItemRef,
    Literal_,
    Logic,
    OutputRef,
    ParameterRef,
    StringType,
    Type,
)
from intermodal_compilers.kfp.spec_text import SAFE_INTEGER

Reference = ParameterRef | OutputRef | ItemRef

# Text without signs that kfp.local would read as operators; it puts values into the condition's text.
_SAFE_TEXT = re.compile(r"[\w .:/@+,-]*")
_OPERATORS = {"==", "!=", "<", "<=", ">", ">="}
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


class Atom(Frozen):
    """A comparison of a value with a literal.

    Attributes:
        kind: Of the reference: `parameter`, `output` or `item`.
        name: The parameter's, task's or loop's.
        output: Of the task.
        operator: CEL's.
        literal: As CEL writes it.
        cast: What CEL wraps the value in, if anything.
    """

    kind: str
    name: str
    output: str
    operator: str
    literal: str
    cast: str = ""

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return super().__hash__()

    def reference(self) -> Reference:
        """What is compared."""
        if self.kind == "parameter":
            return ParameterRef.of(name=self.name)
        if self.kind == "item":
            return ItemRef.of(loop=self.name)
        return OutputRef.of(node=self.name, output=self.output)


class Gate(Frozen):
    """A formula: an atom, or `not`, `and`, `or` over others; `and` over nothing is true.

    Formulas are looked up in sets all the time, so each keeps its hash and its opposite.
    """

    operator: str
    parts: tuple[Gate, ...] = ()
    atom: Atom | None = None

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return self is other or super().__eq__(other)

    @cached_property
    def _hash(self) -> int:
        return hash((self.operator, self.parts, self.atom))

    @cached_property
    def opposite(self) -> Gate:
        """The formula that holds where this one does not."""
        if not self.parts and self.atom is None:
            return FALSE if self.operator == "and" else TRUE
        return self.parts[0] if self.operator == "not" else Gate("not", (self,))


TRUE = Gate("and")
FALSE = Gate("or")


def atom(found: Atom) -> Gate:
    """The formula that is one comparison."""
    return Gate("atom", (), found)


def negate(gate: Gate) -> Gate:
    """The opposite."""
    return gate.opposite


def conjoin(gates: Iterable[Gate]) -> Gate:
    """All of them."""
    return _joined("and", FALSE, gates)


def disjoin(gates: Iterable[Gate]) -> Gate:
    """One of them at least."""
    return _joined("or", TRUE, gates)


def _joined(operator: str, decisive: Gate, gates: Iterable[Gate]) -> Gate:
    flat: dict[Gate, None] = {}
    for gate in gates:
        for part in gate.parts if gate.operator == operator else (gate,):
            flat[part] = None
    if decisive in flat or any(negate(part) in flat for part in flat):
        return decisive
    parts = tuple(flat)
    return parts[0] if len(parts) == 1 else Gate(operator, parts)


def without(gate: Gate, known: frozenset[Gate]) -> Gate:
    """The formula where these are known to hold."""
    if gate in known:
        return TRUE
    if negate(gate) in known:
        return FALSE
    if gate.operator == "and" and gate.parts:
        return conjoin(without(part, known) for part in gate.parts)
    if gate.operator == "or" and gate.parts:
        return disjoin(without(part, known) for part in gate.parts)
    return gate


def facts(gate: Gate) -> frozenset[Gate]:
    """What holds wherever the formula does."""
    return frozenset((gate, *gate.parts)) if gate.operator == "and" else frozenset((gate,))


def conjuncts(gate: Gate) -> frozenset[Gate]:
    """The formulas that all have to hold."""
    return frozenset(gate.parts if gate.operator == "and" else (gate,))


def atoms(gate: Gate) -> Iterator[Atom]:
    """The comparisons in it, each once."""
    seen: set[Atom] = set()
    stack = [gate]
    while stack:
        current = stack.pop()
        if current.atom is not None and current.atom not in seen:
            seen.add(current.atom)
            yield current.atom
        stack.extend(reversed(current.parts))


def cel(gate: Gate, key_of: Callable[[Atom], str]) -> str:
    """The formula in CEL; `key_of` gives the input that an atom's value comes in by."""
    if gate.atom is not None:
        found = gate.atom
        value = f"inputs.parameter_values['{key_of(found)}']"
        if found.cast:
            value = f"{found.cast}({value})"
        return f"{value} {found.operator} {found.literal}"
    if gate.operator == "not":
        return f"!({cel(gate.parts[0], key_of)})"
    if not gate.parts:
        return "true" if gate == TRUE else "false"
    sign = " && " if gate.operator == "and" else " || "
    return sign.join(_bracketed(part, key_of) for part in gate.parts)


def _bracketed(gate: Gate, key_of: Callable[[Atom], str]) -> str:
    text = cel(gate, key_of)
    return f"({text})" if gate.operator in {"and", "or"} and len(gate.parts) > 1 else text


def atom_of(condition: Expression, type_of: Callable[[Expression], Type]) -> Atom | None:
    """The comparison that a condition is, if KFP's conditions can make it."""
    if isinstance(condition, ParameterRef | OutputRef | ItemRef):
        if not isinstance(type_of(condition), BooleanType):
            return None
        return _atom(condition, "==", "true", "")
    if not isinstance(condition, Compare) or condition.operator not in _OPERATORS:
        return None
    left, right, operator = condition.left, condition.right, str(condition.operator)
    if isinstance(left, Literal_):
        left, right, operator = right, left, _MIRRORED.get(operator, operator)
    if not isinstance(left, ParameterRef | OutputRef | ItemRef) or not isinstance(right, Literal_):
        return None
    literal = _literal(right.value, type_of(left), operator)
    if literal is None:
        return None
    cast = "int" if isinstance(type_of(left), IntegerType) else ""
    return _atom(left, operator, literal, cast)


def _atom(reference: Reference, operator: str, literal: str, cast: str) -> Atom:
    match reference:
        case ParameterRef(name=name):
            return Atom("parameter", name, "", operator, literal, cast)
        case ItemRef(loop=loop):
            return Atom("item", loop, "", operator, literal, cast)
        case OutputRef(node=node, output=output):
            return Atom("output", node, output, operator, literal, cast)


def _literal(value: object, type_: Type, operator: str) -> str | None:
    """The literal in CEL, which compares equal types only."""
    if isinstance(type_, BooleanType) and isinstance(value, bool) and operator in {"==", "!="}:
        return "true" if value else "false"
    if isinstance(value, bool):
        return None
    if isinstance(type_, IntegerType) and isinstance(value, int) and abs(value) <= SAFE_INTEGER:
        return str(value)
    if isinstance(type_, FloatType) and isinstance(value, int | float):
        text = repr(float(value))
        return text if "e" not in text else None
    if isinstance(type_, StringType) and isinstance(value, str) and operator in {"==", "!="}:
        return f"'{value}'" if _SAFE_TEXT.fullmatch(value) and not _is_time(value) else None
    return None


def _is_time(text: str) -> bool:
    """Whether it may be a timestamp, which is compared as a point in time."""
    return bool(re.match(r"\d{4}-?(\d\d|W)", text))


def expression_of(gate: Gate) -> Expression:
    """The formula as an expression."""
    if gate.atom is not None:
        found = gate.atom
        right = Literal_.of(value=_literal_value(found.literal))
        return Compare.of(operator=found.operator, left=found.reference(), right=right)
    if not gate.parts:
        return Literal_.of(value=gate == TRUE)
    operands = tuple(expression_of(part) for part in gate.parts)
    return Logic.of(operator=gate.operator, operands=operands)


def _literal_value(text: str) -> object:
    import json

    return text[1:-1] if text.startswith("'") else json.loads(text)
