"""A fixed number of worker processes: orders go out, replies and deaths come in, the dead are replaced."""

from __future__ import annotations

import os
import selectors
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from intermodal_backends.local import nursery, wire


@dataclass
class Worker:
    """A worker process; `pid` is 0 until it is known. An extra one serves one order and is not replaced."""

    number: int
    connection: socket.socket
    pid: int = 0
    extra: bool = False


@dataclass(frozen=True)
class Reply:
    """A worker's answer to its order."""

    worker: int
    message: Any


@dataclass(frozen=True)
class Death:
    """A worker ended without an answer; `how` says it in words."""

    worker: int
    how: str


class Pool:
    """Workers by number. A context manager: leaving it ends all of them.

    Args:
        size: How many.
        serve: What each runs on its connection.
        wakeups: Descriptors that end a wait when they become readable.
    """

    def __init__(
        self, size: int, serve: Callable[[socket.socket], None], wakeups: tuple[int, ...] = ()
    ) -> None:
        self._orders, self._nursery = nursery.start_nursery(serve)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._orders, selectors.EVENT_READ, None)
        for descriptor in wakeups:
            self._selector.register(descriptor, selectors.EVENT_READ, "wakeup")
        self._workers: dict[int, Worker] = {}
        self._dead: list[tuple[Worker, int]] = []
        self._busy: set[int] = set()
        self._idle: list[int] = []
        self._numbers = iter(range(1, 1 << 31))
        self._size = size

    def __enter__(self) -> Self:
        for _ in range(self._size):
            self._hire()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for worker in self._workers.values():
            if worker.number in self._busy:
                self.signal(worker.number, signal.SIGKILL)
            worker.connection.close()
        # The nursery kills what is left when its connection ends.
        self._orders.close()
        os.waitpid(self._nursery, 0)
        self._selector.close()

    @property
    def has_idle(self) -> bool:
        """Whether an order would start at once."""
        return bool(self._idle)

    def order(self, message: Any) -> int:
        """Give an idle worker something to do; returns its number."""
        return self._give(self._idle.pop(), message)

    def order_extra(self, message: Any) -> int:
        """Give something to do to a worker of its own, apart from the fixed number; returns its number."""
        worker = self._hire(extra=True)
        return self._give(worker.number, message)

    def _give(self, number: int, message: Any) -> int:
        self._busy.add(number)
        # If it has just died, then its death is on the way and counts for this order.
        with suppress(ConnectionError):
            wire.send(self._workers[number].connection, message)
        return number

    def signal(self, number: int, which: int) -> None:
        """Signal a worker and everything it has started."""
        worker = self._workers.get(number)
        if worker is not None:
            nursery.signal_group(worker.pid, which)

    def retire(self, number: int) -> None:
        """Replace a worker that is not to be used again."""
        self._idle = [idle for idle in self._idle if idle != number]
        self.signal(number, signal.SIGKILL)

    def wait(self, timeout: float | None) -> list[Reply | Death]:
        """What happened; an empty list after `timeout` seconds, or when a wakeup came."""
        happened: list[Reply | Death] = []
        for found, _ in self._selector.select(0 if self._dead else timeout):
            if found.data is None:
                self._read_report()
            elif isinstance(found.data, Worker):
                happened += self._replies(found.data)
        while self._dead:
            happened += self._bury(*self._dead.pop(0))
        return happened

    def _hire(self, *, extra: bool = False) -> Worker:
        """Get one more worker; returns when it exists."""
        number = next(self._numbers)
        ours, theirs = socket.socketpair()
        with theirs:
            nursery.order_worker(self._orders, number, theirs)
        worker = Worker(number, ours, extra=extra)
        self._workers[number] = worker
        while not worker.pid:
            self._read_report()
        if not extra:
            self._idle.append(number)
        self._selector.register(ours, selectors.EVENT_READ, worker)
        return worker

    def _replies(self, worker: Worker) -> Iterator[Reply | Death]:
        if worker.number not in self._workers:
            return  # its death was handled in this very round
        message = wire.receive(worker.connection)
        if message is None:
            # The nursery tells how it ended; until then there is nothing more to read.
            self._selector.unregister(worker.connection)
            return
        self._busy.discard(worker.number)
        if worker.extra:
            self._selector.unregister(worker.connection)
            worker.connection.close()  # it ends when nobody is there to give orders
        else:
            self._idle.append(worker.number)
        yield Reply(worker.number, message)

    def _read_report(self) -> None:
        data = self._orders.recv(nursery.REPORT.size, socket.MSG_WAITALL)
        if len(data) < nursery.REPORT.size:
            raise RuntimeError("the process that starts workers has died")
        what, number, pid, status = nursery.REPORT.unpack(data)
        if what == nursery.BORN:
            self._workers[number].pid = pid
        else:
            self._dead.append((self._workers[number], status))

    def _bury(self, worker: Worker, status: int) -> Iterator[Reply | Death]:
        """Take what a dead worker still sent, and put a new one in its place."""
        message = None
        if worker.connection.fileno() >= 0:
            worker.connection.setblocking(False)
            with suppress(BlockingIOError):
                message = wire.receive(worker.connection)
            if worker.connection in self._selector.get_map():
                self._selector.unregister(worker.connection)
            worker.connection.close()
        was_busy = worker.number in self._busy
        del self._workers[worker.number]
        self._busy.discard(worker.number)
        self._idle = [number for number in self._idle if number != worker.number]
        # What it left running belongs to an attempt that is over.
        nursery.signal_group(worker.pid, signal.SIGKILL)
        if not worker.extra:
            self._hire()
        if message is not None:
            yield Reply(worker.number, message)
        elif was_busy:
            yield Death(worker.number, _how(status))


def _how(status: int) -> str:
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        return f"was killed by {signal.Signals(number).name}"
    return f"ended with exit code {os.WEXITSTATUS(status)}"
