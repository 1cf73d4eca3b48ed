"""The local event log of one task attempt: JSON lines, appended by whoever tracks, read by a tracker.

Each record is one `write` to a file opened for appending, with no buffer of ours, so that what was
logged survives a killed process, and threads and forked children may log at once.
Nothing here raises into the user's task: what cannot be recorded becomes a note in the log.

While the disk is full, or where there is none to write to, records wait in memory, in their order: they are
written as soon as there is room, and are sent at the end of the task in any case.
"""

from __future__ import annotations

import errno
import json
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from socket import gethostname
from typing import Any

from intermodal.runtime.secrets import hide_secrets
from intermodal.tracking import registrations, values
from intermodal.tracking.identity import TaskIdentity
from intermodal.tracking.locks import release, try_hold
from intermodal.tracking.reading import FOLDER, VERSION, payload_folder
from intermodal.tracking.records import (
    Artifact,
    LoggedModel,
    Model,
    Note,
    Param,
    Record,
    Reference,
    State,
    Status,
    Tag,
    Text,
    Used,
    now,
    to_line,
)

NOTE_LIMIT = 100  # distinct notes a log holds; more of them would tell nobody more
NAME_CACHE = 10_000
TAIL_LIMIT = 16 << 20  # bytes of records that wait in memory for room on the disk
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)
RETRY = 1.0  # seconds between two looks whether there is room again
_clock = time.time_ns


