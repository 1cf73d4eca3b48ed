"""Expressions as Python in the program of the task that uses them."""

from __future__ import annotations

from collections.abc import Callable

from intermodal.frozen import Frozen
from intermodal.ir import (
    BooleanType,
    Compare,
    DateFormat,
    DateShift,
    Default,
    Expression,
    FloatType,
    Format,
    Index,
    IntegerType,
    ListOf,
    Literal_,
    Logic,
    MapOf,
    StringType,
    Type,
)
from intermodal_compilers.kfp.encoding import Code
from intermodal_compilers.pysource import Value, inline, quote

NUMBERS = (IntegerType, FloatType, BooleanType)


class Leaves(Frozen):
    """What the leaves of an expression are read by.

    Attributes:
        read: Code that reads a leaf; the flag says whether something looks inside of the value, so that it
            has to be loaded where it is a reference.
        type_of: The static type of an expression.
        may_miss: Whether a leaf's value may be missing.
    """

    read: Callable[[Expression, bool], Code]
    type_of: Callable[[Expression], Type]
    may_miss: Callable[[Expression], bool]


def is_leaf(expression: Expression) -> bool:
    """Whether it is a reference or a fact, not made of other expressions."""
    return not isinstance(
        expression,
        Literal_
        | Compare
        | Logic
        | Index
        | Format
        | DateShift
        | DateFormat
        | Default
        | ListOf
        | MapOf,
    )


def code_of(expression: Expression, leaves: Leaves, *, inside: bool = False) -> Code:
    """Code that gives the value of an expression.

    Args:
        expression: The expression.
        leaves: How its leaves are read.
        inside: Whether something looks inside of the value.
    """

    def part(inner: Expression, *, inside: bool = True) -> Code:
        return code_of(inner, leaves, inside=inside)

    match expression:
        case Literal_(value=value):
            return Code(inline(Value(value)))
        case Compare():
            return _compared(expression, leaves)
        case Logic(operator="not", operands=operands):
            code = part(operands[0])
            return Code(f"(not {code.text})", code.needs)
        case Logic(operator=operator, operands=operands):
            codes = [part(one) for one in operands]
            text = f" {operator} ".join(code.text for code in codes)
            plain = all(isinstance(leaves.type_of(one), BooleanType) for one in operands)
            return Code(f"({text})" if plain else f"bool({text})", _needs(*codes))
        case Index():
            return _indexed(expression, leaves, inside=inside)
        case Format(parts=parts):
            codes = [_text(one, leaves) for one in parts] or [Code('""')]
            return Code(f"({' + '.join(code.text for code in codes)})", _needs(*codes))
        case DateShift(base=base, by=by, backwards=backwards):
            code = part(base)
            seconds = -by.total_seconds() if backwards else by.total_seconds()
            return Code(f"shifted({code.text}, {seconds!r})", code.needs | {"shifted"})
        case DateFormat(base=base, pattern=pattern):
            code = part(base)
            return Code(f"dated({code.text}, {quote(pattern)})", code.needs | {"dated"})
        case Default(value=value, fallback=fallback):
            codes = [part(value, inside=inside), part(fallback, inside=inside)]
            return Code(f"default({codes[0].text}, {codes[1].text})", _needs(*codes) | {"default"})
        case ListOf(items=items):
            codes = [part(one, inside=inside) for one in items]
            return Code(f"[{', '.join(code.text for code in codes)}]", _needs(*codes))
        case MapOf(entries=entries):
            named = {name: part(one, inside=inside) for name, one in entries.items()}
            text = ", ".join(f"{quote(name)}: {code.text}" for name, code in named.items())
            return Code(f"{{{text}}}", _needs(*named.values()))
        case _:
            return leaves.read(expression, inside)


def _needs(*codes: Code) -> frozenset[str]:
    return frozenset().union(*(code.needs for code in codes))


def _compared(expression: Compare, leaves: Leaves) -> Code:
    sides = (expression.left, expression.right)
    left, right = (code_of(side, leaves, inside=True) for side in sides)
    operator = expression.operator
    plain = all(isinstance(leaves.type_of(side), NUMBERS) for side in sides)
    if plain and not any(map(leaves.may_miss, sides)):
        return Code(f"({left.text} {operator} {right.text})", _needs(left, right))
    text = f"compared({left.text}, {quote(operator)}, {right.text})"
    return Code(text, _needs(left, right) | {"compared"})


def _indexed(expression: Index, leaves: Leaves, *, inside: bool) -> Code:
    base = code_of(expression.base, leaves, inside=True)
    position = code_of(expression.key, leaves, inside=True)
    if leaves.may_miss(expression.base):
        text = f"picked({base.text}, {position.text})"
        return Code(text, _needs(base, position) | {"picked"})
    del inside
    return Code(f"{base.text}[{position.text}]", _needs(base, position))


def _text(expression: Expression, leaves: Leaves) -> Code:
    code = code_of(expression, leaves, inside=True)
    if isinstance(expression, Literal_) and isinstance(expression.value, str):
        return code
    if isinstance(leaves.type_of(expression), StringType) and not leaves.may_miss(expression):
        return code
    return Code(f"as_text({code.text})", code.needs | {"as_text"})
