"""The local event log of one task attempt: JSON lines, appended by whoever tracks, read by a tracker.

Each record is one `write` to a file opened for appending, with no buffer of ours, so that what was
logged survives a killed process, and threads and forked children may log at once.
Nothing here raises into the user's task: what cannot be recorded becomes a note in the log.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from intermodal.tracking import values
from intermodal.tracking.identity import TaskIdentity
from intermodal.tracking.locks import release, try_hold
from intermodal.tracking.records import (
    Artifact,
    Model,
    Note,
    Param,
    Record,
    Reference,
    State,
    Status,
    Tag,
    Text,
    from_json,
    now,
    to_line,
)

VERSION = 1
NOTE_LIMIT = 100  # distinct notes a log holds; more of them would tell nobody more
NAME_CACHE = 10_000
_clock = time.time_ns


class EventLog:
    """An open log. A log without a file (`EventLog(None)`) accepts everything and keeps nothing."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.notes: list[Note] = []
        self.lost = 0  # records that could not be written, e.g. on a full disk
        self._file = -1 if path is None else _open(path)
        self._torn = False
        self._writing = threading.Lock()
        self._names: dict[str, bytes] = {}
        self._noted: dict[str, int] = {}
        self._payloads = 0
        # Stored values by identity; each is held, so that its id stays its own.
        self._known: dict[int, tuple[Any, str]] = {}
        self._unplaced: list[tuple[Any, Model]] = []

    @property
    def is_open(self) -> bool:
        """Whether records are kept."""
        return self._file >= 0

    def begin(self, identity: TaskIdentity, started: int) -> None:
        """Write the header: whose log this is. Raises OSError if the log cannot be written."""
        header = {
            "type": "log",
            "version": VERSION,
            "started": started,
            "identity": asdict(identity),
        }
        line = json.dumps(header, separators=(",", ":"), default=str).encode() + b"\n"
        if os.write(self._file, line) != len(line):
            raise OSError("the log's first line could not be written in full")
        try_hold(self._file)

    def close(self) -> None:
        """Accept no more records. Safe to call twice."""
        with self._writing:  # a number that was closed may be another file's a moment later
            descriptor, self._file = self._file, -1
            if descriptor >= 0:
                release(descriptor)
                os.close(descriptor)

    def renew_lock(self) -> None:
        """In a forked child: another thread of the parent may have held the lock at the fork."""
        self._writing = threading.Lock()

    def metric(self, name: Any, value: Any, step: Any = None) -> None:
        """Record one number. The fast way is for a finite float and a plain step."""
        if self._file < 0:
            return
        if type(value) is not float or value - value != 0.0 or type(name) is not str:
            self._metrics(((name, value),), step)
            return
        key = self._names.get(name)
        if key is None or (step is not None and type(step) is not int):
            self._metrics(((name, value),), step)
            return
        place = b"null" if step is None else b"%d" % step
        if len(place) > STEP_DIGITS:
            self._metrics(((name, value),), step)
            return
        self._write(_METRIC % (key, repr(value).encode(), _clock() // 1_000_000, place))

    def metrics(self, mapping: Any, step: Any = None) -> None:
        """Record several numbers of one moment."""
        self._metrics(self._items(mapping, "metrics"), step)

    def flat_metrics(self, prefix: str, mapping: Any) -> None:
        """Record a map of numbers, nested ones joined with dots, each name after `prefix`."""
        for name, item in self._items(mapping, "metrics"):
            with _Noting(self, f"metric {values.shown(name)}"):
                nested = list(values.flat_numbers({name: item}, prefix))
                self._metrics(nested, None)

    def _metrics(self, items: Iterable[tuple[Any, Any]], step: Any) -> None:
        lines: list[bytes] = []
        moment = now()
        for name, value in items:
            try:
                key = self._key(name)
                number = repr(values.metric_value(value)).encode()
                place = values.metric_step(step)
            except values.UnrecordableError as problem:
                self.note("PORT501", f"metric {values.shown(name)} was not recorded: {problem}")
                continue
            lines.append(
                _METRIC % (key, number, moment, b"null" if place is None else b"%d" % place)
            )
        if lines:
            self._write(b"".join(lines))

    def param(self, name: Any, value: Any) -> None:
        """Record a parameter of the attempt."""
        self._text_record(Param, "parameter", name, value)

    def params(self, mapping: Any) -> None:
        """Record several parameters."""
        for name, value in self._items(mapping, "parameters"):
            self.param(name, value)

    def tag(self, name: Any, value: Any, *, own: bool = False) -> None:
        """Record a label; `own` is for Intermodal's own names, which users cannot set."""
        if not own and isinstance(name, str) and name.startswith(values.RESERVED):
            what = f"tag {name!r} was not recorded: `{values.RESERVED}` is Intermodal's own"
            self.note("PORT501", what)
            return
        self._text_record(Tag, "tag", name, value)

    def text(self, text: Any, name: Any) -> None:
        """Record a text to be stored as a file."""
        with _Noting(self, f"text {values.shown(name)}"):
            self.add(Text(values.relative_path(name), values.text_of(text), now()))

    def artifact(self, path: Any, folder: Any = None) -> None:
        """Copy a file or folder into the log's payload, so that the task may change or delete it."""
        if self._file < 0:
            return
        with _Noting(self, f"artifact {values.shown(path)}"):
            place = "" if folder is None else values.relative_path(folder)
            self.add(Artifact(self._copy(path), place, now()))

    def model(self, name: Any, source: Any, aliases: Iterable[str], tags: Any) -> None:
        """Record that a model version is to be registered from a local path or from a URI."""
        if self._file < 0:
            return
        with _Noting(self, f"model {values.shown(name)}"):
            checked = values.checked_name(name)
            labels = {
                values.checked_name(k): values.text_of(v) for k, v in dict(tags or {}).items()
            }
            names = (aliases,) if isinstance(aliases, str) else tuple(map(str, aliases))
            model = Model(checked, "", "", now(), names, labels)
            uri = getattr(source, "uri", None) or self._uri_of(source)
            if uri is None and not isinstance(source, str | os.PathLike):
                self._unplaced.append((source, model))
                return
            uri = source if uri is None else uri
            remote = isinstance(uri, str) and len(urlsplit(uri).scheme) > 1
            self.add(replace(model, uri=uri) if remote else replace(model, path=self._copy(uri)))

    def know(self, value: Any, uri: str) -> None:
        """Take note that a value is the artifact at `uri`, and register what waited to know that."""
        self._known[id(value)] = (value, uri)
        waiting = [(source, model) for source, model in self._unplaced if source is value]
        self._unplaced = [pair for pair in self._unplaced if pair[0] is not value]
        for _, model in waiting:
            self.add(replace(model, uri=uri))

    def _uri_of(self, value: Any) -> str | None:
        """Where a value is that came from, or went into, the artifact store."""
        known = self._known.get(id(value))
        return known[1] if known else None

    def reference(self, output: str, uri: str, sha256: str, kind: str) -> None:
        """Record an output that the artifact store holds."""
        self.add(Reference(output, uri, sha256, kind, now()))

    def status(self, state: State, error: str = "") -> None:
        """Record how the attempt stands, and first what was lost on the way."""
        for _, model in self._unplaced:
            self.note(
                "PORT501",
                f"model {values.shown(model.name)} was not recorded: it is no input and no output of "
                "the task; return it, or pass a path or a URI",
            )
        for what, count in self._noted.items():
            if count > 1:
                self._add_note("PORT501", f"{what} ({count} times)")
        if self.lost:
            self._add_note("PORT505", f"{self.lost} records could not be written to the log")
        self.add(Status(state, now(), error))

    def note(self, code: str, what: str) -> None:
        """Record something for the user to see; the same note again is only counted."""
        if self._file < 0:
            return
        seen = self._noted.get(what, 0)
        if not seen and len(self._noted) >= NOTE_LIMIT:
            return
        self._noted[what] = seen + 1
        if not seen:
            self._add_note(code, what)

    def note_stray(self) -> None:
        """Note that a thread logged and nothing told to which of several tasks it belongs."""
        self.note(
            "PORT502",
            "a thread logged while several tasks ran in this process, and could not be attributed "
            "to one of them; use `tracking.carry(function)` for what runs in the thread",
        )

    def add(self, record: Record) -> None:
        """Append one record."""
        if self._file >= 0:
            self._write(to_line(record))

    def _add_note(self, code: str, what: str) -> None:
        self.notes.append(Note(code, what, now()))
        self.add(self.notes[-1])

    def _text_record(self, cls: type[Param | Tag], kind: str, name: Any, value: Any) -> None:
        if self._file < 0:
            return
        with _Noting(self, f"{kind} {values.shown(name)}"):
            self.add(cls(values.checked_name(name), values.text_of(value), now()))

    def _items(self, mapping: Any, kind: str) -> list[tuple[Any, Any]]:
        if self._file < 0:
            return []
        with _Noting(self, kind):
            if isinstance(mapping, Mapping):
                return list(mapping.items())
            raise values.UnrecordableError(f"a {type(mapping).__name__} is not a mapping")
        return []

    def _key(self, name: Any) -> bytes:
        """The name as JSON, remembered. Raises `UnrecordableError`."""
        key = json.dumps(values.checked_name(name)).encode()
        if len(self._names) >= NAME_CACHE:
            self._names.clear()
        self._names[name] = key
        return key

    def _copy(self, path: Any) -> str:
        """Copy `path` into a fresh payload folder; returns its place relative to that of all."""
        import shutil

        source = Path(os.fspath(path))
        if not source.exists():
            raise values.UnrecordableError("the file does not exist")
        payload = payload_folder(self._own_path())
        self._payloads += 1
        name = source.name or source.resolve().name or "files"
        target = payload / f"{self._payloads}-{os.getpid()}-{time.monotonic_ns()}" / name
        target.parent.mkdir(parents=True)
        if source.is_dir():
            spool = self._own_path().parent.resolve()
            shutil.copytree(source, target, ignore=_without(spool))
        else:
            shutil.copy2(source, target)
        return target.relative_to(payload).as_posix()

    def _own_path(self) -> Path:
        if self.path is None:
            raise values.UnrecordableError("tracking is off")
        return self.path

    def _write(self, data: bytes) -> None:
        """One write; on a full disk the rest of a torn line is closed before the next record."""
        with self._writing:
            if self._file < 0:
                return
            if self._torn:
                data = b"\n" + data
            try:
                written = os.write(self._file, data)
            except OSError:
                self.lost += 1
                return
            self._torn = written != len(data)
            self.lost += self._torn


STEP_DIGITS = 18  # a step of that many digits fits in 64 bits without looking closer
_METRIC = b'{"type":"metric","name":%b,"value":%b,"time":%d,"step":%b}\n'


class _Noting:
    """Turns whatever goes wrong while one value is recorded into a note."""

    def __init__(self, log: EventLog, subject: str) -> None:
        self.log = log
        self.subject = subject

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, problem: BaseException | None, _trace: object) -> bool:
        if not isinstance(problem, Exception):
            return False
        reason = (
            problem if isinstance(problem, values.UnrecordableError) else type(problem).__name__
        )
        self.log.note("PORT501", f"{self.subject} was not recorded: {reason}")
        return True


class ReadLog:
    """A log read back: whose it is, and its records in order."""

    def __init__(self, path: Path) -> None:
        """Read the header. Raises ValueError if the file is no log of this or an older version."""
        self.path = path
        self.damaged = 0  # lines that are no records; known once `records` was read to its end
        self.position = 0  # bytes up to the end of the last record that `records` gave
        with path.open("rb") as lines:
            header = _parsed(lines.readline())
        if not isinstance(header, dict) or header.get("type") != "log":
            raise ValueError("its first line is not a log's header")
        if header.get("version") != VERSION:
            raise ValueError(f"it is of version {header.get('version')}, not {VERSION}")
        if type(header.get("started")) is not int:
            raise ValueError("its header does not tell when it was started")
        self.started: int = header["started"]
        self.identity = TaskIdentity.from_json(header.get("identity"))

    def records(self, start: int = 0, *, growing: bool = False) -> Iterator[Record]:
        """The records in order, payload paths absolute. Torn lines are counted in `damaged`.

        Args:
            start: Bytes to pass over, as `position` gave them.
            growing: Whether the task still writes: a line that is not complete is left for later.
        """
        self.damaged = 0
        with self.path.open("rb") as lines:
            if start:
                lines.seek(start)
            else:
                start = len(next(lines))
            self.position = start
            for line in lines:
                if growing and not line.endswith(b"\n"):
                    return
                self.position += len(line)
                record = from_json(_parsed(line))
                if record is not None:
                    yield self._placed(record)
                elif line.strip():
                    self.damaged += 1

    def _placed(self, record: Record) -> Record:
        """With a payload's place made absolute, for where the log lies now."""
        if isinstance(record, (Artifact, Model)) and record.path:
            return replace(record, path=str(payload_folder(self.path) / record.path))
        return record


def payload_folder(log: Path) -> Path:
    """Where the files that a log refers to are kept."""
    return log.with_suffix(".files")


def _open(path: Path) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
    return os.open(path, flags | getattr(os, "O_CLOEXEC", 0), 0o600)


def _parsed(line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None


def _without(spool: Path) -> Callable[[str, list[str]], set[str]]:
    """Leave the spool out when a folder that holds it is copied into it."""

    def ignored(folder: str, names: list[str]) -> set[str]:
        here = Path(folder).resolve()
        return {name for name in names if here / name == spool}

    return ignored
