"""Logs that wait for their tracker: why each one waits, how much room it takes, and the limit on that.

Beside `<session>.jsonl` and its payload `<session>.files/` lies `<session>.state.json`: how often the log
was tried, when, and what went wrong the last time.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from socket import gethostname
from typing import TYPE_CHECKING, Any

from intermodal.tracking.budget import size_of
from intermodal.tracking.locks import lock
from intermodal.tracking.reading import FOLDER, ReadLog, payload_folder
from intermodal.tracking.records import Note, Record, now, to_line
from intermodal.tracking.tracker import DATABASE_USER, without_query_secrets

if TYPE_CHECKING:
    from intermodal.findings import Finding

LIMIT_VARIABLE = "INTERMODAL_SPOOL_LIMIT"
DEFAULT_LIMIT = 1 << 30  # bytes
UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?", re.IGNORECASE)
LONG_SILENT = (
    24 * 3600
)  # seconds after which a log that cannot be locked is taken for a dead task's
ENDING = 1 << 16  # bytes at the end of a log in which its end is looked for
RELATIVE = re.compile(r"(?<!\S)(sqlite:///|jsonl:|openlineage\+file:)([^/\s]\S*)")


@dataclass(frozen=True)
class Kept:
    """A log that was not delivered, or not yet.

    Attributes:
        log: Whose it is and what is in it.
        running: Whether its task still runs, or another process sends it right now.
        size: Bytes of the records.
        files: Bytes of the files to upload.
        tries: How often it could not be delivered; 0 for that of a killed task.
        tried: When that was the last time, in milliseconds since the epoch.
        why: What went wrong then.
    """

    log: ReadLog
    running: bool
    size: int
    files: int
    tries: int = 0
    tried: int = 0
    why: str = ""

    @property
    def path(self) -> Path:
        """The log's file."""
        return self.log.path


def keep(path: Path, why: str, tail: bytes = b"") -> list[Finding]:
    """Note why a log could not be delivered, and hold its folder to the limit.

    Args:
        path: The log.
        why: For `port track status`; without credentials.
        tail: Records for which the disk had no room while the task ran.
    """
    findings = _store_tail(path, tail) if tail else []
    state = _state(path)
    tries = state["tries"] if isinstance(state.get("tries"), int) else 0
    with suppress(OSError):  # a full disk; the log itself is there
        _state_file(path).write_text(json.dumps({"tries": tries + 1, "time": now(), "why": why}))
    return findings + _hold_to_limit(path)


def discard(path: Path) -> None:
    """Remove a log with all that belongs to it."""
    shutil.rmtree(payload_folder(path), ignore_errors=True)
    _state_file(path).unlink(missing_ok=True)
    path.unlink(missing_ok=True)


def add_to(path: Path, record: Record) -> None:
    """Add a record to a log that its task has closed already. Raises OSError."""
    _append(path, to_line(record))


def kept_logs(roots: Iterable[Path], findings: list[Finding]) -> list[Kept]:
    """The logs below folders, in the order in which they are sent: tasks, then ends of pipeline runs.

    Args:
        roots: Folders; what is below two of them counts once.
        findings: Gets a PORT505 for each file that is no log, and each folder that cannot be read.
    """
    from intermodal.findings import warning

    def unread(problem: OSError) -> None:
        if not isinstance(problem, FileNotFoundError):  # such as a run without anything kept
            what = f"`{problem.filename}` cannot be read: {problem.strerror}"
            findings.append(warning("PORT505", what))

    found: list[Kept] = []
    for path in sorted({path for root in roots for path in _log_files(root, unread)}):
        try:
            found.append(_look_at(path))
        except FileNotFoundError:  # delivered meanwhile
            continue
        except (OSError, ValueError) as problem:
            findings.append(warning("PORT505", f"`{path}` cannot be read: {problem}"))
    return sorted(found, key=lambda k: (not k.log.identity.task, k.log.started, str(k.path)))


