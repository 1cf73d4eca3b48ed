"""Types for annotations of tasks that say what kind of artifact a value is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, NamedTuple, SupportsFloat


class ArtifactKind(NamedTuple):
    """The mark inside an `Annotated` type: the kind of artifact it stands for."""

    name: str


File = Annotated[Path, ArtifactKind("File")]
"""A path of one file. It is copied into the store when the task returns it."""

Directory = Annotated[Path, ArtifactKind("Directory")]
"""A path of a folder. The whole tree is copied into the store when the task returns it."""


class Metrics(dict[str, float]):
    """Named numbers, such as `Metrics(accuracy=0.97, f1=0.96)`.

    Raises:
        TypeError: A value is not a number, or a name is not a string.
    """

    def __init__(
        self,
        values: Mapping[str, SupportsFloat] | Iterable[tuple[str, SupportsFloat]] = (),
        /,
        **named: SupportsFloat,
    ) -> None:
        super().__init__()
        for name, value in dict(values, **named).items():
            self[name] = _number(name, value)

    def __repr__(self) -> str:
        return f"Metrics({super().__repr__()})"


class Html(str):
    """A page of HTML to show to a reader."""

    __slots__ = ()


class Markdown(str):
    """A text in Markdown to show to a reader."""

    __slots__ = ()


def _number(name: str, value: SupportsFloat) -> float:
    if not isinstance(name, str):
        raise TypeError(f"a metric's name is a string, not {name!r}")
    if isinstance(value, str | bytes):
        raise TypeError(f"metric {name!r} is text, not a number: {value!r}")
    try:
        return float(value)
    except (TypeError, ValueError) as problem:
        raise TypeError(f"metric {name!r} is not a number: {value!r}") from problem
