"""Tables of pandas, polars and pyarrow as Parquet files, any of them readable as any other.

What Parquet itself does not keep is lost: lists in cells come back as arrays, an index forgets its
frequency. The bytes depend on the versions of the writing libraries, and on nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from intermodal.artifacts.serialisers.protocol import CannotSerialise, TypeName, name_of

_SERIES_COLUMN = "values"
_SERIES_MARK = "intermodal.series"


class ParquetSerialiser:
    """One library's table type. A subclass of it may hold more than a table, and is not taken."""

    name = "parquet"
    extension = ".parquet"
    kind = "Dataset"

    def __init__(
        self,
        type_name: TypeName,
        write: Callable[[Any, Path], None],
        read: Callable[[Path], Any],
    ) -> None:
        self.type_name = type_name
        self._write = write
        self._read = read

    def handles(self, value_or_type: object) -> bool:
        """Exactly its own type."""
        return name_of(value_or_type) == self.type_name

    def write(self, value: Any, path: Path) -> None:
        """Write one Parquet file with its library's own metadata, the index included."""
        try:
            self._write(value, path)
        except ImportError:
            raise
        except Exception as problem:
            if not _says_unfit(problem):
                raise
            raise CannotSerialise(f"Parquet cannot hold it: {problem}") from problem

    def read(self, path: Path, type_hint: Any) -> Any:
        """Read it as this library's table."""
        return self._read(path)


def _says_unfit(problem: Exception) -> bool:
    """Whether an exception is how one of the libraries refuses a value."""
    if isinstance(problem, OSError):
        return False
    unfit = (TypeError, ValueError, NotImplementedError, KeyError, OverflowError)
    return isinstance(problem, unfit) or type(problem).__module__.startswith(("polars", "pyarrow"))


def _write_frame(value: Any, path: Path) -> None:
    value.to_parquet(path, engine="pyarrow")


def _read_frame(path: Path) -> Any:
    import pandas as pd

    return pd.read_parquet(path, engine="pyarrow")


def _write_series(value: Any, path: Path) -> None:
    """A frame of one column; what the frame cannot say of the series' name goes to its attributes."""
    if not isinstance(value.name, str | None):
        raise TypeError(f"a series' name must be text, not {value.name!r}")
    frame = value.to_frame(_SERIES_COLUMN)
    frame.attrs = {**value.attrs, _SERIES_MARK: value.name}
    _write_frame(frame, path)


def _read_series(path: Path) -> Any:
    frame = _read_frame(path)
    series = frame.iloc[:, 0]
    if _SERIES_MARK in frame.attrs:
        series = series.rename(frame.attrs[_SERIES_MARK])
    series.attrs = {key: value for key, value in frame.attrs.items() if key != _SERIES_MARK}
    return series


def _write_polars(value: Any, path: Path) -> None:
    value.write_parquet(path)


def _read_polars(path: Path) -> Any:
    import polars as pl

    return pl.read_parquet(path)


def _write_lazy(value: Any, path: Path) -> None:
    _write_polars(value.collect(), path)


def _read_lazy(path: Path) -> Any:
    return _read_polars(path).lazy()


def _write_arrow(value: Any, path: Path) -> None:
    from pyarrow import parquet

    parquet.write_table(value, path)


def _read_arrow(path: Path) -> Any:
    from pyarrow import parquet

    return parquet.read_table(path, partitioning=None)


SERIALISERS = (
    ParquetSerialiser(TypeName("pandas", "DataFrame"), _write_frame, _read_frame),
    ParquetSerialiser(TypeName("pandas", "Series"), _write_series, _read_series),
    ParquetSerialiser(TypeName("polars", "DataFrame"), _write_polars, _read_polars),
    ParquetSerialiser(TypeName("polars", "LazyFrame"), _write_lazy, _read_lazy),
    ParquetSerialiser(TypeName("pyarrow", "Table"), _write_arrow, _read_arrow),
)
