"""Where bytes are kept: the few operations the store needs, and a folder on this machine."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from intermodal.findings import Finding, FindingsError, error

MARKER = "artifact.json"
"""The sidecar, written last: a version without it does not exist."""

TOMBSTONE = "pruned.json"
"""What is left of a version whose content was removed; beside a marker it means nothing."""

Pattern = Sequence[str | None]
"""The six segments of a key's path; None stands for any."""


class Storage(Protocol):
    """Bytes under one root. Paths are relative, with `/` between their parts.

    Every method raises `FindingsError` with PORT404 when the storage cannot be reached, and
    `FileNotFoundError` when it can and the path is not there. `in_place` says that content can be
    opened where it is.
    """

    root_uri: str
    in_place: bool

    def content_name(self, extension: str, sha256: str) -> str:
        """The name of a version's content in its folder."""

    def staging(self) -> Path:
        """A new local folder in which a version is put together."""

    def publish(self, staged: Path, path: str) -> bool:
        """Make a staged folder the version at `path`; False if there is one already."""

    def local_copy(self, path: str, folder: Path) -> Path:
        """A file or tree as a local path: itself, or a copy made in `folder`."""

    def read(self, path: str) -> bytes:
        """The bytes of a small file."""

    def replace(self, path: str, content: bytes) -> None:
        """Write a small file; readers see the old or the new content, nothing between."""

    def create(self, path: str, content: bytes) -> bool:
        """Write a small file unless it is there; False if it is."""

    def names(self, path: str) -> list[str]:
        """The names in a folder, sorted; none if there is no folder."""

    def markers(self, pattern: Pattern, names: Sequence[str] = (MARKER,)) -> Iterator[str]:
        """The paths of the markers, or of other files, of all versions whose key's path fits."""

    def files(self) -> Iterator[str]:
        """The paths of all files, but for those of names at the root that start with a dot."""

    def read_all(self, paths: Sequence[str]) -> list[bytes | None]:
        """The bytes of many small files; None for one that is gone."""

    def delete(self, path: str) -> None:
        """Remove a file or a tree; one that is not there is no error."""


def open_storage(root: str | Path, options: Mapping[str, Any]) -> Storage:
    """The storage at a path or URI; nothing is read or written yet.

    Raises:
        FindingsError: PORT404, the URI is unusable or its filesystem package is missing.
    """
    text = str(root)
    if text.startswith(("file://", "local://")):
        return LocalStorage(Path(text.split("://", 1)[1]))
    if isinstance(root, Path) or "://" not in text:
        return LocalStorage(Path(text))
    if urlsplit(text).password:
        raise FindingsError([_password_in_uri(text)])
    from intermodal.artifacts.remote import RemoteStorage

    return RemoteStorage(text, options)


