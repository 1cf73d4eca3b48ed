"""The event log: one JSON line for each start and end of an attempt.

It is what traces are made from, and is written only where `INTERMODAL_EVENTS` names a file. A line is one
`write` to a file opened for appending, so processes may share the file.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Mapping
from typing import Any

VARIABLE = "INTERMODAL_EVENTS"
LARGEST_VALUE = 32 * 1024
"""Bytes of JSON text; a larger value travels by reference, and stands in traces by its hash."""


def log_start(task: str, index: tuple[int, ...], attempt: int, *, file: str | None = None) -> None:
    """Log that an attempt starts; `file` is the log where the environment does not name it."""
    _append({"event": "start", "task": task, "index": list(index), "attempt": attempt}, file)


def log_end(
    task: str,
    index: tuple[int, ...],
    attempt: int,
    outcome: str,
    *,
    outputs: Mapping[str, Any] | None = None,
    artifacts: Mapping[str, str] | None = None,
    error: str = "",
    file: str | None = None,
) -> None:
    """Log how an attempt ended.

    Args:
        task: Task id.
        index: Index path of the instance.
        attempt: Counts from 1.
        outcome: `succeeded`, `cached`, `skipped`, `failed`, `timed_out` or `interrupted`.
        outputs: Values of parameters by output name.
        artifacts: SHA-256 of artifacts by output name.
        error: Class and message of what went wrong.
        file: The log, where the environment does not name it.
    """
    event: dict[str, Any] = {"event": "end", "task": task, "index": list(index), "attempt": attempt}
    event["outcome"] = outcome
    if outputs:
        event["outputs"] = {name: condensed(value) for name, value in outputs.items()}
    if artifacts:
        event["artifacts"] = dict(artifacts)
    if error:
        event["error"] = error
    _append(event, file)


def canonical(value: Any) -> str:
    """The one JSON text of a value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def condensed(value: Any) -> Any:
    """The value, or `{"$sha256": ...}` of its canonical JSON where that is long."""
    if isinstance(value, bool | int | float) or value is None:
        return value
    encoded = canonical(value).encode("utf-8", "surrogatepass")
    if len(encoded) <= LARGEST_VALUE:
        return value
    return {"$sha256": hashlib.sha256(encoded).hexdigest()}


def _append(event: dict[str, Any], file: str | None = None) -> None:
    path = file or os.environ.get(VARIABLE)
    if not path:
        return
    line = json.dumps({**event, "time": time.time(), "pid": os.getpid(), "source": "runtime"})
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(descriptor, line.encode() + b"\n")
    finally:
        os.close(descriptor)
