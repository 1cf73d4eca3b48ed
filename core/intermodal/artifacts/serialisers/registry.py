"""Finding the serialiser of a value, a type or a stored format."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

from intermodal.artifacts.kinds import ArtifactKind, Html, Markdown, Metrics
from intermodal.artifacts.serialisers import (
    arrays,
    estimators,
    paths,
    pickled,
    plain,
    tables,
    typed,
)
from intermodal.artifacts.serialisers.protocol import (
    CannotRead,
    Serialiser,
    TypeName,
    names_of,
    plain_type,
)

ENTRY_POINTS = "intermodal.serialisers"

BUILT_IN: tuple[Serialiser, ...] = (
    *plain.SERIALISERS,
    *paths.SERIALISERS,
    *tables.SERIALISERS,
    *arrays.SERIALISERS,
    *estimators.SERIALISERS,
)

LAST_RESORTS: tuple[Serialiser, ...] = (*typed.SERIALISERS, *pickled.SERIALISERS)

KINDS: dict[TypeName, str] = {
    TypeName("intermodal", "Metrics"): "Metrics",
    TypeName("intermodal", "Html"): "Html",
    TypeName("intermodal", "Markdown"): "Markdown",
    TypeName("pathlib", "Path"): "File",
    TypeName("pandas", "DataFrame"): "Dataset",
    TypeName("pandas", "Series"): "Dataset",
    TypeName("polars", "DataFrame"): "Dataset",
    TypeName("polars", "LazyFrame"): "Dataset",
    TypeName("polars", "Series"): "Dataset",
    TypeName("pyarrow", "Table"): "Dataset",
    TypeName("numpy", "ndarray"): "Dataset",
    TypeName("sklearn", "BaseEstimator"): "Model",
    TypeName("xgboost", "Booster"): "Model",
    TypeName("lightgbm", "Booster"): "Model",
    TypeName("catboost", "CatBoost"): "Model",
    TypeName("torch", "Module"): "Model",
    TypeName("keras", "Model"): "Model",
}

SHOWN_AS: dict[type, type] = {Html: str, Markdown: str, Metrics: dict, Path: str}
"""What may stand for a value whose annotation already says what it is."""


class Registry:
    """An ordered set of serialisers, searched from the most to the least particular.

    Order: those registered, latest first; the built-in ones; those of installed packages, which
    are loaded only when the search gets that far; declared fields; cloudpickle.
    """

    def __init__(self) -> None:
        self._registered: list[Serialiser] = []
        self._installed: tuple[Serialiser, ...] | None = None

    def register(self, serialiser: Serialiser) -> None:
        """Prefer a serialiser to all that are known so far."""
        self._registered.insert(0, serialiser)

    def __iter__(self) -> Iterator[Serialiser]:
        yield from self._registered
        yield from BUILT_IN
        if self._installed is None:
            self._installed = tuple(_installed())
        yield from self._installed
        yield from LAST_RESORTS

    def candidates(self, value: Any) -> Iterator[Serialiser]:
        """The serialisers that take a value, best first."""
        # A class is a value here, not the annotation of one.
        asked = type(value) if isinstance(value, type) or get_origin(value) else value
        return (serialiser for serialiser in self if serialiser.handles(asked))

    def named(self, name: str) -> list[Serialiser]:
        """The serialisers of a format, best first."""
        near = (*self._registered, *BUILT_IN, *LAST_RESORTS)
        found = [serialiser for serialiser in near if serialiser.name == name]
        return found or [serialiser for serialiser in self if serialiser.name == name]

    def reader(self, name: str, python_type: str, type_hint: Any) -> tuple[Serialiser, Any]:
        """The serialiser to read stored content with, and the type to ask it for.

        The reader's hint counts if a serialiser of the format takes it; else the recorded type.

        Raises:
            CannotRead: No serialiser of that format is here.
        """
        known = self.named(name)
        if not known:
            raise CannotRead(
                f"no serialiser of the format `{name}` is installed",
                "install the package that it came from, or register it",
            )
        for serialiser in known if type_hint is not None else ():
            if serialiser.handles(type_hint):
                return serialiser, type_hint
        recorded = recorded_name(python_type)
        chosen = [s for s in known if getattr(s, "type_name", recorded) == recorded]
        return (chosen or known)[0], _resolved(python_type) if name == "typed-json" else type_hint


def kind_of(type_hint: Any) -> str:
    """The artifact kind that an annotation stands for; imports nothing to find out."""
    for mark in _marks(type_hint):
        return mark.name
    return next((KINDS[name] for name in names_of(type_hint) if name in KINDS), "Artifact")


def fit_to_hint(value: Any, type_hint: Any) -> Any:
    """The value as what its annotation promises: a str as `Html` or `Path`, a dict as `Metrics`.

    Raises:
        TypeError: It cannot be that.
    """
    wanted = plain_type(type_hint) if type_hint is not None else None
    if wanted in SHOWN_AS and type(value) is SHOWN_AS[wanted]:
        return wanted(value)
    return value


def type_string(value: Any) -> str:
    """Module and qualified name of a value's class, as records keep them."""
    return f"{type(value).__module__}:{type(value).__qualname__}"


def recorded_name(python_type: str) -> TypeName:
    """The stable name of a class as `type_string` wrote it."""
    module, _, qualname = python_type.partition(":")
    return TypeName(module.partition(".")[0], qualname)


def _resolved(python_type: str) -> Any:
    """The class that a record names; None if it cannot be had here."""
    module, _, qualname = python_type.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in qualname.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError, ValueError):
        return None
    return found if isinstance(found, type) else None


def _marks(hint: Any) -> Iterator[ArtifactKind]:
    """The kinds marked in an annotation, `Annotated[...] | None` included."""
    for mark in getattr(hint, "__metadata__", ()):
        if isinstance(mark, ArtifactKind):
            yield mark
    if plain_type(hint) is not None:
        for argument in get_args(hint) if type(None) in get_args(hint) else ():
            yield from _marks(argument)


def _installed() -> Iterable[Serialiser]:
    """The serialisers of installed packages: an entry point names one, or a class that makes one."""
    from importlib.metadata import entry_points

    for entry in sorted(entry_points(group=ENTRY_POINTS), key=lambda entry: entry.name):
        loaded = entry.load()
        yield loaded() if isinstance(loaded, type) else loaded


DEFAULT = Registry()
"""What `register` adds to and stores use unless given another."""


def register(serialiser: Serialiser) -> None:
    """Prefer a serialiser to all others, in this process, for the types that it handles."""
    DEFAULT.register(serialiser)
