"""Expressions as a reader would write them: for pictures and messages, never to be read back."""

from __future__ import annotations

import json

from intermodal.ir import (
    Compare,
    DataVersion,
    DateFormat,
    DateShift,
    Default,
    Expression,
    Format,
    Index,
    InputRef,
    ItemRef,
    ListOf,
    Literal_,
    Logic,
    MapOf,
    OutputRef,
    ParameterRef,
    PathRef,
    RunFact,
    SecretRef,
    SourceExpression,
    TaskState,
)

LONGEST = 48
"""Characters; a longer text ends in `...`."""


def worded(expression: Expression) -> str:
    """A short text: `error <= limit`."""
    text = _words(expression)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def _words(expression: Expression) -> str:
    """A name or a value as it is; the rest is made of such."""
    match expression:
        case Literal_(value=value):
            return json.dumps(value, ensure_ascii=False)
        case ParameterRef(name=name) | InputRef(name=name) | PathRef(name=name):
            return name
        case OutputRef(node=node, output=output):
            return node if output == "return" else f"{node}.{output}"
        case ItemRef():
            return "item"
        case RunFact(fact=fact):
            return f"run.{fact}"
        case TaskState(node=node):
            return f"state of {node}"
        case SecretRef(name=name):
            return f"secret {name}"
        case DataVersion(uri=uri):
            return uri
        case SourceExpression(text=text):
            return text
        case ListOf(items=items):
            return f"[{', '.join(map(_words, items))}]"
        case MapOf(entries=entries):
            return f"{{{', '.join(f'{key}: {_words(value)}' for key, value in entries.items())}}}"
        case _:
            return _computed(expression)


def _computed(expression: Expression) -> str:
    match expression:
        case Compare(operator=operator, left=left, right=right):
            return f"{_inner(left)} {operator} {_inner(right)}"
        case Logic(operator="not", operands=(operand,)):
            return f"not {_inner(operand)}"
        case Logic(operator=operator, operands=operands):
            return f" {operator} ".join(map(_inner, operands))
        case Index(base=base, key=key):
            return f"{_inner(base)}[{_words(key)}]"
        case DateShift(base=base, by=by, backwards=backwards):
            return f"{_inner(base)} {'-' if backwards else '+'} {by}"
        case DateFormat(base=base, pattern=pattern):
            return f"{_inner(base)} as {pattern}"
        case Default(value=value, fallback=fallback):
            return f"{_inner(value)} or else {_inner(fallback)}"
        case Format(parts=parts):
            return "".join(
                str(part.value) if isinstance(part, Literal_) else f"{{{_words(part)}}}"
                for part in parts
            )
        case _:
            return expression.op


def _inner(expression: Expression) -> str:
    text = _words(expression)
    return f"({text})" if isinstance(expression, (Compare, Logic, Default)) else text
