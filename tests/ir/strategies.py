"""Hypothesis strategies for whatever the IR's models say: a new field is covered without a change here."""

import types
import typing
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import cache

from hypothesis import strategies as st
from pydantic import BaseModel, StringConstraints
from pydantic.fields import FieldInfo

from intermodal.findings import Span
from intermodal.ir.node import IDENTIFIER_PATTERN, Node
from intermodal.ir.policies import QUANTITY_PATTERN

TEXT = st.text(max_size=8)
SCALARS = {
    str: TEXT,
    bool: st.booleans(),
    int: st.integers(1, 50),
    float: st.floats(1, 100, allow_nan=False).map(lambda x: round(x, 3)),
    datetime: st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    timedelta: st.timedeltas(timedelta(0), timedelta(days=400)),
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | TEXT | st.floats(-9, 9, allow_nan=False),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=4,
)
# Values for the patterns that the IR uses; a new pattern raises here until it has some.
MATCHING = {
    IDENTIFIER_PATTERN: ["a", "b_2", "_x", "task-1.part", "Z" * 30],
    QUANTITY_PATTERN: ["1", "500m", "2Gi", "0.5", "10k"],
}
BOUNDED = {"jitter": st.floats(0, 1).map(lambda x: round(x, 3)), "span": st.none()}


@cache
def model(kind: type[BaseModel]) -> st.SearchStrategy:
    """Any value of a model, small but with every field in play."""
    if kind is Span:
        return st.builds(Span, file=TEXT, line=st.integers(1, 9), column=st.integers(1, 9))
    kind.model_rebuild()
    fields = {
        name: BOUNDED[name] if name == "jitter" and kind.__name__ == "Retry" else _field(field)
        for name, field in kind.model_fields.items()
    }
    rare = {
        name: strategy
        if kind.model_fields[name].is_required()
        else _sometimes(kind.model_fields[name], strategy)
        for name, strategy in fields.items()
    }
    return st.deferred(lambda: st.builds(kind, **rare))


def _sometimes(field: FieldInfo, strategy: st.SearchStrategy) -> st.SearchStrategy:
    """Mostly the default, so that values stay small."""
    default = field.get_default(call_default_factory=True, validated_data={})
    return st.integers(0, 4).flatmap(lambda n: strategy if n == 0 else st.just(default))


def _field(field: FieldInfo) -> st.SearchStrategy:
    pattern = next((m.pattern for m in field.metadata if isinstance(m, StringConstraints)), None)
    if pattern is None:
        pattern = next((m.pattern for m in field.metadata if getattr(m, "pattern", None)), None)
    if pattern:
        return st.sampled_from(MATCHING[pattern])
    return hint(field.annotation, field)


def hint(annotation, field=None) -> st.SearchStrategy:
    """Values for a type annotation."""
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if "JsonValue" in repr(annotation) and origin in (
        typing.Annotated,
        None,
        typing.Union,
        types.UnionType,
    ):
        return JSON
    if origin is typing.Annotated:
        pattern = next(
            (getattr(m, "pattern", None) for m in args[1:] if getattr(m, "pattern", None)), None
        )
        return st.sampled_from(MATCHING[pattern]) if pattern else hint(args[0])
    if origin is typing.Literal:
        return st.sampled_from(args)
    if origin in (typing.Union, types.UnionType):
        return st.one_of(*(st.deferred(lambda arg=arg: hint(arg)) for arg in args))
    if origin is tuple:
        least = (
            1
            if field is not None and any(getattr(m, "min_length", 0) for m in field.metadata)
            else 0
        )
        return st.lists(st.deferred(lambda: hint(args[0])), min_size=least, max_size=least + 1).map(
            tuple
        )
    if origin in (dict, Mapping):
        return st.dictionaries(hint(args[0]), st.deferred(lambda: hint(args[1])), max_size=1)
    if annotation is type(None):
        return st.none()
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return st.sampled_from(list(annotation))
    if isinstance(annotation, type) and issubclass(annotation, (Node, Span)):
        return model(annotation)
    return SCALARS[annotation]
