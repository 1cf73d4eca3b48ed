"""Bytes in any filesystem that fsspec knows, object stores first of all."""

from __future__ import annotations

import inspect
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from intermodal.artifacts.folders import safe_relative_path
from intermodal.artifacts.storage import MARKER, Pattern, unusable
from intermodal.findings import FindingsError, error

FLAT = frozenset({"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "oss", "r2"})
"""Protocols of object stores, which have buckets with objects in them and no folders."""
AT_ONCE = 16  # objects that are read at the same time
AZURE = frozenset({"az", "abfs", "abfss"})


class RemoteStorage:
    """A prefix in a filesystem of fsspec.

    Object stores cannot rename a folder, so the content's name carries its hash and two writers
    never touch each other's bytes; creating the marker decides whose version it is, and the
    other's content stays behind, unseen. Where the filesystem has no exclusive creation, the check
    and the write are two steps.
    """

    in_place = False

    def __init__(self, root: str, options: Mapping[str, Any]) -> None:
        self.root_uri = root.rstrip("/")
        self._fs, self._root = _connect(self.root_uri, options)

    def content_name(self, extension: str, sha256: str) -> str:
        """A name that no other content has."""
        return f"content-{sha256[:16]}{extension}"

    def staging(self) -> Path:
        """A temporary folder of this machine."""
        return Path(tempfile.mkdtemp(prefix="intermodal-"))

    def publish(self, staged: Path, path: str) -> bool:
        """Upload the content, then create the marker."""
        if self._exists(f"{path}/{MARKER}"):
            return False
        for local in sorted(staged.rglob("*")):
            name = local.relative_to(staged).as_posix()
            if name == MARKER or local.is_dir():
                continue
            self.put_file(local, f"{path}/{name}")
        return self.create(f"{path}/{MARKER}", (staged / MARKER).read_bytes())

    def put_file(self, local: Path, path: str) -> None:
        """Upload a file."""
        with self._writing():
            self._make_parent(path)
            self._fs.put_file(str(local), self._full(path))

    def local_copy(self, path: str, folder: Path) -> Path:
        """Download a file or a tree into `folder`."""
        self._fs.invalidate_cache()
        target = folder / path.rsplit("/", 1)[-1]
        with self._errors():
            if not self._fs.isdir(self._full(path)):
                self._fs.get_file(self._full(path), str(target))
                return target
            target.mkdir()
            for found in self._fs.find(self._full(path)):
                relative = safe_relative_path(found[len(self._full(path)) :].lstrip("/"))
                place = target / relative
                place.parent.mkdir(parents=True, exist_ok=True)
                self._fs.get_file(found, str(place))
        return target

    def read(self, path: str) -> bytes:
        """The bytes of one object."""
        with self._errors():
            return bytes(self._fs.cat_file(self._full(path)))

    def replace(self, path: str, content: bytes) -> None:
        """One put: object stores show the old object or the new one."""
        with self._writing():
            self._make_parent(path)
            self._fs.pipe_file(self._full(path), content)

    def create(self, path: str, content: bytes) -> bool:
        """A conditional put where the filesystem has one."""
        if self._exists(path):
            return False
        with self._writing():
            self._make_parent(path)
            try:
                self._fs.pipe_file(self._full(path), content, **self._create_mode())
            except FileExistsError:
                return False
        return True

    def names(self, path: str) -> list[str]:
        """The last parts of what is directly below a prefix."""
        self._fs.invalidate_cache()
        try:
            with self._errors():
                found = self._fs.ls(self._full(path), detail=False)
        except FileNotFoundError:
            return []
        return sorted(name.rstrip("/").rsplit("/", 1)[-1] for name in found)

    def markers(self, pattern: Pattern, names: Sequence[str] = (MARKER,)) -> Iterator[str]:
        """List everything below the longest fixed prefix and keep the markers that fit."""
        self._fs.invalidate_cache()
        fixed = [segment or "" for segment in pattern]
        start = "/".join(fixed[: fixed.index("")] if "" in fixed else fixed)
        with self._errors():
            found = self._fs.find(self._full(start)) if self._fs.exists(self._full(start)) else []
        for name in sorted(found):
            path = name[len(self._root) :].lstrip("/")
            if _fits(path.split("/"), pattern, names):
                yield path

    def files(self) -> Iterator[str]:
        """List everything."""
        self._fs.invalidate_cache()
        with self._errors():
            found = self._fs.find(self._root) if self._fs.exists(self._root) else []
        paths = (name[len(self._root) :].lstrip("/") for name in found)
        yield from (path for path in paths if not path.startswith("."))

    def read_all(self, paths: Sequence[str]) -> list[bytes | None]:
        """The bytes of each object; filesystems that can, fetch several at once."""
        self._fs.invalidate_cache()
        several = self._fs.async_impl and len(paths) > 1
        with self._errors(), ThreadPoolExecutor(AT_ONCE if several else 1) as pool:
            return list(pool.map(self._bytes_or_none, paths))

    def _bytes_or_none(self, path: str) -> bytes | None:
        try:
            return bytes(self._fs.cat_file(self._full(path)))
        except FileNotFoundError:
            return None

    def delete(self, path: str) -> None:
        """Remove an object, or everything below a prefix."""
        self._fs.invalidate_cache()
        with self._errors(), suppress(FileNotFoundError):
            self._fs.rm(self._full(path), recursive=True)

    def _full(self, path: str) -> str:
        return f"{self._root}/{path}".rstrip("/")

    def _exists(self, path: str) -> bool:
        self._fs.invalidate_cache()
        with self._errors():
            return bool(self._fs.exists(self._full(path)))

    def _make_parent(self, path: str) -> None:
        """Make the folder of a file; object stores have none, and would make a missing bucket instead."""
        if FLAT.isdisjoint(_protocols(self._fs)):
            self._fs.makedirs(self._full(path).rsplit("/", 1)[0], exist_ok=True)

    def _create_mode(self) -> dict[str, str]:
        """The keyword that asks for exclusive creation; some filesystems have none.

        That for Azure takes it without naming it.
        """
        method = getattr(self._fs, "_pipe_file", self._fs.pipe_file)
        named = "mode" in inspect.signature(method).parameters
        return {"mode": "create"} if named or not AZURE.isdisjoint(_protocols(self._fs)) else {}

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Where writing finds something missing, it is the bucket."""
        try:
            with self._errors():
                yield
        except FileNotFoundError as problem:
            raise FindingsError([unusable(self.root_uri, problem)]) from problem

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Each filesystem package raises its own exceptions: all but two mean PORT404."""
        try:
            yield
        except (FindingsError, FileNotFoundError, FileExistsError):
            raise
        except Exception as problem:
            raise FindingsError([unusable(self.root_uri, problem)]) from problem


def _protocols(filesystem: Any) -> set[str]:
    given = filesystem.protocol
    return {given} if isinstance(given, str) else set(given)


def _fits(parts: list[str], pattern: Pattern, names: Sequence[str]) -> bool:
    *segments, name = parts
    if name not in names or len(segments) != len(pattern):
        return False
    return all(
        not segment.startswith(".") and wanted in {None, segment}
        for segment, wanted in zip(segments, pattern, strict=True)
    )


def _connect(root_uri: str, options: Mapping[str, Any]) -> tuple[Any, str]:
    """The filesystem of a URI, and the root's path in it."""
    import fsspec

    try:
        filesystem, path = fsspec.core.url_to_fs(root_uri, **options)
    except ImportError as problem:
        scheme = root_uri.split("://", 1)[0]
        raise FindingsError(
            [
                error(
                    "PORT404",
                    f"the package that opens `{scheme}://` stores is not installed",
                    why=str(problem),
                    next="install Intermodal with the extra of that cloud, such as "
                    "`pip install 'intermodal[s3]'`",
                )
            ]
        ) from problem
    except Exception as problem:  # each filesystem package raises its own
        raise FindingsError([unusable(root_uri, problem)]) from problem
    return filesystem, path.rstrip("/")
