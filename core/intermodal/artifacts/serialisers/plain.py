"""Text, bytes and JSON values, as files anyone can open."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from intermodal.artifacts.kinds import Html, Markdown, Metrics
from intermodal.artifacts.serialisers.protocol import (
    CannotRead,
    CannotSerialise,
    names_of,
    plain_type,
)
from intermodal.artifacts.serialisers.tagged import HELD, NUMPY_NUMBERS, from_plain, to_plain


class TextSerialiser:
    """A str, or one of its kinds, as UTF-8 with its line ends untouched."""

    def __init__(self, name: str, extension: str, kind: str, made_of: type[str]) -> None:
        self.name = name
        self.extension = extension
        self.kind = kind
        self._type = made_of

    def handles(self, value_or_type: object) -> bool:
        """Exactly its own type of text: other subclasses would come back as something else."""
        return plain_type(value_or_type) is self._type

    def write(self, value: Any, path: Path) -> None:
        """Write the text; lone surrogates are kept."""
        path.write_bytes(str.encode(value, "utf-8", "surrogatepass"))

    def read(self, path: Path, type_hint: Any) -> Any:
        """The text as the type it was."""
        return self._type(path.read_bytes().decode("utf-8", "surrogatepass"))


class BytesSerialiser:
    """Bytes as they are."""

    name = "bytes"
    extension = ".bin"
    kind = "Artifact"

    def handles(self, value_or_type: object) -> bool:
        """Bytes, nothing derived from them."""
        return plain_type(value_or_type) is bytes

    def write(self, value: Any, path: Path) -> None:
        """Write them."""
        path.write_bytes(value)

    def read(self, path: Path, type_hint: Any) -> Any:
        """Read them."""
        return path.read_bytes()


class JsonSerialiser:
    """JSON values, and the small standard types that `tagged` knows, in canonical JSON."""

    name = "json"
    extension = ".json"
    kind = "Artifact"

    def handles(self, value_or_type: object) -> bool:
        """A type that JSON or a tag can hold; what is inside is seen when writing."""
        if plain_type(value_or_type) in HELD:
            return True
        return any(name in NUMPY_NUMBERS for name in names_of(value_or_type))

    def write(self, value: Any, path: Path) -> None:
        """Write one line of canonical JSON."""
        plain = to_plain(value)
        try:
            path.write_bytes(canonical_json(plain))
        except (ValueError, RecursionError) as problem:  # nested too deeply, or a huge integer
            raise CannotSerialise(f"JSON cannot hold it: {problem}") from problem

    def read(self, path: Path, type_hint: Any) -> Any:
        """Read the value."""
        return from_plain(read_json(path))


class MetricsSerialiser:
    """Named numbers as a JSON object."""

    name = "metrics"
    extension = ".json"
    kind = "Metrics"

    def handles(self, value_or_type: object) -> bool:
        """`Metrics`."""
        return plain_type(value_or_type) is Metrics

    def write(self, value: Any, path: Path) -> None:
        """Write the numbers; one that was put in later is checked here."""
        try:
            checked = Metrics(value)
        except TypeError as problem:
            raise CannotSerialise(str(problem)) from problem
        path.write_bytes(canonical_json(to_plain(dict(checked))))

    def read(self, path: Path, type_hint: Any) -> Any:
        """Read the numbers."""
        return Metrics(from_plain(read_json(path)))


def canonical_json(value: Any) -> bytes:
    """A JSON value as UTF-8 with sorted keys, no spaces, and a line end.

    Raises:
        ValueError: A number is not finite, or the value holds itself.
    """
    text = json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return (text + "\n").encode("utf-8", "surrogatepass")


def read_json(path: Path) -> Any:
    """The JSON value in a file.

    Raises:
        CannotRead: It holds something else.
    """
    try:
        return json.loads(path.read_bytes().decode("utf-8", "surrogatepass"))
    except ValueError as problem:
        raise CannotRead(f"the content is not JSON: {problem}") from problem


SERIALISERS = (
    TextSerialiser("html", ".html", "Html", Html),
    TextSerialiser("markdown", ".md", "Markdown", Markdown),
    MetricsSerialiser(),
    TextSerialiser("text", ".txt", "Artifact", str),
    BytesSerialiser(),
    JsonSerialiser(),
)
