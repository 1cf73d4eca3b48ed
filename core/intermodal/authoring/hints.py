"""Python annotations -> IR types. What travels as JSON is a parameter; any other class is an artifact."""

from __future__ import annotations

import collections.abc
import dataclasses
import inspect
import types
import typing
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

from intermodal.findings import Finding, Span, error, warning
from intermodal.frozen import Frozen
from intermodal.ir import (
    AnyType,
    ArtifactType,
    BooleanType,
    DurationType,
    FloatType,
    IntegerType,
    ListType,
    MapType,
    Node,
    OptionalType,
    StringType,
    StructType,
    TimestampType,
    Type,
)

SCALARS: Mapping[Any, Type] = {
    str: StringType.of(),
    int: IntegerType.of(),
    float: FloatType.of(),
    bool: BooleanType.of(),
    datetime: TimestampType.of(),
    timedelta: DurationType.of(),
    Any: AnyType.of(),
    object: AnyType.of(),
    inspect.Parameter.empty: AnyType.of(),
    list: ListType.of(),
    dict: MapType.of(),
}
UNKNOWN = (NameError, TypeError, AttributeError, SyntaxError)
"""What evaluating an annotation raises where its names are not there."""

LISTS = (list, collections.abc.Sequence, collections.abc.Iterable)
MAPS = (dict, collections.abc.Mapping)
ADVICE: Mapping[Any, str] = {
    tuple: "write list[...]; JSON has no tuples",
    set: "write list[...]; JSON has no sets",
    frozenset: "write list[...]; JSON has no sets",
    date: "write datetime.datetime with a time zone",
    complex: "return its parts as two floats",
}


class Unsupported(Exception):  # noqa: N818 - a signal inside this module, not an error of the user's
    """An annotation that is no type of the IR; carries what to write instead."""


class Returns(NamedTuple):
    """What a task gives: its outputs, and how they are taken from the return value."""

    outputs: Mapping[str, Type]
    unpack: Literal["none", "attributes", "items"]


def hints_of(
    function: Callable[..., Any], span: Span, given: Collection[str] = ()
) -> tuple[dict[str, Any], list[Finding]]:
    """The evaluated annotations of a function; a warning if some of them cannot be evaluated.

    Args:
        function: The function.
        span: Where it is.
        given: Names whose types are given elsewhere, so that their annotations do not matter.
    """
    try:
        hints = get_type_hints(function, include_extras=True)
    except UNKNOWN:
        hints, problems = _known_hints(function, given)
    else:
        problems = []
    findings = [
        warning(
            "PORT115",
            f"the annotations of `{function.__name__}` cannot be evaluated: {problem}",
            span,
            why="without them its inputs and outputs have no types",
            next="import the names at module level, outside `if TYPE_CHECKING`",
        )
        for problem in problems[:1]
    ]
    return {name: hint for name, hint in hints.items() if name not in given}, findings


def _known_hints(
    function: Callable[..., Any], given: Collection[str]
) -> tuple[dict[str, Any], list[Exception]]:
    """The annotations that can be evaluated, one by one, and what is wrong with the others."""
    hints: dict[str, Any] = {}
    problems: list[Exception] = []
    for name, annotation in function.__annotations__.items():
        if name in given:
            continue
        alone = types.SimpleNamespace(__annotations__={name: annotation})
        try:
            hints |= get_type_hints(alone, function.__globals__, include_extras=True)
        except UNKNOWN as problem:
            problems.append(problem)
    return hints, problems


def type_of(hint: Any) -> Type:
    """The IR type of an annotation.

    Raises:
        Unsupported: With advice, if nothing of that kind travels between tasks.
    """
    if isinstance(hint, Node):
        return hint  # type: ignore[return-value]
    if _hashable(hint) and hint in SCALARS:
        return SCALARS[hint]
    if hint is type(None):
        return OptionalType.of(item=AnyType.of())
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _union(args)
    if origin is Literal:
        return _literal(args)
    if origin is typing.Annotated:
        return _annotated(hint, type_of(args[0]))
    if origin in LISTS:
        return ListType.of(item=type_of(args[0] if args else Any))
    if origin in MAPS and not args:
        return MapType.of()
    if origin in MAPS:
        if args[0] is not str:
            raise Unsupported("write dict[str, ...]; JSON keys are text")
        return MapType.of(value=type_of(args[1]))
    return _class(origin or hint)


