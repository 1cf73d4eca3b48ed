"""A bound on how long tracking may hold up the end of a task, however slow the tracker answers."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from intermodal.tracking.reading import payload_folder
from intermodal.tracking.tracker import TrackerError

VARIABLE = "INTERMODAL_TRACKING_BUDGET"
DEFAULT = 60.0  # seconds; a busy machine takes some of them to import a tracker
RATE = 4_000_000  # bytes a second that an upload may take its time for

_T = TypeVar("_T")


def seconds(log: Path | None = None) -> float:
    """How long sending may take: the setting, and time in proportion for the files of a log."""
    try:
        given = float(os.environ.get(VARIABLE) or DEFAULT)
    except ValueError:
        given = DEFAULT
    if not given >= 0:  # such as "nan"
        given = DEFAULT
    more = 0 if log is None else size_of(payload_folder(log)) / RATE
    return min(given + more, threading.TIMEOUT_MAX)


def within(limit: float, job: Callable[[], _T]) -> _T:
    """What the job gives or raises, if it takes no longer than `limit` seconds.

    A job that takes longer goes on in its thread and its result is dropped, so it has to be one that
    may be done again.

    Raises:
        TrackerError: The time is over.
    """
    results: list[_T] = []
    problems: list[BaseException] = []

    def work() -> None:
        try:
            results.append(job())
        except BaseException as problem:  # raised again where the job is waited for
            problems.append(problem)

    started = time.monotonic()
    thread = threading.Thread(target=work, name="intermodal-tracking-end", daemon=True)
    try:
        thread.start()
    except RuntimeError:  # the interpreter is ending, or may have no more threads
        return job()
    thread.join(limit)
    if results:
        return results[0]
    if problems:
        raise problems[0]
    passed = time.monotonic() - started
    raise TrackerError(
        f"the tracker was too slow: not done after {passed:.0f} seconds ({VARIABLE} sets the limit)"
    )


def size_of(place: Path) -> int:
    """The bytes of a file, or of all files in a folder; 0 for what is not there."""
    try:
        if not place.is_dir():
            return place.stat().st_size
        return sum(size_of(Path(entry.path)) for entry in os.scandir(place))
    except OSError:  # gone meanwhile
        return 0
