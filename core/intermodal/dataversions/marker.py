"""The JSON value that stands for a version of data until a task takes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

MARK = "$data"
FIELDS = frozenset({"uri", "version", "digest", "remote"})


class Wanted(NamedTuple):
    """A version of data, as `ir.DataVersion` names it; what is not said is empty."""

    uri: str
    version: str = ""
    digest: str = ""
    remote: str = ""

    @property
    def algorithm(self) -> str:
        """Of the digest: `sha256`, `md5`, `md5-dos2unix`."""
        return self.digest.partition(":")[0]

    @property
    def hash(self) -> str:
        """The digest in hexadecimal; of a folder in DVC it ends with `.dir`."""
        return self.digest.partition(":")[2]

    @property
    def address(self) -> str:
        """The URI with its version, for people and for lineage."""
        if self.version:
            return f"{self.uri}?versionId={self.version}"
        return f"{self.uri}#{self.digest}" if self.algorithm.startswith("md5") else self.uri


def marker_of(wanted: Wanted) -> dict[str, Any]:
    """The JSON value that stands for it."""
    return {MARK: wanted._asdict()}


def is_data(value: Any) -> bool:
    """Whether a JSON value stands for a version of data, rather than being a user's own."""
    if not (isinstance(value, Mapping) and len(value) == 1 and MARK in value):
        return False
    inner = value[MARK]
    return (
        isinstance(inner, Mapping)
        and set(inner) == FIELDS
        and all(isinstance(part, str) for part in inner.values())
    )


def wanted_of(marker: Mapping[str, Any]) -> Wanted:
    """The version of data that a marker stands for."""
    return Wanted(**marker[MARK])


def holds_data(value: Any) -> bool:
    """Whether a JSON value is a marker, or has one inside."""
    if isinstance(value, Mapping):
        return is_data(value) or any(holds_data(part) for part in value.values())
    return isinstance(value, list) and any(holds_data(part) for part in value)


def replaced(value: Any, instead: Callable[[Wanted], Any]) -> Any:
    """The JSON value with something else in place of each marker in it."""
    if is_data(value):
        return instead(wanted_of(value))
    if isinstance(value, Mapping):
        return {key: replaced(part, instead) for key, part in value.items()}
    return [replaced(part, instead) for part in value] if isinstance(value, list) else value


def content_key(wanted: Wanted) -> dict[str, Any]:
    """What tells its content from others, for caches: the hash where there is one, else the place."""
    name = wanted.uri.rstrip("/").rpartition("/")[2]
    known = {"digest": wanted.digest, "name": name} if wanted.digest else wanted._asdict()
    return {MARK: known}
