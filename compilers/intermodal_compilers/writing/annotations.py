"""What authoring would make of an annotation, as far as its text tells; nothing is evaluated."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from intermodal.ir import (
    AnyType,
    BooleanType,
    DurationType,
    FloatType,
    IntegerType,
    ListType,
    MapType,
    OptionalType,
    StringType,
    TimestampType,
    Type,
)
from intermodal_compilers.pyimports import Import

BUILT_IN: Mapping[str, Type] = {
    "str": StringType.of(),
    "int": IntegerType.of(),
    "float": FloatType.of(),
    "bool": BooleanType.of(),
    "list": ListType.of(),
    "dict": MapType.of(),
    "object": AnyType.of(),
}
IMPORTED: Mapping[str, Type] = {
    "datetime.datetime": TimestampType.of(),
    "datetime.timedelta": DurationType.of(),
    "typing.Any": AnyType.of(),
    "typing.List": ListType.of(),
    "typing.Dict": MapType.of(),
}
LITERALS: Mapping[type, Type] = {
    str: StringType.of(),
    int: IntegerType.of(),
    bool: BooleanType.of(),
}
LISTS = ("list", "typing.List", "typing.Sequence", "typing.Iterable")
LISTS_ABC = ("collections.abc.Sequence", "collections.abc.Iterable")
MAPS = ("dict", "typing.Dict", "typing.Mapping", "collections.abc.Mapping")
NULL = OptionalType.of(item=AnyType.of())


def type_of(annotation: ast.expr | None, imports: Mapping[str, Import]) -> Type | None:
    """The type of an annotation; Any where there is none, None where its text alone does not tell.

    Args:
        annotation: Its syntax.
        imports: What the module imports, by the names that it binds.
    """
    match annotation:
        case None:
            return AnyType.of()
        case ast.Constant(value=None):
            return NULL
        case ast.Constant(value=str() as text):
            return _quoted(text, imports)
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _union([left, right], imports)
        case ast.Subscript(value=base, slice=inner):
            arguments = list(inner.elts) if isinstance(inner, ast.Tuple) else [inner]
            return _generic(path_of(base, imports), arguments, imports)
        case ast.Name() | ast.Attribute():
            path = path_of(annotation, imports)
            return BUILT_IN.get(path) or IMPORTED.get(path)
        case _:
            return None


def path_of(node: ast.expr, imports: Mapping[str, Import]) -> str:
    """The full path of what a dotted name means; "" if it is none."""
    if isinstance(node, ast.Name):
        item = imports.get(node.id)
        if item is None:
            return node.id
        if item.name is not None:
            return f"{item.module}.{item.name}"
        return item.module if item.alias else item.module.split(".")[0]
    if isinstance(node, ast.Attribute):
        base = path_of(node.value, imports)
        return f"{base}.{node.attr}" if base else ""
    return ""


def _quoted(text: str, imports: Mapping[str, Import]) -> Type | None:
    try:
        return type_of(ast.parse(text, mode="eval").body, imports)
    except SyntaxError:
        return None


def _generic(path: str, given: list[ast.expr], imports: Mapping[str, Import]) -> Type | None:
    if path in LISTS or path in LISTS_ABC:
        item = type_of(given[0], imports)
        return None if item is None or len(given) > 1 else ListType.of(item=item)
    if path in MAPS and len(given) == 2:
        key, value = (type_of(part, imports) for part in given)
        return MapType.of(value=value) if value and isinstance(key, StringType) else None
    if path == "typing.Optional":
        return _union([*given, ast.Constant(None)], imports)
    if path == "typing.Union":
        return _union(given, imports)
    if path == "typing.Literal":
        kinds = {type(part.value) if isinstance(part, ast.Constant) else None for part in given}
        kind = kinds.pop() if len(kinds) == 1 else None
        return LITERALS.get(kind) if kind else None
    return None


def _union(parts: list[ast.expr], imports: Mapping[str, Import]) -> Type | None:
    types = [type_of(part, imports) for part in parts]
    rest = [kind for kind in types if kind != NULL]
    if len(rest) != 1 or len(rest) == len(types) or rest[0] is None:
        return None
    return (
        rest[0] if isinstance(rest[0], (OptionalType, AnyType)) else OptionalType.of(item=rest[0])
    )
