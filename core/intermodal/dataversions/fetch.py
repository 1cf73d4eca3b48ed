"""Fetching a version of data to this machine, and checking that it is what was pinned."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from intermodal.artifacts.hashing import hash_content
from intermodal.dataversions.checks import LOCAL, VERSIONED, data_findings, scheme_of
from intermodal.dataversions.digests import digest_of
from intermodal.dataversions.folders import copies_folder, data_folder
from intermodal.dataversions.marker import Wanted
from intermodal.findings import Finding, FindingsError, error

LISTS_LINKS = ("http", "https")
"""Schemes whose folders are pages that somebody wrote."""


class Fetched(NamedTuple):
    """Data on this machine: where it is, the SHA-256 of its content, and its address with its version."""

    path: Path
    sha256: str
    address: str


def fetch(wanted: Wanted) -> Fetched:
    """The data, where it is on this machine or after it was copied here; not to be written to.

    Raises:
        FindingsError: PORT555 it is not what was pinned, PORT556 it cannot be had; what else is wrong
            with the address, if nobody looked at it before.
    """
    if wrong := list(data_findings(wanted, None)):
        raise FindingsError(wrong)
    if scheme_of(wanted.uri) not in LOCAL:
        path = fetched_copy(wanted, lambda folder: _download(wanted, folder))
    elif wanted.algorithm == "sha256":
        path = local_path(wanted)
        if not path.exists():
            raise cannot(wanted, f"there is nothing at `{path}`")
        check(path, wanted)
    else:
        from intermodal.dataversions.fetch_dvc import fetch_dvc

        path = fetch_dvc(wanted)
    return Fetched(path, hash_content(path).sha256, wanted.address)


def local_path(wanted: Wanted) -> Path:
    """Where data with a path, or a `file://` URI, is."""
    plain = wanted.uri.partition("://")[2] if scheme_of(wanted.uri) else wanted.uri
    return data_folder() / Path(plain).expanduser()


def check(path: Path, wanted: Wanted) -> None:
    """Compare content with its digest, if one was pinned.

    Raises:
        FindingsError: PORT555, they differ.
    """
    if not wanted.digest:
        return
    found = digest_of(path, wanted.algorithm)
    if found != wanted.digest:
        raise FindingsError([not_the_same(wanted, f"it has {found}", wanted.digest)])


def fetched_copy(wanted: Wanted, get: Callable[[Path], Path]) -> Path:
    """The copy of this user's that was made before and is whole; else what `get` puts into a folder."""
    key = hashlib.sha256(json.dumps(wanted).encode()).hexdigest()[:32]
    place = copies_folder() / key
    for kept in sorted(place.glob("*/*")):
        if hash_content(kept).sha256 == kept.parent.name:
            return kept
    with _unwritable(wanted):
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place.parent, prefix=".") as folder:
            got = get(Path(folder))
            check(got, wanted)
            return _put(got, place)


def name_of(wanted: Wanted) -> str:
    """The file name that the data keeps, with the suffix that says how to read it."""
    path = urlsplit(wanted.uri).path if scheme_of(wanted.uri) in LISTS_LINKS else wanted.uri
    name = PurePosixPath(path.partition("://")[2] or path).name
    return "data" if name in {"", ".", ".."} else name


def get_files(uri: str, target: Path, options: dict[str, Any] | None = None) -> None:
    """Copy a file or folder from anything that fsspec opens."""
    from fsspec.core import url_to_fs

    filesystem, path = url_to_fs(uri, **(options or {}))
    filesystem.invalidate_cache()
    if scheme_of(uri) not in LISTS_LINKS and filesystem.isdir(path):
        filesystem.get(path.rstrip("/") + "/", f"{target.as_posix()}/", recursive=True)
    else:
        filesystem.get_file(path, target.as_posix())


def not_the_same(wanted: Wanted, found: str, pinned: str) -> Finding:
    """The finding for content that is not what was pinned; it names both hashes."""
    return error(
        "PORT555",
        f"`{wanted.uri}` is not the data that was pinned",
        why=f"{found}, and {pinned} was pinned",
        next="restore the data, or pin what is there now if that is meant",
    )


def cannot(wanted: Wanted, why: str, following: str = "") -> FindingsError:
    """What to raise for data that cannot be had."""
    usual = "check the address, and what this worker may read"
    if scheme_of(wanted.uri) in LOCAL:
        usual = "set INTERMODAL_DATA to the folder that holds it on the worker, or give a URI that all workers reach"
    what = f"`{wanted.address}` cannot be fetched"
    return FindingsError([error("PORT556", what, why=why, next=following or usual)])


def _download(wanted: Wanted, folder: Path) -> Path:
    target = folder / name_of(wanted)
    with reaching(wanted):
        if wanted.version:
            _download_version(wanted, target)
        else:
            get_files(wanted.uri, target)
    if not target.exists():
        raise cannot(wanted, "there is nothing")
    return target


def _download_version(wanted: Wanted, target: Path) -> None:
    """One version of an object, which the place confirms."""
    import fsspec

    assert scheme_of(wanted.uri) in VERSIONED, "others were refused"
    filesystem = fsspec.filesystem("s3", version_aware=True)
    path = wanted.uri.partition("://")[2]
    facts = filesystem.info(path, version_id=wanted.version, refresh=True)
    given = str(facts.get("VersionId"))
    if given != wanted.version:
        raise FindingsError([not_the_same(wanted, f"it has version {given}", wanted.version)])
    filesystem.get_file(path, target.as_posix(), version_id=wanted.version)
    if (size := target.stat().st_size) != facts["size"]:
        raise cannot(wanted, f"{size} of {facts['size']} bytes came")


@contextmanager
def reaching(wanted: Wanted) -> Iterator[None]:
    """Turn what a filesystem raises into PORT556."""
    try:
        yield
    except FindingsError:
        raise
    except ImportError as problem:
        following = f"install what opens `{scheme_of(wanted.uri)}://` on the worker: {problem}"
        raise cannot(wanted, "a package is missing", following) from problem
    except FileNotFoundError as problem:
        raise cannot(wanted, f"there is nothing: {problem}") from problem
    except Exception as problem:  # each filesystem raises its own
        raise cannot(wanted, f"{type(problem).__name__}: {problem}") from problem


@contextmanager
def _unwritable(wanted: Wanted) -> Iterator[None]:
    """Turn what a full or read-only disk raises into PORT556."""
    try:
        yield
    except OSError as problem:
        following = "set XDG_CACHE_HOME to a folder of the worker that can be written and has room"
        raise cannot(wanted, str(problem), following) from problem


def _put(got: Path, place: Path) -> Path:
    """Move content to its place by one rename, so that nobody opens half of it."""
    kept = place / hash_content(got).sha256 / got.name
    kept.parent.mkdir(parents=True, exist_ok=True)
    if kept.exists():
        if hash_content(kept).sha256 == kept.parent.name:
            return kept  # another process was faster
        shutil.move(kept, got.parent / "damaged")
    with suppress(FileExistsError):
        got.rename(kept)
    return kept
