"""What a serialiser is, and how types are recognised without importing their libraries."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, NamedTuple, Protocol, Union, get_args, get_origin

_TYPING = {"typing", "types", "typing_extensions"}
"""Modules whose objects are annotations, when they are not classes."""


class Serialiser(Protocol):
    """Writes values of some types to one file or folder, and reads them back.

    The same value should give the same bytes: content hashes are compared between engines.

    A serialiser may have more than the protocol asks for: `unsafe = True` if its files run code
    when they are read (using it warns the user), `extension_of(value) -> str` if the extension
    depends on the value, `describe(value) -> dict` for JSON metadata of the reference, and
    `type_name` where several serialisers share a format and each is for one class.

    Attributes:
        name: Of the format, stored with the artifact.
        extension: Of the file, with its dot; may be empty.
        kind: The artifact kind of what it stores.
    """

    name: str
    extension: str
    kind: str

    def handles(self, value_or_type: object) -> bool:
        """Whether this is a value, or a type, that it takes; imports nothing to find out."""

    def write(self, value: Any, path: Path) -> None:
        """Write a file, or a folder, at a path that does not exist.

        Raises:
            CannotSerialise: This very value does not fit; the next serialiser is asked.
        """

    def read(self, path: Path, type_hint: Any) -> Any:
        """Read what `write` wrote; the hint is what the reader wants, None if it does not say.

        Raises:
            CannotRead: The content cannot become a value here.
        """


class CannotSerialise(Exception):  # noqa: N818 - it is a refusal, the next serialiser is asked
    """A serialiser's reason why it cannot hold a value of a type it handles."""


class CannotRead(Exception):  # noqa: N818 - the store turns it into a finding
    """Why whole content cannot become a value in this process, and what to do about it."""

    def __init__(self, why: str, next_step: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.next_step = next_step


class TypeName(NamedTuple):
    """A class by its top-level package and its qualified name.

    Libraries move classes between their private modules; these two stay the same.
    """

    package: str
    qualname: str


def plain_type(value_or_type: object) -> type | None:
    """The class behind a value or an annotation; None if there is no single one.

    `Annotated[X, ...]`, `X | None` and `X[...]` stand for X.
    """
    origin, arguments = get_origin(value_or_type), get_args(value_or_type)
    if origin is Annotated:
        return plain_type(arguments[0])
    if origin in {Union, UnionType}:
        options = [option for option in arguments if option is not type(None)]
        return plain_type(options[0]) if len(options) == 1 else None
    found = value_or_type if origin is None else origin
    if isinstance(found, type):
        return found
    return None if type(found).__module__ in _TYPING else type(found)


def names_of(value_or_type: object) -> Iterator[TypeName]:
    """The names of a value's or type's class, then of its bases, nearest first."""
    found = plain_type(value_or_type)
    for base in found.__mro__ if found else ():
        yield TypeName(base.__module__.partition(".")[0], base.__qualname__)


def name_of(value_or_type: object) -> TypeName | None:
    """The name of a value's or type's own class."""
    return next(names_of(value_or_type), None)
