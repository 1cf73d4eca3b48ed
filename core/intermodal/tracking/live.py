"""Sending a log while its task still runs, so that a long training can be watched.

A thread looks at the log every few seconds. It begins late: a short task is sent whole when it ends, and
does not pay for importing a tracker while it works. Whatever fails here is tried again at the end of the
task, which is where it is reported.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from intermodal.tracking.reading import ReadLog
from intermodal.tracking.spool import Sending, send_part
from intermodal.tracking.tracker import beside_the_task, resolve

if TYPE_CHECKING:
    from pathlib import Path

FIRST = 5.0  # seconds after the start of the task
EVERY = 5.0  # seconds between two looks
PATIENCE = 10.0  # seconds that the end of a task waits for a part that is being sent
TRIES = 3  # failures in a row after which the rest waits for the end


class Live:
    """The thread that sends one growing log."""

    def __init__(self, path: Path, uri: str, sending: Sending) -> None:
        self._path = path
        self._uri = uri
        self._sending = sending
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._work, name="intermodal-tracking", daemon=True)

    def start(self) -> None:
        """Begin to look at the log; where there may be no more threads, it is sent at its end alone."""
        with suppress(RuntimeError):
            self._thread.start()

    def stop(self) -> Sending:
        """Send no more parts, and tell how far it came.

        A part that is on its way to a slow server is waited for a moment only: it is sent again, which
        changes nothing.
        """
        self._ending.set()
        if self._thread.ident is not None:
            self._thread.join(PATIENCE)
        return Sending() if self._thread.is_alive() else self._sending

    def _work(self) -> None:
        beside_the_task.set(True)
        if self._ending.wait(FIRST):
            return
        failures = 0
        while failures < TRIES:
            try:
                if not self._send():
                    return
                failures = 0
            except Exception:  # whatever it is, the end of the task sends and tells it
                failures += 1
            if self._ending.wait(EVERY):
                return

    def _send(self) -> bool:
        """Send what is new, if anything is; False if the tracker takes logs at their end only."""
        sending = self._sending
        if sending.sent >= self._path.stat().st_size:
            return True
        if sending.tracker is None:
            sending.tracker = resolve(self._uri)
        if not getattr(sending.tracker, "live", False):
            return False
        send_part(ReadLog(self._path), sending.tracker, sending, self._ending.is_set)
        return True
