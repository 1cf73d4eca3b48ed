"""The process that forks workers.

It is forked from the engine's process before that has threads, and does nothing else: so a worker can be
replaced at any time without forking a process in which a thread may hold a lock. It tells the engine
when a worker has died and how, and when the engine itself is gone it kills all workers.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import struct
import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

NUMBER = struct.Struct("!I")
REPORT = struct.Struct("!cIii")
"""What happened (`BORN` or `DIED`), the worker's number, its process id, its wait status."""
BORN = b"B"
DIED = b"D"


def start_nursery(serve: Callable[[socket.socket], None]) -> tuple[socket.socket, int]:
    """Fork the nursery; `serve` is what each worker runs on its connection.

    Returns:
        The connection for orders (a number with a file descriptor) and reports, and the process id.
    """
    ours, theirs = socket.socketpair()
    with warnings.catch_warnings():
        # Python warns where native threads exist, which numerical libraries start when they
        # are imported. They are made for forks.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid:
        theirs.close()
        return ours, pid
    try:
        ours.close()
        _nurse(theirs, serve)
    finally:
        os._exit(0)


def order_worker(orders: socket.socket, number: int, connection: socket.socket) -> None:
    """Have the nursery fork a worker that serves this connection."""
    socket.send_fds(orders, [NUMBER.pack(number)], [connection.fileno()])


def _nurse(orders: socket.socket, serve: Callable[[socket.socket], None]) -> None:
    os.setsid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, _wake_only)
    woken, waker = socket.socketpair()
    for end in (woken, waker):
        end.setblocking(False)
    signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
    workers: dict[int, int] = {}
    while True:
        readable, _, _ = select.select([orders, woken], [], [])
        if woken in readable:
            woken.recv(4096)
            _report_dead(orders, workers)
        if orders in readable:
            data, descriptors, _, _ = socket.recv_fds(orders, NUMBER.size, 1)
            if not data:
                break
            number = NUMBER.unpack(data)[0]
            with socket.socket(fileno=descriptors[0]) as connection:
                pid = _fork_worker([orders, woken, waker], connection, serve)
            workers[pid] = number
            orders.sendall(REPORT.pack(BORN, number, pid, 0))
    signal.set_wakeup_fd(-1)
    for pid in workers:
        signal_group(pid, signal.SIGKILL)


def _fork_worker(
    ours: list[socket.socket], connection: socket.socket, serve: Callable[[socket.socket], None]
) -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if not pid:
        _serve_and_exit(ours, connection, serve)
    return pid


def _serve_and_exit(
    ours: list[socket.socket], connection: socket.socket, serve: Callable[[socket.socket], None]
) -> NoReturn:
    code = 1
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        for end in ours:
            end.close()
        serve(connection)
        code = 0
    finally:
        os._exit(code)


def _report_dead(orders: socket.socket, workers: dict[int, int]) -> None:
    for pid in list(workers):
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            orders.sendall(REPORT.pack(DIED, workers.pop(pid), pid, status))


def signal_group(pid: int, which: int) -> None:
    """Signal a worker and everything it has started, as far as that is still there."""
    with suppress(ProcessLookupError):
        os.killpg(pid, which)


def _wake_only(_signal: int, _frame: object) -> None:
    """The signal itself wakes the loop; a handler must exist for that."""
