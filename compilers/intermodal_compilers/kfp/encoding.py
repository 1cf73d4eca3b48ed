r"""How values of each type travel as KFP parameters, and the Python that writes and reads them.

KFP has text, doubles, booleans, lists and structs. Where one of them holds every value of a type without
loss, the type travels as it; anything that may be null or of unknown type travels as JSON text.
Text is escaped so that KFP finds none of its placeholders in it: `{{$` becomes `{{!$`, and `{{!`
becomes `{{!!`. In JSON text `{{$` is written as `{{\u0024`, which needs no unescaping.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Literal

from intermodal.analysis.needs import type_parts
from intermodal.frozen import Frozen
from intermodal.ir import (
    AnyType,
    ArtifactType,
    ListType,
    MapType,
    OptionalType,
    StructType,
    Type,
)
from intermodal_compilers.kfp.spec_text import SAFE_INTEGER
from intermodal_compilers.pysource import quote

STRING, INTEGER, DOUBLE, BOOLEAN = "STRING", "NUMBER_INTEGER", "NUMBER_DOUBLE", "BOOLEAN"
LIST, STRUCT = "LIST", "STRUCT"

SIMPLE = {
    "string": STRING,
    "timestamp": STRING,
    "integer": INTEGER,
    "float": DOUBLE,
    "duration": DOUBLE,
    "boolean": BOOLEAN,
}

ARTIFACT_SCHEMAS = {
    "Artifact": "system.Artifact",
    "Dataset": "system.Dataset",
    "Model": "system.Model",
    "Metrics": "system.Metrics",
    "File": "system.Artifact",
    "Directory": "system.Artifact",
    "Html": "system.HTML",
    "Markdown": "system.Markdown",
}

# Before the JSON of a reference, where a value was too large to travel as a parameter.
LARGE = "{{!artifact}}"


class Code(Frozen):
    """An expression of the emitted program, and the functions of it that the expression uses."""

    text: str
    needs: frozenset[str] = frozenset()


class EachOf(Frozen):
    """A list that KFP made: of what the iterations of a loop gave."""

    item: Wire
    kind: Literal["each"] = "each"


class Maybe(Frozen):
    """A value that may be missing: JSON text, or empty text. Artifacts travel as references."""

    item: Wire
    kind: Literal["maybe"] = "maybe"


class Numbered(Frozen):
    """An item of a loop with its position: the JSON text of a list of both."""

    item: Wire
    kind: Literal["numbered"] = "numbered"


class Status(Frozen):
    """How a DAG ended: KFP's `PipelineTaskFinalStatus`."""

    kind: Literal["status"] = "status"


Wire = Type | EachOf | Maybe | Numbered | Status
"""How a value travels: as its type says, or in one of the forms that regions need."""


def is_json(type_: Wire) -> bool:
    """Whether values of the type travel as JSON text."""
    if isinstance(type_, EachOf | Status):
        return False
    if isinstance(type_, Maybe | Numbered):
        return True
    if type_.kind in SIMPLE:
        return False
    return any(isinstance(part, AnyType | OptionalType) for part in type_parts(type_))


def parameter_type(type_: Wire) -> str:
    """The KFP parameter type that holds values of the type."""
    if isinstance(type_, EachOf):
        return LIST
    if isinstance(type_, Status):
        return "TASK_FINAL_STATUS"
    simple = SIMPLE.get(type_.kind)
    if simple is not None:
        return simple
    if is_json(type_):
        return STRING
    return LIST if isinstance(type_, ListType) else STRUCT


def can_be_large(type_: Wire) -> bool:
    """Whether the runtime may put a value of the type into the artifact store."""
    if isinstance(type_, Status):
        return False
    if isinstance(type_, EachOf | Maybe | Numbered):
        return can_be_large(type_.item)
    return type_.kind not in {"integer", "float", "duration", "boolean"}


def literal_type(value: Any) -> str:
    """The KFP parameter type that a literal travels as: exact for each JSON value."""
    if isinstance(value, bool):
        return BOOLEAN
    if isinstance(value, int) and abs(value) <= SAFE_INTEGER:
        return INTEGER
    return DOUBLE if isinstance(value, float) else STRING


def literal_value(value: Any) -> Any:
    """What stands in the specification for a literal."""
    if isinstance(value, str):
        return escape(value)
    return value if literal_type(value) != STRING else json_text(value)


def literal_read(value: Any, given: str) -> Code:
    """Code that reads a literal back."""
    if isinstance(value, str):
        return Code(f"plain({given})", frozenset({"plain"}))
    kind = literal_type(value)
    if kind == STRING:
        return Code(f"json.loads({given})")
    return _READ_SIMPLE[kind](given)


def constant(value: Any, type_: Type) -> Any:
    """What stands in the specification for a value of a declared type, such as a default."""
    if is_json(type_):
        return json_text(value)
    match type_:
        case ListType(item=item):
            return [constant(one, item) for one in value]
        case MapType(value=inner):
            return {escape(name): constant(one, inner) for name, one in value.items()}
        case StructType(fields=fields):
            known = {name: constant(value[name], t) for name, t in fields.items() if name in value}
            return {**value, **known}
        case _:
            return escape(value) if isinstance(value, str) else value


def unsafe_integers(value: Any) -> list[int]:
    """The integers in a value that a double cannot hold."""
    if isinstance(value, list):
        return [number for item in value for number in unsafe_integers(item)]
    if isinstance(value, Mapping):
        return [number for item in value.values() for number in unsafe_integers(item)]
    is_unsafe = isinstance(value, int) and not isinstance(value, bool) and abs(value) > SAFE_INTEGER
    return [value] if is_unsafe else []


