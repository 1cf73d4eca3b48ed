"""Undelivered logs in the artifact store, where the machine that ran the task may be gone in a moment.

A pod of Kubernetes takes its disk along. So where the artifact store is not on this machine, a log that
no tracker took goes to `<store>/.spool/<pipeline>/<run>/`, its payload first and `<session>.jsonl` last:
what has no log is not there yet. `port track sync` brings it back to a machine that stays.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from intermodal.tracking.keeping import bare_address, discard
from intermodal.tracking.reading import FOLDER, ReadLog, parsed, payload_folder
from intermodal.tracking.records import Note, from_json, to_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from intermodal.artifacts.remote import RemoteStorage
    from intermodal.findings import Finding

PLACE = ".spool"


def is_elsewhere(store: str) -> bool:
    """Whether an artifact store is on another machine than this."""
    return "://" in store and not store.startswith(("file://", "local://"))


def park(path: Path | None, store: str) -> list[Finding]:
    """Move a kept log to the artifact store, if that is elsewhere. Never raises for the store.

    Args:
        path: The log; nothing happens if it was delivered.
        store: URI of the artifact store.
    """
    from intermodal.findings import warning

    if path is None or not is_elsewhere(store) or not path.exists():
        return []
    try:
        place = _move(path, store)
    except Exception as problem:  # whatever the store raises, the task's result stands
        why = str(problem).strip() or type(problem).__name__
        what = f"the undelivered records stay on this machine, in `{path.parent}`"
        return [
            warning("PORT523", what, why=why, next="keep the machine, or its disk, until a sync")
        ]
    where = f"{bare_address(store)}/{place}"
    return [
        warning("PORT523", f"the undelivered records are in `{where}`", next="`port track sync`")
    ]


def waiting(store: str) -> int:
    """How many logs wait in an artifact store. Raises FindingsError (PORT404) if it cannot be used."""
    storage = _open(store)
    folders = _run_folders(storage)
    return sum(name.endswith(".jsonl") for folder in folders for name in storage.names(folder))


def fetch(store: str, root: Path) -> list[Path]:
    """Move the logs that wait in an artifact store to a folder of this machine.

    Args:
        store: URI of the artifact store.
        root: They come to lie in `<root>/<pipeline>/<run>/spool/`.

    Raises:
        FindingsError: PORT404, the store cannot be used; PORT406, it has names that leave the folder.
    """
    from intermodal.artifacts.folders import safe_relative_path

    storage = _open(store)
    fetched: list[Path] = []
    for folder in _run_folders(storage):
        place = root / safe_relative_path(folder.removeprefix(f"{PLACE}/")) / FOLDER
        names = [str(safe_relative_path(name)) for name in storage.names(folder)]
        for log in (name for name in names if name.endswith(".jsonl")):
            place.mkdir(parents=True, exist_ok=True)
            payload = payload_folder(place / log).name
            if payload in names:
                storage.local_copy(f"{folder}/{payload}", place)
            (place / log).write_bytes(_without_foreign_files(storage.read(f"{folder}/{log}")))
            for name in (log, payload):  # the log first: without it nobody looks for the rest
                storage.delete(f"{folder}/{name}")
            fetched.append(place / log)
    return fetched


def _move(path: Path, store: str) -> str:
    from intermodal.artifacts.keys import encode_segment

    identity = ReadLog(path).identity
    place = f"{PLACE}/{encode_segment(identity.pipeline)}/{encode_segment(identity.run_id)}"
    storage = _open(store)
    payload = payload_folder(path)
    for file in sorted(payload.rglob("*")):
        if file.is_file():
            name = f"{place}/{payload.name}/{file.relative_to(payload).as_posix()}"
            storage.put_file(file, name)
    storage.put_file(path, f"{place}/{path.name}")
    discard(path)
    return place


def _without_foreign_files(content: bytes) -> bytes:
    """A log whose files all are in its payload: what was elsewhere, was so on another machine."""
    return b"".join(map(_own_file, content.splitlines(keepends=True)))


def _own_file(line: bytes) -> bytes:
    """A line of a log, or a note in place of a record whose file is not in the payload."""
    record = from_json(parsed(line))
    place = str(getattr(record, "path", ""))
    if record is None or not (place.startswith("/") or ".." in place.split("/")):
        return line
    what = f"`{Path(place).name}` was not uploaded: it was left on the machine that ran the task"
    return to_line(Note("PORT520", what, record.time))


def _run_folders(storage: RemoteStorage) -> Iterator[str]:
    for pipeline in storage.names(PLACE):
        for run in storage.names(f"{PLACE}/{pipeline}"):
            yield f"{PLACE}/{pipeline}/{run}"


def _open(store: str) -> RemoteStorage:
    from intermodal.artifacts.remote import RemoteStorage

    return RemoteStorage(store, {})
