"""The folder of the JSON-lines tracker: lines that are added once, small documents, copied files.

A folder of this machine is changed under a lock file, and lines are added by one write. An object store
has neither: a file is written anew as a whole, and exclusive creation decides where several begin.
"""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from intermodal.artifacts.keys import encode_segment
from intermodal.artifacts.storage import LocalStorage, Storage, open_storage
from intermodal.findings import FindingsError
from intermodal.tracking.locks import hold
from intermodal.tracking.tracker import TrackerError

LOCK_WAIT = 10.0  # seconds
LOCKS = ".locks"
TEMPORARY = ".tmp"


class Folder:
    """Files below one root, found by paths with `/`. Raises TrackerError if it cannot be used."""

    def __init__(self, root: str) -> None:
        """Nothing is read or written yet. Raises FindingsError for an unusable address."""
        self._storage: Storage = open_storage(root, {})
        self.root = self._storage.root_uri
        self._local = self._storage.root if isinstance(self._storage, LocalStorage) else None

    def shown(self, path: str) -> str:
        """Where a file is, for people: a plain path on this machine, else a URI."""
        return f"{self.root}/{path}" if self._local is None else str(self._local / path)

    def lock(self, name: str) -> AbstractContextManager[object]:
        """Keeps processes of this machine from changing what has that name at once."""
        if self._local is None:
            return nullcontext()
        return hold(self._local / LOCKS / name, LOCK_WAIT)

    def names(self, path: str) -> list[str]:
        """What lies directly in a folder, sorted; none if it is not there."""
        with _told():
            return [name for name in self._storage.names(path) if not name.startswith(".")]

    def document(self, path: str) -> dict[str, Any] | None:
        """A JSON object, or None if there is none."""
        content = self._read(path)
        try:
            value = json.loads(content) if content else None
        except ValueError as problem:
            raise TrackerError(f"`{self.shown(path)}` is not JSON: {problem}") from problem
        return value if isinstance(value, dict) else None

    def create(self, path: str, value: Mapping[str, Any]) -> bool:
        """Write a JSON object unless there is one; False if there is."""
        with _told():
            return self._storage.create(path, document(value))

    def replace(self, path: str, value: Mapping[str, Any]) -> None:
        """Write a JSON object in place of another one."""
        with _told():
            self._storage.replace(path, document(value))

    def lines(self, path: str, *kinds: str) -> Iterator[dict[str, Any]]:
        """The JSON objects of a file, one a line; torn lines and those of other kinds are left out."""
        starts = tuple(b'{"type":"%b"' % kind.encode() for kind in kinds) or b""
        for line in (self._read(path) or b"").splitlines():
            if not line.startswith(starts):
                continue
            try:
                value = json.loads(line)
            except ValueError:
                continue
            if isinstance(value, dict):
                yield value

    def add_lines(self, path: str, lines: Iterable[bytes]) -> None:
        """Add the lines that are not there yet: each as often as it is given here, no more."""
        before = self._read(path) or b""
        known = Counter(before.splitlines(keepends=True))
        new: list[bytes] = []
        given: Counter[bytes] = Counter()
        for line in lines:
            given[line] += 1
            if given[line] > known[line]:
                new.append(line)
        if not new:
            return
        torn = b"\n" if before and not before.endswith(b"\n") else b""
        self._append(path, before, torn + b"".join(new))

    def put(self, path: str, source: Path) -> None:
        """Copy a file, or all files of a folder, to that path."""
        if not source.is_dir():
            self._put_file(path, source)
            return
        for parent, _, names in os.walk(source):
            for name in names:
                file = Path(parent, name)
                inner = "/".join(plain_segment(p) for p in file.relative_to(source).parts)
                self._put_file(f"{path}/{inner}", file)

    def write_text(self, path: str, text: str) -> None:
        """Write a text file; what UTF-8 has no bytes for is replaced by `?`."""
        with _told():
            self._storage.replace(path, text.encode("utf-8", "replace"))

    def fetch(self, path: str, folder: Path) -> Path:
        """Copy a file or folder to a folder of this machine."""
        with _told():
            found = self._storage.local_copy(path, folder)
            target = folder / found.name
            if found == target:
                return found
            if found.is_dir():
                shutil.copytree(found, target)
            else:
                shutil.copy2(found, target)
            return target

    def _read(self, path: str) -> bytes | None:
        with _told():
            try:
                return self._storage.read(path)
            except FileNotFoundError:
                return None

    def _append(self, path: str, before: bytes, new: bytes) -> None:
        if self._local is None:
            with _told():
                self._storage.replace(path, before + new)
            return
        with _told():
            place = self._local / path
            place.parent.mkdir(parents=True, exist_ok=True)
            with place.open("ab", buffering=0) as file:
                if file.write(new) != len(new):
                    raise TrackerError(f"`{place}` could not be written in full")

    def _put_file(self, path: str, source: Path) -> None:
        with _told():
            if self._local is None:
                import fsspec

                filesystem, place = fsspec.core.url_to_fs(f"{self.root}/{path}")
                filesystem.makedirs(place.rsplit("/", 1)[0], exist_ok=True)
                filesystem.put_file(str(source), place)
                return
            temporary = self._local / TEMPORARY / uuid.uuid4().hex
            target = self._local / path
            for folder in (temporary.parent, target.parent):
                folder.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, temporary)
            temporary.replace(target)


def document(value: Mapping[str, Any]) -> bytes:
    """A JSON object as people read it."""
    return json.dumps(value, indent=2, default=str).encode() + b"\n"


def line(value: Mapping[str, Any]) -> bytes:
    """A JSON object as one line."""
    return json.dumps(value, separators=(",", ":"), default=str).encode() + b"\n"


def plain_segment(name: str) -> str:
    """A file's name as it is where every filesystem takes it, else percent-encoded."""
    is_plain = name.isprintable() and not name.startswith(".") and not set(name) & set('\\/:*?"<>|')
    return name if is_plain and len(name.encode()) <= 200 else encode_segment(name)


def plain_path(path: str) -> str:
    """A relative path, each of its parts as `plain_segment` gives it."""
    return "/".join(plain_segment(part) for part in path.split("/") if part not in ("", "."))


@contextmanager
def _told() -> Iterator[None]:
    """Each filesystem raises its own errors; a tracker raises one."""
    try:
        yield
    except FindingsError as problem:
        reason = problem.findings[0].why or problem.findings[0].what
        raise TrackerError(reason) from problem
    except FileNotFoundError:
        raise
    except OSError as problem:
        raise TrackerError(f"{type(problem).__name__}: {problem}") from problem
