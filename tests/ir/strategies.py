"""Hypothesis strategies for whatever the IR's models say: a new field is covered without a change here."""

import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import cache

from hypothesis import strategies as st

from intermodal.findings import Span
from intermodal.frozen import defaults_of
from intermodal.ir.node import IDENTIFIER_PATTERN, Node, PlainJson, Rule
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
def model(kind: type[Node]) -> st.SearchStrategy:
    """Any value of a kind of node, small but with every field in play."""
    if kind is Span:
        return st.builds(Span, file=TEXT, line=st.integers(1, 9), column=st.integers(1, 9))
    annotations = typing.get_type_hints(kind, include_extras=True)
    fields = {
        name: BOUNDED[name]
        if name == "jitter" and kind.__name__ == "Retry"
        else hint(annotations[name])
        for name in kind.field_names
    }
    defaults = defaults_of(kind)
    rare = {name: _sometimes(defaults[name], values) for name, values in fields.items()}
    return st.deferred(lambda: st.builds(kind, **rare))


def _sometimes(default, strategy: st.SearchStrategy) -> st.SearchStrategy:
    """Mostly the default, if there is one, so that values stay small."""
    if default is MISSING:
        return strategy
    return st.integers(0, 4).flatmap(lambda n: strategy if n == 0 else st.just(default))


def hint(annotation, **facts) -> st.SearchStrategy:
    """Values for a type annotation, with what its rules say."""
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if annotation == PlainJson:
        return JSON
    if origin is typing.Annotated:
        for rule in args[1:]:
            facts |= rule.facts if isinstance(rule, Rule) else {}
        return hint(args[0], **facts)
    if "pattern" in facts:
        return st.sampled_from(MATCHING[facts["pattern"]])
    if origin is typing.Literal:
        return st.sampled_from(args)
    if origin in (typing.Union, types.UnionType):
        return st.one_of(*(st.deferred(lambda arg=arg: hint(arg)) for arg in args))
    if origin is tuple:
        least = facts.get("min_length", 0)
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