class LocalStorage:
    """A folder on this machine. A version appears by one rename of its whole folder.

    Content is not flushed to the disk (`fsync`) before the rename: after a power cut the newest
    versions may be cut short, which their hashes then show.
    """

    in_place = True

    def __init__(self, root: Path) -> None:
        self.root = Path(os.path.normpath(root.expanduser().absolute()))
        self.root_uri = "file://" + self.root.as_posix()

    def content_name(self, extension: str, sha256: str) -> str:
        """Always the same name: the rename of the folder decides between two writers."""
        return f"content{extension}"

    def staging(self) -> Path:
        """A folder beside the versions, so that the rename stays within one filesystem."""
        with storage_errors(self.root_uri):
            place = self.root / ".tmp"
            place.mkdir(parents=True, exist_ok=True)
            staged = place / uuid.uuid4().hex
            staged.mkdir()
            return staged

    def publish(self, staged: Path, path: str) -> bool:
        """One rename: it fails if the folder exists and holds anything."""
        place = self.root / path
        with storage_errors(self.root_uri):
            place.parent.mkdir(parents=True, exist_ok=True)
            _make_read_only(staged)
            while not _renamed(staged, place):
                if (place / MARKER).exists():
                    return False
                # A folder without its marker was not made by a rename of ours and is no version.
                _move_away(place, staged.parent)
        return True

    def local_copy(self, path: str, folder: Path) -> Path:
        """The file or folder itself."""
        place = self.root / path
        if not place.exists():
            raise FileNotFoundError(place)
        return place

    def read(self, path: str) -> bytes:
        """The bytes of a file."""
        with storage_errors(self.root_uri):
            return (self.root / path).read_bytes()

    def replace(self, path: str, content: bytes) -> None:
        """Write elsewhere, then rename."""
        with storage_errors(self.root_uri):
            temporary = self._temporary(path, content)
            temporary.replace(self.root / path)

    def create(self, path: str, content: bytes) -> bool:
        """Write elsewhere, then link: the name appears together with its content, or not at all."""
        place = self.root / path
        with storage_errors(self.root_uri):
            if place.exists():
                return False
            temporary = self._temporary(path, content)
            try:
                return _linked(temporary, place, content)
            finally:
                temporary.unlink()

    def names(self, path: str) -> list[str]:
        """The names in a folder."""
        with storage_errors(self.root_uri):
            return sorted(_entries(self.root / path))

    def markers(self, pattern: Pattern, names: Sequence[str] = (MARKER,)) -> Iterator[str]:
        """Walk down level by level, listing only where the name is open."""
        places = [""]
        with storage_errors(self.root_uri):
            for wanted in pattern:
                places = [
                    f"{place}{name}/"
                    for place in places
                    for name in ([wanted] if wanted else sorted(_entries(self.root / place)))
                    if not name.startswith(".")
                ]
            root = str(self.root)
            for place in places:
                for name in names:
                    if os.path.isfile(f"{root}/{place}{name}"):  # noqa: PTH113 - half the time
                        yield place + name

    def files(self) -> Iterator[str]:
        """Walk the whole folder."""
        root = str(self.root)
        with storage_errors(self.root_uri):
            for parent, folders, names in os.walk(root):
                if parent == root:
                    folders[:] = [name for name in folders if not name.startswith(".")]
                place = parent[len(root) + 1 :].replace(os.sep, "/")
                yield from (f"{place}/{name}" if place else name for name in names)

    def read_all(self, paths: Sequence[str]) -> list[bytes | None]:
        """The bytes of each file, one after the other."""
        with storage_errors(self.root_uri):
            return [_bytes_or_none(f"{self.root}/{path}") for path in paths]

    def delete(self, path: str) -> None:
        """Remove a file or a tree."""
        place = self.root / path
        with storage_errors(self.root_uri), suppress(FileNotFoundError):
            if place.is_dir() and not place.is_symlink():
                shutil.rmtree(place)
            else:
                place.unlink()

    def _temporary(self, path: str, content: bytes) -> Path:
        """A file that holds the content, on the filesystem of `path`, whose folder is made."""
        for folder in ((self.root / path).parent, self.root / ".tmp"):
            folder.mkdir(parents=True, exist_ok=True)
        temporary = self.root / ".tmp" / uuid.uuid4().hex
        temporary.write_bytes(content)
        return temporary


@contextmanager
def storage_errors(root_uri: str) -> Iterator[None]:
    """Turn what an unusable storage raises into PORT404; a file that is not there stays itself."""
    try:
        yield
    except (FindingsError, FileNotFoundError):
        raise
    except OSError as problem:
        raise FindingsError([unusable(root_uri, problem)]) from problem


def unusable(root_uri: str, problem: Exception) -> Finding:
    """The finding for a storage that refuses to work."""
    return error(
        "PORT404",
        f"the artifact store at `{root_uri}` cannot be used",
        why=f"{type(problem).__name__}: {problem}",
        next="check the store's address, its permissions and the credentials of this machine",
    )


def _password_in_uri(text: str) -> Finding:
    parts = urlsplit(text)
    return error(
        "PORT404",
        f"the artifact store's address at `{parts.scheme}://…{parts.hostname}` holds a password",
        why="the address is written into every artifact's record and into logs",
        next="give credentials as options of the store, or through the environment",
    )


def _renamed(staged: Path, place: Path) -> bool:
    try:
        staged.rename(place)
    except OSError as problem:
        if problem.errno in {errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR}:
            return False
        raise
    return True


def _move_away(place: Path, elsewhere: Path) -> None:
    with suppress(FileNotFoundError):  # another writer was faster
        place.rename(elsewhere / uuid.uuid4().hex)


def _linked(temporary: Path, place: Path, content: bytes) -> bool:
    try:
        os.link(temporary, place)
    except FileExistsError:
        return False
    except OSError as problem:
        if problem.errno not in {errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.ENOSYS}:
            raise
        return _created(place, content)  # a filesystem without links
    return True


def _created(place: Path, content: bytes) -> bool:
    try:
        with place.open("xb") as stream:
            stream.write(content)
    except FileExistsError:
        return False
    return True


def _bytes_or_none(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - as many as a store has versions
            return file.read()
    except FileNotFoundError:
        return None


def _entries(folder: Path) -> list[str]:
    try:
        return [entry.name for entry in os.scandir(folder)]
    except (FileNotFoundError, NotADirectoryError):
        return []


def _make_read_only(staged: Path) -> None:
    """A task that edits what it was handed should fail there, not as a wrong hash elsewhere."""
    for parent, _, names in os.walk(staged):
        for name in names:
            path = Path(parent, name)
            path.chmod(stat.S_IMODE(path.stat().st_mode) & ~0o222)
