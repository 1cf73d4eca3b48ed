"""Tables as users have them, in the form in which MLflow shows tables: JSON of columns and rows."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time
from typing import Any, NamedTuple

from intermodal.tracking.values import UnrecordableError, text_of

CELL_LIMIT = 5_000_000
"""Cells of a table that is logged; more is data, which belongs in a file or an artifact."""


class Table(NamedTuple):
    """Names of columns, and rows of as many JSON values."""

    columns: list[str]
    rows: list[list[Any]]

    def to_json(self) -> str:
        """The form of `pandas.DataFrame.to_json(orient="split", index=False)`."""
        whole = {"columns": self.columns, "data": self.rows}
        text = json.dumps(whole, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        return text.encode("utf-8", "replace").decode()  # halves of surrogate pairs

    def followed_by(self, other: Table) -> Table:
        """The rows of both; a column that only one of them has is empty in the other's rows."""
        if self.columns == other.columns:
            return Table(self.columns, self.rows + other.rows)
        columns = list(dict.fromkeys([*self.columns, *other.columns]))
        rows = [
            [found.get(name) for name in columns]
            for table in (self, other)
            for found in (dict(zip(table.columns, row, strict=True)) for row in table.rows)
        ]
        return Table(columns, rows)

    @classmethod
    def from_json(cls, text: str) -> Table:
        """Read what `to_json` gave."""
        whole = json.loads(text)
        return cls(whole["columns"], whole["data"])


def table_of(data: Any) -> Table:
    """The table that a frame, a mapping of columns or a list of rows is.

    Frames are those of pandas, polars and pyarrow. A row is a mapping; a mapping of single values is
    one row. What JSON cannot hold becomes text, and what is no number (NaN, infinity) becomes empty.

    Raises:
        UnrecordableError: It is none of these, or is too large.
    """
    columns = _columns(data)
    lengths = {len(values) for _, values in columns}
    if len(lengths) > 1:
        raise UnrecordableError("its columns are not of one length")
    if sum(len(values) for _, values in columns) > CELL_LIMIT:
        raise UnrecordableError(f"it has more than {CELL_LIMIT:,} cells; log a file instead")
    cells = [[cell(value) for value in values] for _, values in columns]
    return Table([name for name, _ in columns], [list(row) for row in zip(*cells, strict=True)])


def _columns(data: Any) -> list[tuple[str, Sequence[Any]]]:
    if isinstance(data, Mapping):
        return _of_mapping(data)
    if hasattr(data, "iloc") and hasattr(data, "columns"):  # pandas; its names may be there twice
        names = [text_of(name) for name in data.columns]
        return [(name, data.iloc[:, place].tolist()) for place, name in enumerate(names)]
    if hasattr(data, "to_pydict"):  # pyarrow
        return _of_mapping(data.to_pydict())
    if hasattr(data, "to_dict") and hasattr(data, "get_columns"):  # polars
        return _of_mapping(data.to_dict(as_series=False))
    if isinstance(data, Iterable) and not isinstance(data, str | bytes):
        return _of_rows(list(data))
    raise UnrecordableError(f"a {type(data).__name__} is no table")


def _of_mapping(data: Mapping[Any, Any]) -> list[tuple[str, Sequence[Any]]]:
    lists = {
        text_of(name): value.tolist() if hasattr(value, "tolist") else value
        for name, value in data.items()
    }
    if not any(isinstance(value, list | tuple | range) for value in lists.values()):
        return [(name, [value]) for name, value in lists.items()]
    wrong = [n for n, value in lists.items() if not isinstance(value, list | tuple | range)]
    if wrong:
        raise UnrecordableError(f"its column `{wrong[0][:100]}` is no list")
    return list(lists.items())


def _of_rows(rows: list[Any]) -> list[tuple[str, Sequence[Any]]]:
    if not all(isinstance(row, Mapping) for row in rows):
        raise UnrecordableError("its rows are not mappings")
    keys: dict[Any, None] = {}
    for row in rows:
        keys.update(dict.fromkeys(row))
    return [(text_of(key), [row.get(key) for row in rows]) for key in keys]


def cell(value: Any) -> Any:
    """The JSON value that stands in a table's cell."""
    if value is None or type(value) in (str, int, bool):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {_shown(key): cell(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [cell(item) for item in value]
    if isinstance(value, datetime | date | time):
        return None if value != value else value.isoformat()  # noqa: PLR0124 - NaT
    if type(value).__module__ == "numpy" and hasattr(value, "tolist"):
        plain = value.tolist()
        return cell(plain) if type(plain) is not type(value) else _shown(plain)
    return None if type(value).__name__ in ("NAType", "NaTType") else _shown(value)


def _shown(value: Any) -> str:
    try:
        return text_of(value)
    except UnrecordableError as problem:
        return f"[{problem}]"
