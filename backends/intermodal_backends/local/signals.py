"""Ctrl-C and SIGTERM during a run: noted, so that the engine ends its workers in order."""

from __future__ import annotations

import signal
import socket
import threading
from types import FrameType, TracebackType
from typing import Any, Self

STOPPING = (signal.SIGINT, signal.SIGTERM)


class StopSignals:
    """Counts the signals that ask the run to stop; a context manager.

    `wakeup` becomes readable with each of them. Only a program's main thread can have handlers: a run
    in another thread leaves signals to the program.
    """

    def __init__(self) -> None:
        self.count = 0
        self._woken, self._waker = socket.socketpair()
        self._woken.setblocking(False)
        self._waker.setblocking(False)
        self._before: dict[int, Any] = {}
        self._wakeup_before = -1

    @property
    def wakeup(self) -> int:
        """A descriptor to wait for."""
        return self._woken.fileno()

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._wakeup_before = signal.set_wakeup_fd(self._waker.fileno())
            self._before = {number: signal.signal(number, self._note) for number in STOPPING}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if self._before:
            signal.set_wakeup_fd(self._wakeup_before)
        self._woken.close()
        self._waker.close()

    def clear(self) -> None:
        """Make `wakeup` unreadable until the next signal."""
        try:
            while self._woken.recv(4096):
                continue
        except BlockingIOError:
            return

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.count += 1
