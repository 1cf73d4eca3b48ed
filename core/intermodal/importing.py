"""What an importer of another system's files is to the command line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from pathlib import Path
from typing import Any, Protocol

from intermodal.findings import Finding
from intermodal.frozen import Frozen


class ImportSettings(Frozen):
    """What a user tells an importer.

    Attributes:
        root: The folder below which a file's imports are followed.
        variables: Values that the other system would look up while it loads a file, by name.
        environment: Environment variables that the files may read, by name.
    """

    root: Path | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)


class ReadSource(Protocol):
    """One file as an importer read it."""

    @property
    def path(self) -> str:
        """The file, as shown to the user."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found on the way."""

    def to_data(self) -> dict[str, Any]:
        """As JSON data, in the importer's documented form."""

    def rows(self) -> list[Mapping[str, str | int]]:
        """A row for each pipeline, for a table on the terminal."""


class Importer(Protocol):
    """Reads files of another system; registered under `intermodal.importers`."""

    name: str

    def read(self, paths: Iterable[Path], settings: ImportSettings) -> Iterator[ReadSource]:
        """Read files and folders of files, one result each; no file stops the others."""