class EventLog:
    """An open log. A log without a file (`EventLog(None)`) accepts everything and keeps nothing."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.notes: list[Note] = []
        self.lost = 0  # records that found no room on the disk or in memory
        self.on_disk = path is not None  # False: all of it waits in memory
        self._file = -1 if path is None else self._open(path)
        self._tail = bytearray()
        self._try_again = 0.0
        self._writing = threading.RLock()  # a signal handler may log while a record is written
        self._names: dict[str, bytes] = {}
        self._noted: dict[str, int] = {}
        self._payloads = 0
        # Stored values by identity; each is held, so that its id stays its own.
        self._known: dict[int, tuple[Any, str]] = {}
        self.hashes: dict[str, str] = {}  # of what is stored, by URI
        self.formats: dict[str, str] = {}  # the same
        self.identity: TaskIdentity | None = None  # known once it was begun
        self.tracker = ""  # the address that its task may ask
        self.registrations = registrations.Registrations(self)
        self.tables: dict[str, Path] = {}  # the latest file of each table, by name
        self.saved: list[tuple[Any, LoggedModel]] = []  # models whose files are in the payload

    @property
    def is_open(self) -> bool:
        """Whether records are kept."""
        return self._file >= 0

    @property
    def tail(self) -> bytes:
        """What comes after the end of the file: records for which the disk had no room."""
        return bytes(self._tail)

    def begin(self, identity: TaskIdentity, started: int, address: str = "") -> None:
        """Write the header: whose log this is, who writes it, and the tracker it is for.

        The address must have no credentials in it.
        """
        self.identity = identity
        header = {
            "type": "log",
            "version": VERSION,
            "started": started,
            "writer": [gethostname(), os.getpid()],
            "address": address,
            "identity": vars(identity),
        }
        line = json.dumps(header, separators=(",", ":"), default=str, skipkeys=True)
        self._write(line.encode() + b"\n")
        try_hold(self._file)

    def close(self) -> None:
        """Accept no more records. Safe to call twice."""
        with self._writing:  # a number that was closed may be another file's a moment later
            if self._file >= 0 and self._tail:
                self._flush()
            descriptor, self._file = self._file, -1
            if descriptor >= 0:
                release(descriptor)
                os.close(descriptor)

    def renew_lock(self) -> None:
        """In a forked child: another thread of the parent may have held the lock at the fork."""
        self._writing = threading.RLock()
        self._tail.clear()  # the parent has it, too, and writes it

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
            with Noting(self, f"metric {values.shown(name)}"):
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
        with Noting(self, f"text {values.shown(name)}"):
            shown = hide_secrets(values.text_of(text))
            self.add(Text(values.relative_path(name), shown, now()))

    def artifact(self, path: Any, folder: Any = None) -> None:
        """Copy a file or folder into the log's payload, so that the task may change or delete it."""
        if self._file < 0:
            return
        with Noting(self, f"artifact {values.shown(path)}"):
            place = "" if folder is None else values.relative_path(folder)
            self.add(Artifact(self.copied(path), place, now()))

    def model(
        self, name: Any, source: Any, aliases: Iterable[str], tags: Any, metrics: Any = None
    ) -> str:
        """Record that a model version is to be registered; gives its handle, or "" if it cannot be."""
        if self._file < 0:
            return ""
        with Noting(self, f"model {values.shown(name)}"):
            checked = values.checked_name(name)
            labels = registrations.labels(tags, metrics)
            model = Model(checked, "", "", now(), registrations.names_of(aliases), labels)
            return self.registrations.register(model, source)
        return ""

    def know(self, value: Any, uri: str, written: str = "") -> None:
        """Take note that a value is the artifact at `uri`, and register what waited to know that.

        `written` is the format of the artifact.
        """
        self._known[id(value)] = (value, uri)
        self.formats[uri] = written or self.formats.get(uri, "")
        self.registrations.stored(value)
        for saved, logged in self.saved:
            if saved is value:  # now it is stored, and need not be uploaded
                self.add(replace(logged, path="", uri=uri, sha256=self.hashes.get(uri, "")))

    def uri_of(self, value: Any) -> str | None:
        """Where a value is that came from, or went into, the artifact store."""
        known = self._known.get(id(value))
        return known[1] if known else None

    def reference(self, output: str, uri: str, sha256: str, kind: str) -> None:
        """Record an output that the artifact store holds."""
        self.hashes[uri] = sha256
        self.add(Reference(output, uri, sha256, kind, now()))

    def used(self, name: str, uri: str, sha256: str, kind: str) -> None:
        """Record an input that the artifact store holds."""
        self.hashes[uri] = sha256
        self.add(Used(name, uri, sha256, kind, now()))

    def status(self, state: State, error: str = "") -> None:
        """Record how the attempt stands, and first what was lost on the way."""
        for _, model in self.registrations.waiting:
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
        with Noting(self, f"{kind} {values.shown(name)}"):
            text = hide_secrets(values.text_of(value))
            self.add(cls(values.checked_name(name), text, now()))

    def _items(self, mapping: Any, kind: str) -> list[tuple[Any, Any]]:
        if self._file < 0:
            return []
        with Noting(self, kind):
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

    def copied(self, path: Any) -> str:
        """Copy `path` into a fresh payload folder; returns its place relative to that of all."""
        import shutil

        source = Path(os.fspath(path)).absolute()
        if not source.exists():
            raise values.UnrecordableError("the file does not exist")
        target: Path | None = None
        try:
            target = self.payload(source.name or source.resolve().name or "files")
            if source.is_dir():
                spool = self._own_path().parent.resolve()
                shutil.copytree(source, target, ignore=_without(spool))
            else:
                shutil.copy2(source, target)
        except OSError as problem:
            if target is not None:  # half a copy would take what room is left
                shutil.rmtree(target.parent, ignore_errors=True)
            if not has_no_room(problem):
                raise
            what = (
                f"`{source}` is sent as it is when the task ends: the disk has no room for a copy"
            )
            self.note("PORT522", what)
            return str(source)
        return self.place_of(target)

    def payload(self, name: str) -> Path:
        """A path of that name in a fresh folder of the log's payload, for the caller to write to."""
        self._payloads += 1
        folder = f"{self._payloads}-{os.getpid()}-{time.monotonic_ns()}"
        target = payload_folder(self._own_path()) / folder / name
        target.parent.mkdir(parents=True)
        return target

    @property
    def payload_folder(self) -> Path:
        """Where the files are that records name."""
        return payload_folder(self._own_path())

    def place_of(self, payload: Path) -> str:
        """How records name a path that `payload` gave."""
        return payload.relative_to(payload_folder(self._own_path())).as_posix()

    def _own_path(self) -> Path:
        if self.path is None:
            raise values.UnrecordableError("tracking is off")
        return self.path

    def _write(self, data: bytes) -> None:
        """One write; what finds no room waits in memory, and what comes after it waits behind it."""
        with self._writing:
            if self._file < 0:
                return
            if self._tail and time.monotonic() >= self._try_again:
                self._flush()
            written = 0 if self._tail else self._put(data)
            if written == len(data):
                return
            if self._tail and len(self._tail) + len(data) > TAIL_LIMIT:
                self.lost += data.count(b"\n")
            else:
                self._tail += data[written:]

    def _flush(self) -> None:
        """Write what waits in memory, as far as there is room."""
        del self._tail[: self._put(bytes(self._tail))]
        self._try_again = time.monotonic() + RETRY

    def _put(self, data: bytes) -> int:
        """How many of the bytes the disk took."""
        if not self.on_disk:
            return 0
        try:
            return os.write(self._file, data)
        except OSError:
            return 0

    def _open(self, path: Path) -> int:
        """The log's file; a folder that cannot be written must not cost the records of the task."""
        flags = os.O_WRONLY | getattr(os, "O_CLOEXEC", 0)
        for place in (path, elsewhere() / path.name):
            try:
                place.parent.mkdir(parents=True, exist_ok=True)
                opened = os.open(place, flags | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
            except OSError:
                continue
            self.path = place
            return opened
        self.on_disk = False
        return os.open(os.devnull, flags)


STEP_DIGITS = 18  # a step of that many digits fits in 64 bits without looking closer
_METRIC = b'{"type":"metric","name":%b,"value":%b,"time":%d,"step":%b}\n'


class Noting:
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


def elsewhere() -> Path:
    """The folder for logs whose own folder cannot be written, as in a container that may not write."""
    user = os.getuid() if hasattr(os, "getuid") else 0
    return Path(tempfile.gettempdir()) / f"intermodal-{user}" / FOLDER


def has_no_room(problem: OSError) -> bool:
    """Whether writing failed for want of room; copying a tree tells the reasons as texts only."""
    if problem.errno is not None:
        return problem.errno in NO_ROOM
    return any(os.strerror(number) in str(problem) for number in NO_ROOM)


def _without(spool: Path) -> Callable[[str, list[str]], set[str]]:
    """Leave the spool out when a folder that holds it is copied into it."""

    def ignored(folder: str, names: list[str]) -> set[str]:
        here = Path(folder).resolve()
        return {name for name in names if here / name == spool}

    return ignored
