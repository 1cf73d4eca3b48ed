"""How what a command or container gives becomes a task's output."""

from __future__ import annotations

from intermodal.ir import AnyType, ArtifactType, OptionalType, Type
from intermodal_compilers.prefect.annotations import is_text
from intermodal_compilers.pysource import Expr, Name, call

JSON_KINDS = {
    "integer": ("int",),
    "float": ("int", "float"),
    "duration": ("int", "float"),
    "boolean": ("bool",),
    "list": ("list",),
    "map": ("dict",),
    "struct": ("dict",),
}


def read_as(text: Expr, type_: Type) -> Expr:
    """The expression that reads a text as a value of the type."""
    if is_text(type_):
        return text
    if isinstance(type_, (OptionalType, AnyType, ArtifactType)):  # the last is refused elsewhere
        return call("read_value", text)
    return call("read_json", text, *(Name(kind) for kind in JSON_KINDS[type_.kind]))


def function_tag(type_: Type) -> str:
    """The tag by which `runtime.run` knows an output."""
    return type_.artifact if isinstance(type_, ArtifactType) else "value"


def command_tag(type_: Type) -> str:
    """The tag by which `runtime.run_shell` reads an output."""
    if isinstance(type_, OptionalType):
        return command_tag(type_.item) if is_text(type_) else "value"
    return type_.artifact if isinstance(type_, ArtifactType) else type_.kind
