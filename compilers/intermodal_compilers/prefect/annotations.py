"""IR types as Python annotations of a flow's parameters."""

from __future__ import annotations

from intermodal.ir import (
    BooleanType,
    FloatType,
    IntegerType,
    ListType,
    MapType,
    OptionalType,
    StringType,
    StructType,
    TimestampType,
    Type,
)

# The name, in a flow file, of text that Prefect's pages ask for with a date picker.
TIMESTAMP = "Timestamp"

SCALARS = {
    "string": "str",
    "integer": "int",
    "float": "float",
    "boolean": "bool",
    "duration": "float",
    "timestamp": TIMESTAMP,
    "any": "Any",
    "artifact": "Any",
}


def annotation(type_: Type, *, mutable_default: bool = False) -> str:
    """The annotation; with a mutable default the outermost type promises not to change it."""
    match type_:
        case OptionalType(item=item):
            inner = annotation(item, mutable_default=mutable_default)
            return inner if inner == "Any" else f"{inner} | None"
        case ListType(item=item):
            return f"{'Sequence' if mutable_default else 'list'}[{annotation(item)}]"
        case MapType(value=value):
            return f"{'Mapping' if mutable_default else 'dict'}[str, {annotation(value)}]"
        case StructType():
            return f"{'Mapping' if mutable_default else 'dict'}[str, Any]"
        case _:
            return SCALARS[type_.kind]


def is_scalar(type_: Type) -> bool:
    """Whether values of the type are immutable and the same in JSON as in Python."""
    if isinstance(type_, OptionalType):
        return is_scalar(type_.item)
    return isinstance(type_, (StringType, IntegerType, FloatType, BooleanType))


def is_text(type_: Type) -> bool:
    """Whether values are text as it stands, not JSON."""
    if isinstance(type_, OptionalType):
        return is_text(type_.item)
    return isinstance(type_, (StringType, TimestampType))


def checked_by_literal(type_: Type) -> bool:
    """Whether `Literal[...]` can hold choices of the type."""
    if isinstance(type_, OptionalType):
        return checked_by_literal(type_.item)
    return isinstance(type_, (StringType, IntegerType, BooleanType, TimestampType))


__all__ = ["annotation", "checked_by_literal", "is_scalar", "is_text"]