def is_running(log: ReadLog, descriptor: int) -> bool:
    """Whether somebody writes or sends a log; if not, it is locked, and stays so while it is open."""
    state = lock(descriptor)
    if state is not None:
        return not state
    if log.writer is not None and log.writer[0] == gethostname() and os.name == "posix":
        return log.writer[1] != os.getpid() and _is_alive(log.writer[1])
    silent = time.time() - log.path.stat().st_mtime
    return not _has_end(log.path) and silent < LONG_SILENT


def bare_address(uri: str) -> str:
    """A tracking address without credentials, to be written down; relative paths in it made absolute."""
    uri = RELATIVE.sub(lambda found: found[1] + str(Path(found[2]).absolute()), uri)
    uri = DATABASE_USER.sub(r"\1", uri)
    return without_query_secrets(re.sub(r"(?<=://)[^/@\s]*@", "", uri))


def limit() -> int:
    """Bytes that the kept logs of one folder may take up."""
    given = SIZE.fullmatch((os.environ.get(LIMIT_VARIABLE) or "").strip())
    if given is None:
        return DEFAULT_LIMIT
    return int(float(given[1]) * UNITS[given[2].upper()])


def _log_files(root: Path, unread: Callable[[OSError], None]) -> Iterator[Path]:
    """The files that may be logs; `unread` is told of folders that cannot be looked into."""
    for folder, _, names in os.walk(root, onerror=unread):
        if Path(folder).name == FOLDER:
            yield from (Path(folder, name) for name in names if name.endswith(".jsonl"))


def _look_at(path: Path) -> Kept:
    log = ReadLog(path)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        running = is_running(log, descriptor)
    finally:
        os.close(descriptor)
    state = _state(path)
    return Kept(
        log,
        running,
        path.stat().st_size,
        size_of(payload_folder(path)),
        int(state.get("tries", 0)),
        int(state.get("time", 0)),
        str(state.get("why", "")),
    )


def _hold_to_limit(path: Path) -> list[Finding]:
    """Drop this log's largest files while its folder is over the limit. Records are never dropped."""
    over = size_of(path.parent) - limit()
    if over <= 0:
        return []
    why = f"the undelivered logs in `{path.parent}` take more than {LIMIT_VARIABLE} allows"
    return _drop_files(path, over, why)


def _drop_files(path: Path, needed: int, why: str) -> list[Finding]:
    from intermodal.findings import warning

    findings: list[Finding] = []
    copies = [Path(entry.path) for entry in _entries(payload_folder(path))]
    for copy, size in sorted(((copy, size_of(copy)) for copy in copies), key=lambda p: -p[1]):
        if needed <= 0:
            break
        names = ", ".join(sorted(f"`{entry.name}`" for entry in _entries(copy)))
        shutil.rmtree(copy, ignore_errors=True)
        needed -= size
        what = f"{names} ({size} bytes) was dropped and will not be uploaded"
        findings.append(warning("PORT520", what, why=why, next=f"raise {LIMIT_VARIABLE}"))
        with suppress(OSError):  # a full disk; the finding tells it
            add_to(path, Note("PORT520", f"{what}: {why}", now()))
    return findings


def _store_tail(path: Path, tail: bytes) -> list[Finding]:
    """Write what found no room on the disk; files have to make room for records."""
    from intermodal.findings import warning

    findings: list[Finding] = []
    rest = tail[_append(path, tail) :]
    if rest:
        findings += _drop_files(path, len(rest), "the disk is full, and records need the room")
        rest = rest[_append(path, rest) :]
    if rest:
        lines = rest.count(b"\n")
        what = f"{lines} records are lost"
        why = "the disk is full, and the tracker did not take them"
        findings.append(warning("PORT505", what, why=why))
    return findings


def _append(path: Path, data: bytes) -> int:
    """How many of the bytes went to the end of a file."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError:
        return 0
    try:
        return os.write(descriptor, data)
    except OSError:
        return 0
    finally:
        os.close(descriptor)


def _state_file(path: Path) -> Path:
    return path.with_suffix(".state.json")


def _state(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(_state_file(path).read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        return list(os.scandir(folder))
    except OSError:
        return []


def _has_end(path: Path) -> bool:
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - ENDING))
        return b'"type":"status"' in stream.read()


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
