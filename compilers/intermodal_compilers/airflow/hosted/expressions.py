"""Expressions of a hosted pipeline as Python: values, source that is taken over, and outputs of tasks."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping

from intermodal.findings import Finding, Span, error
from intermodal.ir import Expression, ListOf, Literal_, MapOf, OutputRef, SourceExpression
from intermodal_compilers.airflow.hosted.sources import Sources
from intermodal_compilers.pysource import (
    Attribute,
    Call,
    Expr,
    Lines,
    Mapping_,
    Name,
    Operation,
    Sequence_,
    Spread,
    Subscript,
    Value,
    Written,
    dict_of,
    inline,
    is_identifier,
    list_of,
)

AIRFLOW = "airflow"
OPERATORS: Mapping[type[ast.operator], str] = {
    ast.Add: "+",
    ast.BitAnd: "&",
    ast.BitOr: "|",
    ast.Div: "/",
    ast.Mod: "%",
    ast.Mult: "*",
    ast.Sub: "-",
}


class Expressions:
    """Writes expressions.

    `output` gives what stands for a task's output, by id and name; `item` what stands for the item of a
    mapped group, or None.
    """

    def __init__(
        self,
        sources: Sources,
        output: Callable[[str, str], Expr],
        item: Callable[[Expression], Expr | None],
    ) -> None:
        self.sources = sources
        self.output = output
        self.item = item
        self.findings: list[Finding] = []

    def argument(self, expression: Expression) -> Expr:
        """The value of an argument, long text in lines of its own."""
        if isinstance(expression, Literal_) and _is_long(expression.value):
            return Lines(expression.value)
        return self.expr(expression)

    def expr(self, expression: Expression) -> Expr:
        """An expression as Python."""
        match expression:
            case Literal_(value=value):
                return Value(value)
            case ListOf(items=items):
                return list_of(self.expr(item) for item in items)
            case MapOf(entries=entries):
                return dict_of({key: self.expr(value) for key, value in entries.items()})
            case OutputRef(node=node, output=output):
                return self.output(node, output)
            case SourceExpression(ecosystem=ecosystem) if ecosystem == AIRFLOW:
                piece = self.sources.piece(expression)
                return Value(None) if piece is None else of_python(piece.text)
            case _:
                item = self.item(expression)
                if item is not None:
                    return item
                self.findings.append(_no_place(expression, expression.span))
                return Value(None)


def brought(expression: Expression) -> list[SourceExpression]:
    """The source expressions inside an expression, in the order in which they stand there."""
    match expression:
        case SourceExpression():
            return [expression]
        case ListOf(items=items):
            return [found for item in items for found in brought(item)]
        case MapOf(entries=entries):
            return [found for item in entries.values() for found in brought(item)]
        case _:
            return []


def of_python(text: str) -> Expr:
    """An expression of Python, taken apart as far as laying it out needs."""
    return _of_node(ast.parse(text, mode="eval").body, text)


def _of_node(node: ast.expr, text: str) -> Expr:
    match node:
        case ast.Constant(value=str() as value):
            return Lines(value) if _is_long(value) else Value(value)
        case ast.Constant(value=None | bool() | int() as value):
            return Value(value)
        case ast.Name(id=name) if is_identifier(name):
            return Name(name)
        case ast.Attribute(value=base, attr=name) if is_identifier(name):
            inner = _of_node(base, text)
            return (
                Name(f"{inner.path}.{name}") if isinstance(inner, Name) else Attribute(inner, name)
            )
        case ast.Call() if _is_plain(node):
            return _call(node, text)
        case ast.List(elts=items):
            return Sequence_(tuple(_item(item, text) for item in items))
        case ast.Tuple(elts=items):
            return Sequence_(tuple(_item(item, text) for item in items), "()")
        case ast.Set(elts=items):
            return Sequence_(tuple(_item(item, text) for item in items), "{}")
        case ast.Dict(keys=keys, values=values) if None not in keys:
            pairs = zip(keys, values, strict=True)
            return Mapping_(tuple((_of_node(k, text), _of_node(v, text)) for k, v in pairs if k))
        case ast.BinOp(op=kind) if type(kind) in OPERATORS:
            symbol = OPERATORS[type(kind)]
            return Operation(
                symbol, tuple(_of_node(part, text) for part in _operands(node, type(kind)))
            )
        case ast.Subscript(value=base, slice=key) if not isinstance(key, (ast.Slice, ast.Tuple)):
            return Subscript(_of_node(base, text), _of_node(key, text))
        case _:
            return Written(_text_of(node, text))


def _operands(node: ast.expr, kind: type[ast.operator]) -> list[ast.expr]:
    """`a`, `b` and `c` of `a | b | c`."""
    found: list[ast.expr] = []
    while isinstance(node, ast.BinOp) and isinstance(node.op, kind):
        found.append(node.right)
        node = node.left
    return [node, *reversed(found)]


def _is_plain(node: ast.Call) -> bool:
    """Whether its keywords differ and are names."""
    names = [keyword.arg for keyword in node.keywords if keyword.arg is not None]
    return len(set(names)) == len(names) and all(map(is_identifier, names))


def _call(node: ast.Call, text: str) -> Expr:
    given = [_item(item, text) for item in node.args]
    given += [Spread("**", _of_node(k.value, text)) for k in node.keywords if k.arg is None]
    keywords = {k.arg: _of_node(k.value, text) for k in node.keywords if k.arg is not None}
    return Call(_of_node(node.func, text), tuple(given), keywords)


def _item(node: ast.expr, text: str) -> Expr:
    if isinstance(node, ast.Starred):
        return Spread("*", _of_node(node.value, text))
    return _of_node(node, text)


def _text_of(node: ast.expr, text: str) -> str:
    """A part of the text as it was written."""
    segment = ast.get_source_segment(text, node)
    if segment is not None:
        try:
            if ast.dump(ast.parse(segment, mode="eval").body) == ast.dump(node):
                return segment
        except SyntaxError:
            pass  # it stood in brackets, or in an f-string: written anew below
    return ast.unparse(node)


def call_of(function: Expr, args: tuple[Expr, ...], keywords: Mapping[str, Expr]) -> Expr:
    """A call; keywords that are no Python names are spread from a dict."""
    plain = {key: value for key, value in keywords.items() if is_identifier(key)}
    others = {key: value for key, value in keywords.items() if not is_identifier(key)}
    spread = (Spread("**", dict_of(others)),) if others else ()
    return Call(function, (*args, *spread), plain)


def same(one: Expr, other: Expr) -> bool:
    """Whether two expressions are written alike."""
    return inline(one) == inline(other)


def _is_long(value: object) -> bool:
    return isinstance(value, str) and "\n" in value.rstrip("\n")


def _no_place(expression: Expression, span: Span | None) -> Finding:
    return error(
        "PORT204",
        f"a hosted pipeline of Airflow cannot hold an expression of the kind `{expression.op}`",
        span,
        why="its arguments are values, source of Airflow's own, lists and maps of them, and outputs",
        next="give the pipeline to another target, which translates it, or change the argument",
    )
