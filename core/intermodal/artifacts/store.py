"""The artifact store: versions written once, verified when read, listed with their lineage."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from intermodal.artifacts import problems
from intermodal.artifacts.folders import copy_tree, safe_relative_path
from intermodal.artifacts.hashing import hash_content
from intermodal.artifacts.keys import encode_segment
from intermodal.artifacts.model import ArtifactKey, ArtifactRecord, ArtifactRef, LineageInput
from intermodal.artifacts.serialisers import (
    DEFAULT,
    Registry,
    Serialiser,
    fit_to_hint,
    type_string,
)
from intermodal.artifacts.storage import MARKER, TOMBSTONE, open_storage, storage_errors
from intermodal.artifacts.writing import Written, write_value
from intermodal.findings import Finding, FindingsError, Severity, error

KEY_DEPTH = 6
"""Segments of a key's path."""

CODE = ".code"
"""Where the texts of tasks' code are, by their hash."""


def utc_now() -> datetime:
    """The time that records carry."""
    return datetime.now(UTC)


class ArtifactStore:
    """Artifacts under one root: a folder of this machine, or anything fsspec opens.

    Layout: `<key.path>/content<ext>` (one file, or a folder `content/`) and `artifact.json`, whose
    presence makes the version visible. Object stores name the content `content-<hash><ext>`. Names
    at the root that start with a dot are the store's own; `put_json` and its kin may use them.

    Args:
        root: A path, or a URI without credentials in it.
        options: What the filesystem of the URI takes, credentials among them.
        cache: Where content of a remote store is kept to be opened as a path.
        serialisers: In place of the registry that `register` adds to.
        clock: Gives the creation times.

    Raises:
        FindingsError: PORT404, here or in any method, when the store cannot be used.
    """

    def __init__(
        self,
        root: str | Path,
        options: Mapping[str, Any] | None = None,
        *,
        cache: Path | None = None,
        serialisers: Registry = DEFAULT,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._storage = open_storage(root, options or {})
        self._cache = cache or _default_cache()
        self._serialisers = serialisers
        self._clock = clock

    @property
    def root(self) -> str:
        """The URI that every artifact's own begins with."""
        return self._storage.root_uri

    def save(  # noqa: PLR0913 - one argument for each thing a record says
        self,
        value: Any,
        key: ArtifactKey,
        *,
        kind: str = "Artifact",
        type_hint: Any = None,
        serialiser: Serialiser | str | None = None,
        inputs: Sequence[LineageInput] = (),
        code_hash: str = "",
        parameters: Mapping[str, Any] | None = None,
        target: str = "",
        link: str = "",
    ) -> tuple[ArtifactRef, list[Finding]]:
        """Store a value as a new version; storing the same content again gives the first reference.

        Args:
            value: What to store.
            key: Whose output it is.
            kind: As declared; `Artifact` takes the kind of what was found.
            type_hint: The annotation of the output.
            serialiser: One to use, or the name of its format, in place of the search by type.
            inputs: The artifacts it was made from.
            code_hash: Of the code that made it.
            parameters: JSON values it was made with, without secrets.
            target: What the pipeline runs on.
            link: Address of the run in the engine's user interface.

        Returns:
            The reference, and findings such as PORT403 when the value had to be pickled.

        Raises:
            FindingsError: PORT402 nothing can hold it, PORT405 the key has other content already,
                PORT406 or PORT409 files that cannot be stored.
        """
        value = _fitted(value, type_hint, key)
        staged = self._storage.staging()
        try:
            with storage_errors(self.root):  # the disk may be full, a user's file unreadable
                candidates = self._candidates(value, serialiser)
                written, findings = write_value(value, staged, candidates, key)
            record = ArtifactRecord(
                ref=self._new_ref(written, staged, key, kind),
                key=key,
                created_at=self._clock(),
                python_type=type_string(value),
                code_hash=code_hash,
                inputs=tuple(inputs),
                parameters=dict(parameters or {}),
                target=target,
                link=link,
            )
            self._write_marker(staged, record)
            if not self._storage.publish(staged, key.path):
                return self._same_as_before(record), findings
        finally:
            # After a rename there is nothing left; after a failure what is left is seen by nobody.
            shutil.rmtree(staged, ignore_errors=True)
        return record.ref, findings

    def load(self, ref: ArtifactRef, type_hint: Any = None) -> Any:
        """Read an artifact's value after its content was compared with its hash.

        The record in the store says how to read it, not the reference, which came from outside.

        Raises:
            FindingsError: PORT400 there is none, PORT401 it is not what was written, PORT408 it
                cannot become a value here.
        """
        record = self._matching_record(ref)
        if record.ref.kind in {"File", "Directory"} and record.ref.format in {"file", "directory"}:
            return self.open_path(ref)
        with self._verified(record) as path, problems.reading(ref):
            serialiser, wanted = self._serialisers.reader(
                record.ref.format, record.python_type, type_hint
            )
            return serialiser.read(path, wanted)

    def open_path(self, ref: ArtifactRef) -> Path:
        """A local path of an artifact's content, to be read only; remote content is downloaded once.

        Raises:
            FindingsError: PORT400 or PORT401, as `load`.
        """
        record = self._matching_record(ref)
        if self._storage.in_place:
            path = self._content(record, self._cache)
            problems.check_hash(path, record.ref)
            return path
        kept = self._cache / ref.sha256[:2] / ref.sha256 / Path(record.ref.uri).name
        if not kept.exists() or hash_content(kept).sha256 != ref.sha256:
            self._download(record, kept)
        return kept

    def fetch(self, ref: ArtifactRef, destination: Path) -> Path:
        """Copy an artifact's content out of the store, and say where it is now.

        An existing folder as destination takes it under its own name; any other is its new name.

        Raises:
            FindingsError: PORT400 or PORT401, as `load`; PORT006 the place is taken.
        """
        record = self._matching_record(ref)
        target = destination / _own_name(record) if destination.is_dir() else destination
        if target.exists():
            raise FindingsError([problems.taken(target)])
        with self._verified(record) as path:
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                copy_tree(path, target) if path.is_dir() else shutil.copyfile(path, target)
            except OSError as problem:
                raise FindingsError(
                    [error("PORT006", f"`{target}` cannot be written", why=str(problem))]
                ) from problem
        return target

    def records(
        self,
        pipeline: str | None = None,
        run: str | None = None,
        task: str | None = None,
        output: str | None = None,
    ) -> list[ArtifactRecord]:
        """The records of the versions that fit, oldest first; `scan` also says what is damaged."""
        return self.scan(pipeline, run, task, output)[0]

    def scan(
        self,
        pipeline: str | None = None,
        run: str | None = None,
        task: str | None = None,
        output: str | None = None,
        *,
        pruned: bool = False,
    ) -> tuple[list[ArtifactRecord], list[Finding]]:
        """The records of the versions that fit, oldest first, and a warning for each unreadable one.

        With `pruned`, those of versions whose content was removed are among them.
        """
        names = (pipeline, run, task, None, None, output)
        pattern = [encode_segment(name) if name else None for name in names]
        wanted = (MARKER, TOMBSTONE) if pruned else (MARKER,)
        paths = list(self._storage.markers(pattern, wanted))
        found: dict[str, ArtifactRecord] = {}
        findings: list[Finding] = []
        for path, content in zip(paths, self._storage.read_all(paths), strict=True):
            folder = path.rpartition("/")[0]
            if content is None or folder in found:  # a marker comes before a tombstone
                continue
            try:
                found[folder] = self._parsed(path, content)
            except FindingsError as problem:
                findings.extend(_as_warning(finding) for finding in problem.findings)
        return sorted(found.values(), key=lambda record: record.order), findings

    def record(self, uri: str) -> ArtifactRecord:
        """The record of the artifact at a URI of this store.

        Raises:
            FindingsError: PORT400 there is none, PORT540 it was pruned, PORT407 it cannot be read.
        """
        folder = "/".join(self._relative(uri).split("/")[:KEY_DEPTH])
        try:
            return self._read_record(folder)
        except FileNotFoundError:
            tombstone = self._tombstone(folder)
        if tombstone is None or tombstone.pruned_at is None:
            raise FindingsError([problems.missing(uri, self.root)])
        raise FindingsError([problems.pruned(uri, tombstone.pruned_at)])

    def prune(self, record: ArtifactRecord) -> None:
        """Remove a version's content; its record stays, for its lineage.

        What it was is written down first, then its marker goes and with it the version, then its content.
        Whenever this is cut short, doing it again finishes it.
        """
        folder = record.key.path
        stone = record.model_copy(update={"pruned_at": record.pruned_at or self._clock()})
        text = stone.model_dump_json(indent=2) + "\n"
        self._storage.replace(f"{folder}/{TOMBSTONE}", text.encode())
        self._storage.delete(f"{folder}/{MARKER}")
        self.sweep(record.key)

    def sweep(self, key: ArtifactKey) -> None:
        """Remove what a `prune` that was cut short left of a version."""
        names = self._storage.names(key.path)
        if MARKER in names or TOMBSTONE not in names:
            return
        for name in names:
            if name != TOMBSTONE:
                self._storage.delete(f"{key.path}/{name}")

    def unswept(self) -> list[ArtifactKey]:
        """The versions of which a `prune` that was cut short left something."""
        held: dict[str, set[str]] = {}
        for path in self._storage.files():
            parts = path.split("/")
            if len(parts) > KEY_DEPTH:
                held.setdefault("/".join(parts[:KEY_DEPTH]), set()).add(parts[KEY_DEPTH])
        left = [
            folder
            for folder, names in held.items()
            if TOMBSTONE in names and MARKER not in names and len(names) > 1
        ]
        stones = (self._tombstone(folder) for folder in sorted(left))
        return [stone.key for stone in stones if stone is not None]

    def keep_code(self, sha256: str, text: str) -> None:
        """Keep the text of a task's code once, by the hash that records give it."""
        self._storage.create(_own_path(f"{CODE}/{sha256}.txt"), text.encode("utf-8", "replace"))

    def code(self, sha256: str) -> str | None:
        """The text of a task's code; None if it is not kept here."""
        try:
            return self._storage.read(_own_path(f"{CODE}/{sha256}.txt")).decode()
        except FileNotFoundError:
            return None

    def put_json(self, path: str, value: Any) -> None:
        """Write or replace a small JSON file of the store's own; `path` is relative to the root."""
        text = json.dumps(value, indent=2, allow_nan=False) + "\n"
        self._storage.replace(_own_path(path), text.encode())

    def get_json(self, path: str) -> Any:
        """The JSON value at a path; None if there is no such file.

        Raises:
            FindingsError: PORT407, it is damaged.
        """
        try:
            return json.loads(self._storage.read(_own_path(path)))
        except FileNotFoundError:
            return None
        except ValueError as problem:
            raise FindingsError([problems.damaged(f"{self.root}/{path}", problem)]) from problem

    def json_files(self, path: str) -> dict[str, Any]:
        """The values of all JSON files directly below a path, by their names; None for a damaged one."""
        names = [name for name in self._storage.names(_own_path(path)) if name.endswith(".json")]
        contents = self._storage.read_all([f"{path}/{name}" for name in names])
        pairs = zip(names, contents, strict=True)
        return {name: _json_or_none(content) for name, content in pairs if content is not None}

    def delete(self, path: str) -> None:
        """Remove a small file of the store's own; one that is not there is no error."""
        self._storage.delete(_own_path(path))

    def exclusive_create(self, path: str, text: str) -> bool:
        """Write a small file if there is none yet; of several writers exactly one gets True."""
        return self._storage.create(_own_path(path), text.encode())

    def names(self, path: str) -> list[str]:
        """The names of the files and folders directly below a path, sorted."""
        return self._storage.names(_own_path(path))

    def _candidates(self, value: Any, serialiser: Serialiser | str | None) -> Iterator[Serialiser]:
        """The serialisers to try, in turn."""
        if serialiser is None:
            return self._serialisers.candidates(value)
        if isinstance(serialiser, str):
            return iter(self._serialisers.named(serialiser))
        return iter([serialiser])

    def _new_ref(self, written: Written, staged: Path, key: ArtifactKey, kind: str) -> ArtifactRef:
        """The reference to content that was just written, after it got its final name."""
        digest = hash_content(written.path)
        name = self._storage.content_name(written.extension, digest.sha256)
        written.path.rename(staged / name)
        by_path = written.serialiser.kind in {"File", "Directory"}
        return ArtifactRef(
            uri=f"{self.root}/{key.path}/{name}",
            sha256=digest.sha256,
            size=digest.size,
            kind=written.serialiser.kind if by_path or kind == "Artifact" else kind,
            format=written.serialiser.name,
            metadata=written.metadata,
        )

    def _write_marker(self, staged: Path, record: ArtifactRecord) -> None:
        """Write the sidecar: the last step before the version is published."""
        (staged / MARKER).write_text(record.model_dump_json(indent=2) + "\n", encoding="utf-8")

    def _same_as_before(self, record: ArtifactRecord) -> ArtifactRef:
        """The reference of the version that has this key, if it is the same content."""
        before = self._read_record(record.key.path)
        same = before.key == record.key and before.ref.format == record.ref.format
        if same and before.ref.sha256 == record.ref.sha256:
            return before.ref
        raise FindingsError([problems.other_content(record.key, before.ref)])

    def _relative(self, uri: str) -> str:
        """The path below the root that a URI, or such a path itself, means."""
        path = uri.removeprefix(f"{self.root}/")
        if "://" in path or path.startswith("/") or len(path.split("/")) < KEY_DEPTH:
            raise FindingsError([problems.missing(uri, self.root)])
        return str(safe_relative_path(path))

    def _read_record(self, folder: str) -> ArtifactRecord:
        """The record in a version's folder, with the URI at which it is now."""
        path = f"{folder}/{MARKER}"
        return self._parsed(path, self._storage.read(path))

    def _tombstone(self, folder: str) -> ArtifactRecord | None:
        """What is left of a pruned version."""
        path = f"{folder}/{TOMBSTONE}"
        try:
            return self._parsed(path, self._storage.read(path))
        except FileNotFoundError:
            return None

    def _parsed(self, path: str, content: bytes) -> ArtifactRecord:
        """The record in a file, with the URI at which the version is now."""
        place, folder = f"{self.root}/{path}", path.rpartition("/")[0]
        try:
            record = ArtifactRecord.model_validate_json(content)
        except ValidationError as problem:
            raise FindingsError([problems.damaged(place, problem)]) from problem
        if record.key.path != folder:
            raise FindingsError([problems.damaged(place, ValueError("it belongs to another key"))])
        name = safe_relative_path(record.ref.uri.rpartition("/")[2])
        uri = f"{self.root}/{folder}/{name}"
        if uri == record.ref.uri:
            return record
        ref = record.ref.model_copy(update={"uri": uri})
        return record.model_copy(update={"ref": ref})

    def _matching_record(self, ref: ArtifactRef) -> ArtifactRecord:
        """The record of a reference, which must say the same of the content."""
        record = self.record(ref.uri)
        if (record.ref.uri, record.ref.sha256, record.ref.format) != (
            ref.uri,
            ref.sha256,
            ref.format,
        ):
            raise FindingsError(
                [problems.not_as_written(ref, "the record in the store says otherwise")]
            )
        return record

    def _content(self, record: ArtifactRecord, folder: Path) -> Path:
        try:
            return self._storage.local_copy(self._relative(record.ref.uri), folder)
        except FileNotFoundError:
            raise FindingsError([problems.missing(record.ref.uri, self.root)]) from None

    def _download(self, record: ArtifactRecord, kept: Path) -> None:
        """Fill a place of the cache by one rename, so that nobody opens half a file."""
        self._cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._cache) as folder:
            found = self._content(record, Path(folder))
            problems.check_hash(found, record.ref)
            kept.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileNotFoundError):
                kept.rename(Path(folder, "damaged"))
            try:
                found.rename(kept)
            except OSError:
                if not kept.exists():  # else another process filled it meanwhile
                    raise

    @contextmanager
    def _verified(self, record: ArtifactRecord) -> Iterator[Path]:
        """A local path of content that has its hash, for as long as it is needed."""
        with tempfile.TemporaryDirectory(prefix="intermodal-") as folder:
            path = self._content(record, Path(folder))
            problems.check_hash(path, record.ref)
            yield path


def _json_or_none(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return None


def _as_warning(finding: Finding) -> Finding:
    """The finding, of what does not stop a listing."""
    return dataclasses.replace(finding, severity=Severity.WARNING)


def _default_cache() -> Path:
    """Where programs of this user keep what can be had again."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "intermodal/artifacts")


def _fitted(value: Any, type_hint: Any, key: ArtifactKey) -> Any:
    """The value as its annotation promises it."""
    try:
        return fit_to_hint(value, type_hint)
    except TypeError as problem:
        next_step = "return what the task's annotation says"
        finding = problems.no_serialiser(key, value, str(problem), next_step)
        raise FindingsError([finding]) from problem


def _own_path(path: str) -> str:
    """A path of the store's own files; one that leaves the store is refused (PORT406)."""
    return str(safe_relative_path(path))


def _own_name(record: ArtifactRecord) -> str:
    """The file name to give content that leaves the store."""
    name = record.ref.metadata.get("name")
    if record.ref.format in {"file", "directory"} and isinstance(name, str) and "/" not in name:
        return str(safe_relative_path(name))
    suffixes = "".join(Path(record.ref.uri).suffixes)
    return f"{encode_segment(record.key.output)}{suffixes}"
