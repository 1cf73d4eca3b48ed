"""Types of the IR as Python annotations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from intermodal import ir
from intermodal_compilers.pysource import (
    INDENT,
    Call,
    Expr,
    Name,
    Operation,
    Sequence_,
    Subscript,
    Value,
    dict_of,
    inline,
    is_identifier,
    layout,
)
from intermodal_compilers.writing.names import ModuleNames
from intermodal_compilers.writing.raw import raw

BUILT_IN: Mapping[type[ir.Node], str] = {
    ir.StringType: "str",
    ir.IntegerType: "int",
    ir.FloatType: "float",
    ir.BooleanType: "bool",
}
IMPORTED: Mapping[type[ir.Node], tuple[str, str]] = {
    ir.AnyType: ("typing", "Any"),
    ir.TimestampType: ("datetime", "datetime"),
    ir.DurationType: ("datetime", "timedelta"),
}
NULL = ir.OptionalType.of(item=ir.AnyType.of())


@dataclass
class Types:
    """Writes types; `classes` are the lines of the classes that they need."""

    names: ModuleNames
    classes: list[list[str]] = field(default_factory=list)
    _made: dict[tuple[str, str], str] = field(default_factory=dict)

    def annotation(self, type_: ir.Type, wanted: str = "Settings") -> Expr:
        """The annotation that authoring reads as this type.

        Args:
            type_: The type.
            wanted: What to call the class of a mapping with known fields.
        """
        match type_:
            case ir.OptionalType(item=ir.AnyType()):
                return Value(None)
            case ir.OptionalType(item=item):
                return Operation("|", (self.annotation(item, wanted), Value(None)))
            case ir.ListType(item=ir.AnyType()):
                return self.built_in("list")
            case ir.ListType(item=item):
                return Subscript(self.built_in("list"), self.annotation(item, wanted))
            case ir.MapType(value=ir.AnyType()):
                return self.built_in("dict")
            case ir.MapType(value=value):
                words = (self.built_in("str"), self.annotation(value, wanted))
                return Subscript(self.built_in("dict"), Sequence_(words, ""))
            case ir.StructType(fields=fields):
                return self.structure(fields, wanted)
            case ir.ArtifactType():
                return raw(type_, self.names)
            case _ if type(type_) in IMPORTED:
                return Name(self.names.need(*IMPORTED[type(type_)]))
            case _:
                return self.built_in(BUILT_IN[type(type_)])

    def option(self, type_: ir.Type) -> Expr:
        """The type as `takes` and `returns` have it, where a class with fields would mean several values."""
        whole = not any(
            isinstance(part, (ir.StructType, ir.ArtifactType)) for part in inside(type_)
        )
        return self.annotation(type_) if whole else raw(type_, self.names)

    def built_in(self, name: str) -> Expr:
        """A type that needs no import, unless a function of the user's has its name."""
        if self.names.library.meanings.get(name) is None:
            return Name(name)
        return Name(self.names.need("builtins", name))

    def structure(
        self, fields: Mapping[str, ir.Type], wanted: str, base: str = "TypedDict"
    ) -> Expr:
        """The name of a class with these fields, made once for the same fields."""
        key = (base, repr(sorted((name, repr(type_)) for name, type_ in fields.items())))
        if key not in self._made:
            inner = {name: self.annotation(type_, wanted) for name, type_ in fields.items()}
            self._made[key] = name = self.names.claim(wanted, wanted)
            kind = self.names.need("typing", base)
            self.classes.append(_class(name, kind, inner))
        return Name(self._made[key])


def inside(type_: ir.Type) -> list[ir.Type]:
    """The type and all types inside it."""
    found = [type_]
    match type_:
        case ir.OptionalType(item=item) | ir.ListType(item=item):
            found += inside(item)
        case ir.MapType(value=value):
            found += inside(value)
        case ir.StructType(fields=fields):
            found += [part for inner in fields.values() for part in inside(inner)]
    return found


def _class(name: str, kind: str, fields: Mapping[str, Expr]) -> list[str]:
    if all(is_identifier(one) and not one.startswith("__") for one in fields) and fields:
        lines = [f"{INDENT}{one}: {inline(hint)}" for one, hint in fields.items()]
        return [f"class {name}({kind}):", *lines]
    return layout(Call(Name(kind), (Value(name), dict_of(fields))), prefix=f"{name} = ")
