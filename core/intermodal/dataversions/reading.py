"""Files that others wrote as what a task's annotation asks for, by their suffix."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from intermodal.artifacts.serialisers import DEFAULT, CannotRead
from intermodal.artifacts.serialisers.plain import read_json
from intermodal.artifacts.serialisers.protocol import TypeName, names_of, plain_type
from intermodal.findings import FindingsError, error

OWN_JSON = ("json", "typed-json")
"""Formats of ours that look like the JSON of others."""

PARQUET = (".parquet", ".pq")
PACKED = (".gz", ".bz2", ".xz", ".zst")


def load_data(path: Path, hint: Any, what: str) -> tuple[Any, bool]:
    """What a file or folder is as a value of an annotation.

    Args:
        path: Of the data.
        hint: The annotation; without one it stays a path.
        what: Names the input in findings.

    Returns:
        The value, and whether it is JSON that its annotation has yet to read.

    Raises:
        FindingsError: PORT557, it cannot be read as that.
    """
    wanted = plain_type(hint) if hint not in (None, Any, object) else Path
    if wanted is None:
        raise _unreadable(path, what, "its annotation names no single class")
    if issubclass(wanted, Path):
        return path, False
    if wanted is str:
        return str(path), False
    try:
        if wanted is bytes:
            return path.read_bytes(), False
        reader = _reader(path, hint)
        if reader is not None:
            return reader(path), False
        if path.suffix.lower() == ".json":
            return read_json(path), True
        if path.suffix.lower() in (".jsonl", ".ndjson") and wanted is list:
            return [json.loads(line) for line in path.read_text("utf-8").splitlines()], True
    except CannotRead as problem:
        raise _unreadable(path, what, problem.why) from problem
    except ImportError as problem:
        why = f"the package `{problem.name}` is missing" if problem.name else str(problem)
        raise _unreadable(path, what, why) from problem
    except Exception as problem:  # each format's library raises its own
        raise _unreadable(path, what, f"{type(problem).__name__}: {problem}") from problem
    shown = f"no reader makes a `{wanted.__qualname__}` of `{_suffix(path) or 'such a file'}`"
    raise _unreadable(path, what, shown)


def _reader(path: Path, hint: Any) -> Callable[[Path], Any] | None:
    """What reads files of this suffix as values of this annotation."""
    suffix = _suffix(path)
    for name in names_of(hint):
        if suffix in TABLES.get(name, {}):
            return TABLES[name][suffix]
    for serialiser in DEFAULT:
        extension = serialiser.extension
        same = suffix in PARQUET if extension == ".parquet" else suffix == extension
        if extension and same and serialiser.name not in OWN_JSON and serialiser.handles(hint):
            return lambda file: serialiser.read(file, hint)
    return None


def _suffix(path: Path) -> str:
    """The suffix that tells the format, without that of packing."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in PACKED:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def _pandas(function: str, **options: Any) -> Callable[[Path], Any]:
    def read(path: Path) -> Any:
        import pandas as pd

        return getattr(pd, function)(path, **options)

    return read


def _polars(function: str, **options: Any) -> Callable[[Path], Any]:
    def read(path: Path) -> Any:
        import polars as pl

        return getattr(pl, function)(path, **options)

    return read


def _arrow_csv(path: Path) -> Any:
    from pyarrow import csv

    return csv.read_csv(path)


TABLES: Mapping[TypeName, Mapping[str, Callable[[Path], Any]]] = {
    TypeName("pandas", "DataFrame"): {
        ".csv": _pandas("read_csv"),
        ".tsv": _pandas("read_csv", sep="\t"),
        ".json": _pandas("read_json"),
        ".jsonl": _pandas("read_json", lines=True),
        ".ndjson": _pandas("read_json", lines=True),
        ".feather": _pandas("read_feather"),
    },
    TypeName("polars", "DataFrame"): {
        ".csv": _polars("read_csv"),
        ".tsv": _polars("read_csv", separator="\t"),
        ".json": _polars("read_json"),
        ".jsonl": _polars("read_ndjson"),
        ".ndjson": _polars("read_ndjson"),
        ".feather": _polars("read_ipc"),
    },
    TypeName("pyarrow", "Table"): {".csv": _arrow_csv},
}
"""What our own serialisers do not write, and others do."""


def _unreadable(path: Path, what: str, why: str) -> FindingsError:
    return FindingsError(
        [
            error(
                "PORT557",
                f"{what} cannot be read from `{path.name}`",
                why=why,
                next="annotate it as `Path`, and read it in the task",
            )
        ]
    )