def escape(text: str) -> str:
    """Text in which KFP finds no placeholder; the emitted `plain` undoes it."""
    if "{{" not in text:
        return text
    return text.replace("{{!", "{{!!").replace("{{$", "{{!$")


def json_text(value: Any) -> str:
    """JSON in which KFP finds no placeholder."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=False)
    return text.replace("{{$", "{{\\u0024")


def read(type_: Wire, given: str, *, from_run: bool = False, depth: int = 0) -> Code:
    """Code that makes a value of the declared type of what KFP gives.

    Args:
        type_: The declared type of where the value comes from.
        given: The expression that holds what KFP gives.
        from_run: Whether a person may have given it, who need not write JSON.
        depth: Of nested lists and maps, for the names of loop variables.
    """
    simple = SIMPLE.get(type_.kind)
    if simple is not None:
        return _READ_SIMPLE[simple](given)
    if isinstance(type_, Maybe | Numbered | EachOf | Status):
        return read_form(type_, given, depth=depth)
    if is_json(type_):
        if from_run:
            return Code(f"given({given})", frozenset({"given", "plain"}))
        return Code(f"json.loads({given})")
    item = "item" + (str(depth + 1) if depth else "")
    match type_:
        case ListType(item=inner):
            code = read(inner, item, depth=depth + 1)
            if code.text == item:
                return Code(given)
            return Code(f"[{code.text} for {item} in {given}]", code.needs)
        case MapType(value=inner):
            code = read(inner, item, depth=depth + 1)
            name = "key" + (str(depth + 1) if depth else "")
            text = f"{{plain({name}): {code.text} for {name}, {item} in {given}.items()}}"
            return Code(text, code.needs | {"plain"})
        case StructType(fields=fields):
            return _fields(
                {k: read(t, f"{given}[{quote(k)}]", depth=depth) for k, t in fields.items()}
            )
        case _:
            return Code(given)


def read_form(
    type_: Maybe | Numbered | EachOf | Status, given: str, *, loads: bool = False, depth: int = 0
) -> Code:
    """Code that reads a value from one of the forms of regions.

    Args:
        type_: The form.
        given: The expression that holds what KFP gives.
        loads: Whether references in it are to be loaded.
        depth: Of nested lists and maps, for the names of loop variables.
    """
    match type_:
        case Status():
            return Code(f"ended({given})", frozenset({"ended"}))
        case Maybe():
            return loaded(Code(f"found({given})", frozenset({"found"})), loads)
        case Numbered():
            return loaded(Code(f"json.loads({given})[1]"), loads)
        case EachOf(item=inner):
            item = "item" + (str(depth + 1) if depth else "")
            code = _read_element(inner, item, loads, depth + 1)
            only = f" if {item}" if isinstance(inner, Maybe) else ""
            if code.text == item:
                return Code(given)
            return Code(f"[{code.text} for {item} in {given}{only}]", code.needs)


def _read_element(type_: Wire, given: str, loads: bool, depth: int) -> Code:
    if isinstance(type_, Maybe | Numbered | EachOf | Status):
        return read_form(type_, given, loads=loads, depth=depth)
    code = read(type_, given, depth=depth)
    if not loads or not can_be_large(type_):
        return code
    if is_json(type_):
        return loaded(code, loads)
    reference = loaded(Code(f"large({given})", frozenset({"large"})), loads)
    return Code(f"({reference.text} or {code.text})", code.needs | reference.needs)


def loaded(code: Code, loads: bool) -> Code:
    """Code that loads a value where it is a reference."""
    if not loads:
        return code
    return Code(f"load_value({code.text})", code.needs | {"load_value"})


def write(type_: Wire, given: str, depth: int = 0) -> Code:
    """Code that makes what KFP takes of a value, and raises where the value is not of its type."""
    if is_json(type_):
        return Code(f"dumped({given})", frozenset({"dumped"}))
    if isinstance(type_, EachOf | Status):
        return Code(given)
    item = "item" + (str(depth + 1) if depth else "")
    match type_:
        case ListType(item=inner):
            code = write(inner, item, depth + 1)
            text = f"[{code.text} for {item} in checked({given}, list, tuple)]"
            return Code(text, code.needs | {"checked"})
        case MapType(value=inner):
            code = write(inner, item, depth + 1)
            name = "key" + (str(depth + 1) if depth else "")
            text = (
                f"{{escaped({name}): {code.text} for {name}, {item} in "
                f"checked({given}, dict).items()}}"
            )
            return Code(text, code.needs | {"checked", "escaped"})
        case StructType(fields=fields):
            return _fields({k: write(t, f"{given}[{quote(k)}]", depth) for k, t in fields.items()})
        case ArtifactType():
            return Code(given)
        case _:
            return _WRITE_SIMPLE[SIMPLE[type_.kind]](given)


def _fields(codes: Mapping[str, Code]) -> Code:
    text = ", ".join(f"{quote(name)}: {code.text}" for name, code in codes.items())
    return Code(f"{{{text}}}", frozenset().union(*(code.needs for code in codes.values())))


_READ_SIMPLE: dict[str, Callable[[str], Code]] = {
    STRING: lambda given: Code(f"plain({given})", frozenset({"plain"})),
    INTEGER: lambda given: Code(f"whole({given})", frozenset({"whole"})),
    DOUBLE: lambda given: Code(f"float({given})"),
    BOOLEAN: Code,
}
_WRITE_SIMPLE: dict[str, Callable[[str], Code]] = {
    STRING: lambda given: Code(f"escaped({given})", frozenset({"escaped", "checked"})),
    INTEGER: lambda given: Code(f"whole({given})", frozenset({"whole"})),
    DOUBLE: lambda given: Code(f"number({given})", frozenset({"number"})),
    BOOLEAN: lambda given: Code(f"checked({given}, bool)", frozenset({"checked"})),
}