def returns_of(hints: Mapping[str, Any], annotated: bool) -> Returns:
    """The outputs that a return annotation declares.

    Raises:
        Unsupported: As `type_of`.
    """
    if not annotated:
        return Returns({"return": AnyType.of()}, "none")
    hint = hints.get("return", Any)
    if hint is None or hint is type(None):
        return Returns({}, "none")
    fields = _fields_of(hint)
    if fields is not None and not _is_pydantic(hint):
        unpack: Literal["attributes", "items"] = (
            "items" if typing.is_typeddict(hint) else "attributes"
        )
        return Returns({name: type_of(inner) for name, inner in fields.items()}, unpack)
    return Returns({"return": type_of(hint)}, "none")


def _kind_of(hint: Any) -> Any:
    from intermodal.artifacts.serialisers import kind_of  # twelve modules, for artifacts only

    return kind_of(hint)


class Param(Frozen):
    """What an annotation cannot say of a pipeline's parameter: `day: Annotated[str, Param(help="...")]`.

    Attributes:
        help: What it is for.
        name: Its name, where that is none that Python could have.
        choices: The values that it may have, where `Literal[...]` cannot hold them.
    """

    help: str = ""
    name: str | None = None
    choices: Sequence[Any] = ()


def param_of(hint: Any) -> Param:
    """The `Param` among the marks of an annotation; an empty one if there is none."""
    marks = get_args(hint)[1:] if get_origin(hint) is typing.Annotated else ()
    return next((mark for mark in marks if isinstance(mark, Param)), Param())


def choices_of(hint: Any) -> tuple[Any, ...]:
    """The values that a `Literal[...]` annotation, or a `Param`, allows."""
    if get_origin(hint) is typing.Annotated:
        return tuple(param_of(hint).choices) or choices_of(get_args(hint)[0])
    if get_origin(hint) is Literal:
        return tuple(get_args(hint))
    return ()


def unsupported(who: str, hint: Any, problem: Unsupported, span: Span) -> Finding:
    """The finding for an annotation that cannot be used."""
    name = getattr(hint, "__name__", None) or str(hint)
    return error(
        "PORT115",
        f"{who} has an annotation that does not travel: `{name}`",
        span,
        next=str(problem),
    )


def _union(args: tuple[Any, ...]) -> Type:
    rest = [arg for arg in args if arg is not type(None)]
    if len(rest) == 1:
        inner = type_of(rest[0])
        return inner if isinstance(inner, (OptionalType, AnyType)) else OptionalType.of(item=inner)
    if set(rest) == {int, float}:
        return FloatType.of()
    raise Unsupported("write one type, or one type `| None`")


def _annotated(hint: Any, inner: Type) -> Type:
    """The kind that a mark inside `Annotated` names; other marks say nothing to us."""
    if not isinstance(inner, ArtifactType):
        return inner
    kind = _kind_of(hint)
    return inner.model_copy(update={"artifact": kind})


def _literal(args: tuple[Any, ...]) -> Type:
    found = {type(arg) for arg in args}
    if len(found) == 1:
        return type_of(found.pop())
    raise Unsupported("write a Literal whose values have one type")


def _class(hint: Any) -> Type:
    if not isinstance(hint, type):
        raise Unsupported("write a type of the standard library or a class")
    advice = next((text for kind, text in ADVICE.items() if hint is kind), None)
    if advice:
        raise Unsupported(advice)
    fields = _fields_of(hint)
    if fields is not None:
        return StructType.of(fields={name: type_of(inner) for name, inner in fields.items()})
    kind = _kind_of(hint)
    return ArtifactType.of(artifact=kind, python=f"{hint.__module__}.{hint.__qualname__}")


def _fields_of(hint: Any) -> dict[str, Any] | None:
    """Field annotations of a NamedTuple, dataclass, TypedDict or pydantic model."""
    if not isinstance(hint, type):
        return None
    if typing.is_typeddict(hint) or (issubclass(hint, tuple) and hasattr(hint, "_fields")):
        return get_type_hints(hint)
    if dataclasses.is_dataclass(hint):
        hints = get_type_hints(hint)
        return {field.name: hints[field.name] for field in dataclasses.fields(hint)}
    if _is_pydantic(hint):
        return {name: field.annotation for name, field in hint.model_fields.items()}  # type: ignore[attr-defined]
    return None


def _is_pydantic(hint: Any) -> bool:
    return isinstance(hint, type) and hasattr(hint, "__pydantic_fields__")


def _hashable(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True
