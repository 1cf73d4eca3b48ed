"""Reading a task attempt's log back: whose it is, what it is for, and its records in order."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from intermodal.tracking.identity import TaskIdentity
from intermodal.tracking.records import Artifact, LoggedModel, Model, Record, from_json

FOLDER = "spool"
VERSION = 1


class ReadLog:
    """A log read back: whose it is, and its records in order.

    Attributes:
        identity: Whose it is.
        started: When it was begun, in milliseconds since the epoch.
        address: The tracker it was meant for, without credentials; empty if that is not known.
        writer: Host name and process id of who wrote it; None if that is not known.
    """

    def __init__(self, path: Path, tail: bytes = b"") -> None:
        """Read the header. Raises ValueError if the file is no log of this or an older version.

        Args:
            path: The log's file; need not be there if all of the log is in `tail`.
            tail: What comes after the end of the file.
        """
        self.path = path
        self.damaged = 0  # lines that are no records; known once `records` was read to its end
        self.position = 0  # bytes up to the end of the last record that `records` gave
        self._tail = tail
        with self._open() as stream:
            header = parsed(next(self._lines(stream), b""))
        if not isinstance(header, dict) or header.get("type") != "log":
            raise ValueError("its first line is not a log's header")
        if header.get("version") != VERSION:
            raise ValueError(f"it is of version {header.get('version')}, not {VERSION}")
        if type(header.get("started")) is not int:
            raise ValueError("its header does not tell when it was started")
        self.started: int = header["started"]
        self.identity = TaskIdentity.from_json(header.get("identity"))
        self.address = str(header.get("address", ""))
        self.writer = _writer(header.get("writer"))

    def records(self, start: int = 0, *, growing: bool = False) -> Iterator[Record]:
        """The records in order, payload paths absolute. Torn lines are counted in `damaged`.

        Args:
            start: Bytes to pass over, as `position` gave them.
            growing: Whether the task still writes: a line that is not complete is left for later.
        """
        self.damaged = 0
        with self._open() as stream:
            stream.seek(start)
            lines = self._lines(stream)
            self.position = start or len(next(lines))
            for line in lines:
                if growing and not line.endswith(b"\n"):
                    return
                self.position += len(line)
                record = from_json(parsed(line))
                if record is not None:
                    yield self._placed(record)
                elif line.strip():
                    self.damaged += 1

    def _open(self) -> IO[bytes]:
        try:
            return self.path.open("rb")
        except OSError:
            if not self._tail:
                raise
            return io.BytesIO()

    def _lines(self, stream: IO[bytes]) -> Iterator[bytes]:
        """The lines of the file, then those of the tail; it may go on in the middle of a line."""
        rest = b""
        for line in stream:
            if self._tail and not line.endswith(b"\n"):
                rest = line
            else:
                yield line
        yield from io.BytesIO(rest + self._tail)

    def _placed(self, record: Record) -> Record:
        """With a payload's place made absolute, for where the log lies now."""
        if isinstance(record, (Artifact, LoggedModel, Model)) and record.path:
            return replace(record, path=str(payload_folder(self.path) / record.path))
        return record


def payload_folder(log: Path) -> Path:
    """Where the files that a log refers to are kept."""
    return log.with_suffix(".files")


def _writer(value: Any) -> tuple[str, int] | None:
    match value:
        case [str(host), int(process)]:
            return host, process
    return None


def parsed(line: bytes) -> Any:
    """The JSON of a line; None if it is none."""
    try:
        return json.loads(line)
    except ValueError:
        return None
