"""Describing data that a task used: what names its content, where it is, its columns.

Nothing is copied or uploaded. Digests are of the whole content: data with another digest is other data.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from intermodal.tracking.records import Dataset, now
from intermodal.tracking.values import UnrecordableError

if TYPE_CHECKING:
    from intermodal.tracking.log import EventLog

KEPT_QUERY = ("versionId", "generation", "versionid")
"""Parts of a query that say which version of the data is meant; others may be signatures."""

SOURCES = {"s3": "s3", "s3a": "s3", "gs": "gs", "http": "http", "https": "http", "file": "local"}
COLUMN_LIMIT = 5_000
TYPES = (  # beginnings of the names of types, and what MLflow calls them
    ("bool", "boolean"), ("int64", "long"), ("uint32", "long"), ("uint64", "long"),
    ("int", "integer"), ("uint", "integer"), ("float32", "float"), ("float", "double"),
    ("double", "double"), ("datetime", "datetime"), ("date", "datetime"), ("timestamp", "datetime"),
    ("binary", "binary"), ("bytes", "binary"),
)  # fmt: skip


def describe(log: EventLog, dataset: Any, name: str | None, context: str) -> Dataset:
    """The record of data that is in memory, in a file, at an address, or in the artifact store.

    Raises:
        UnrecordableError: It is none of these.
    """
    uri = getattr(dataset, "uri", None) or log.uri_of(dataset)
    if isinstance(uri, str):
        digest = getattr(dataset, "sha256", None) or log.hashes.get(uri) or _hash(uri.encode())
        return _record(name or name_in(uri), str(digest), uri, context, dataset)
    if isinstance(dataset, str) and len(urlsplit(dataset).scheme) > 1:
        place = without_credentials(dataset)
        return _record(name or name_in(place), _hash(place.encode()), place, context, None)
    if isinstance(dataset, str | os.PathLike):
        path = Path(os.path.abspath(os.fspath(dataset)))  # noqa: PTH100 - links stay links
        return _record(name or path.name, _digest_of(path), path.as_uri(), context, None)
    digest = _content_digest(dataset)
    return _record(name or "dataset", digest, "", context, dataset)


def _record(name: str, digest: str, uri: str, context: str, value: Any) -> Dataset:
    place = without_credentials(uri)
    source_type = SOURCES.get(urlsplit(place).scheme, urlsplit(place).scheme) or "code"
    schema, profile = _shape(value)
    return Dataset(name, digest, source_type, place, schema, profile, context, now())


def without_credentials(uri: str) -> str:
    """The address without user, password and whatever a query holds but for the data's version."""
    parts = urlsplit(uri)
    if not parts.query and "@" not in parts.netloc and not parts.fragment:
        return uri
    query = urlencode([(k, v) for k, v in parse_qsl(parts.query) if k in KEPT_QUERY])
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, query, ""))


def name_in(uri: str) -> str:
    """The last part of an address, which is what people call what is there."""
    return unquote(urlsplit(uri).path).rstrip("/").rpartition("/")[2] or "dataset"


def _digest_of(path: Path) -> str:
    from intermodal.artifacts.hashing import hash_content

    if not path.exists():
        raise UnrecordableError("the file does not exist")
    return hash_content(path).sha256


def _content_digest(value: Any) -> str:
    """SHA-256 of data in memory, by its names, types and values."""
    package = type(value).__module__.partition(".")[0]
    if package == "pandas":
        return _pandas_digest(value)
    if package == "polars":
        value = value.collect() if hasattr(value, "collect") else value
        value = value.to_frame() if hasattr(value, "to_frame") else value
        return _hash(value.write_ipc(None).getbuffer())
    if package == "numpy" and hasattr(value, "tobytes"):
        if value.dtype.hasobject:
            raise UnrecordableError("an array of objects has no digest")
        return _hash(str((value.dtype.str, value.shape)).encode(), value.tobytes())
    if package == "pyarrow" and hasattr(value, "to_pandas"):
        return _pandas_digest(value.to_pandas())
    kind = type(value).__name__
    raise UnrecordableError(
        f"a {kind} is no data that is known here; pass a frame, an array, a path, an address, or what "
        "the task took or returns"
    )


def _pandas_digest(value: Any) -> str:
    from pandas import DataFrame
    from pandas.util import hash_pandas_object

    frame = value if isinstance(value, DataFrame) else value.to_frame()
    names = [[str(name), str(kind)] for name, kind in frame.dtypes.items()]
    parts: list[Any] = [json.dumps([names, len(frame)]).encode()]
    try:
        parts.append(hash_pandas_object(frame, index=True).to_numpy().tobytes())
    except TypeError:  # cells that cannot be hashed, such as lists
        parts.append(hash_pandas_object(frame.astype(str), index=True).to_numpy().tobytes())
    return _hash(*parts)


def _hash(*parts: Any) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()


def _shape(value: Any) -> tuple[str, str]:
    """Schema and profile as MLflow writes them; empty where a value has none."""
    columns = list(_columns(value))[:COLUMN_LIMIT]
    rows = _rows(value)
    schema = json.dumps({"mlflow_colspec": columns}) if columns else ""
    if rows is None:
        return schema, ""
    return schema, json.dumps({"num_rows": rows, "num_elements": rows * max(1, len(columns))})


def _columns(value: Any) -> Iterable[dict[str, Any]]:
    dtypes = getattr(value, "dtypes", None)
    names = getattr(value, "columns", None)
    if dtypes is None or names is None or not hasattr(dtypes, "__iter__"):
        return
    for name, kind in zip(list(names), list(dtypes), strict=False):
        yield {"type": _type_name(str(kind)), "name": str(name), "required": True}


def _type_name(kind: str) -> str:
    text = kind.lower()
    return next((name for start, name in TYPES if text.startswith(start)), "string")


def _rows(value: Any) -> int | None:
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple) and shape and isinstance(shape[0], int):
        return shape[0]
    return None
