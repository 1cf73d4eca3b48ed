"""Frozen classes of plain fields that cost next to nothing to define.

`dataclass(frozen=True)` compiles six functions for each class: 0.4 ms, which over the classes that
compiling a small pipeline needs was more than compiling it. Here those functions are inherited, so that
a definition takes 0.02 ms. What comes out is a dataclass still: `fields` and `replace` of `dataclasses`
work, and pydantic reads it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, FrozenInstanceError, dataclass, field, fields
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, cast, dataclass_transform


class Fields:
    """What frozen classes share: equal if their fields are, hashed by them, never changed."""

    field_names: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, *, kw_only: bool = False) -> None:
        dataclass(init=False, repr=False, eq=False, kw_only=kw_only)(cls)
        cls.field_names = tuple(f.name for f in fields(cast("Any", cls)))

    def __repr__(self) -> str:
        shown = (
            f"{known.name}={getattr(self, known.name)!r}"
            for known in fields(cast("Any", self))
            if known.repr
        )
        return f"{type(self).__qualname__}({', '.join(shown)})"

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        mine, others = self.__dict__, other.__dict__
        # Not the whole `__dict__`: a cached property keeps its value there too.
        return all(mine[name] == others[name] for name in self.field_names)

    if not TYPE_CHECKING:  # mypy would take classes for unhashable, not their instances

        def __hash__(self) -> int:
            return hash((type(self), *map(self.__dict__.__getitem__, self.field_names)))

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise FrozenInstanceError(f"cannot assign {value!r} to field {name!r}")

    def __delattr__(self, name: str) -> NoReturn:
        raise FrozenInstanceError(f"cannot delete field {name!r}")


@dataclass_transform(eq_default=False, frozen_default=True, field_specifiers=(field,))
class Frozen(Fields):
    """The base of a frozen class: annotated fields, given by position or name."""

    def __init__(self, *args: Any, **values: Any) -> None:
        if args:
            named = dict(zip(self.field_names, args, strict=False))
            if len(named) < len(args) or (values and named.keys() & values.keys()):
                raise TypeError(f"{type(self).__name__}: too many values, or one given twice")
            values = named | values if values else named
        fill(self, values)
        self.__post_init__()

    def __post_init__(self) -> None:
        """What a class checks of its values, if it does."""


def fill(instance: Fields, values: dict[str, Any]) -> None:
    """Set the fields of a new instance to the values, and those without one to their defaults.

    Raises:
        TypeError: If a field has neither, or there is no such field.
    """
    kind: type = type(instance)
    defaults, factories, count = _plan(kind)
    values = defaults | values
    for name, factory in factories:
        if name not in values:
            values[name] = factory()
    if len(values) != count:
        _complain(kind, values)
    instance.__dict__.update(values)


def defaults_of(kind: type) -> dict[str, Any]:
    """Defaults by field; `dataclasses.MISSING` where a field has none."""
    return {
        f.name: f.default if f.default_factory is MISSING else f.default_factory()
        for f in fields(kind)
    }


@cache
def _plan(
    kind: type,
) -> tuple[dict[str, Any], tuple[tuple[str, Callable[[], Any]], ...], int]:
    """Defaults by field, factories by field, and the number of fields."""
    known = fields(kind)
    defaults = {f.name: f.default for f in known if f.default is not MISSING}
    factories = tuple(
        (f.name, f.default_factory) for f in known if f.default_factory is not MISSING
    )
    return defaults, factories, len(known)


def _complain(kind: type[Fields], values: dict[str, Any]) -> NoReturn:
    known = kind.field_names
    unknown = [name for name in values if name not in known]
    if unknown:
        raise TypeError(f"{kind.__name__} has no field {', '.join(map(repr, unknown))}")
    missing = [name for name in known if name not in values]
    raise TypeError(f"{kind.__name__} needs {', '.join(map(repr, missing))}")
