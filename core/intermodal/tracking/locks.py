"""File locks between processes of one machine; the kernel drops them when a process dies."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

POLL = 0.01  # seconds between two attempts


def lock(descriptor: int) -> bool | None:
    """Lock an open file for as long as it stays open.

    Returns:
        True if it is locked now, False if another process holds it, None where there are no locks: on
        Windows, and on filesystems that have none.
    """
    if sys.platform == "win32":
        return None
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def try_hold(descriptor: int) -> bool:
    """Lock an open file for as long as it stays open; False if another process holds it.

    Where there are no locks, nothing is locked and the answer is True.
    """
    return lock(descriptor) is not False


def release(descriptor: int) -> None:
    """Give up what `try_hold` took, also where forked children have the file open still."""
    if sys.platform != "win32":
        import fcntl

        with suppress(OSError):  # no locks here
            fcntl.flock(descriptor, fcntl.LOCK_UN)


@contextmanager
def hold(path: Path, wait: float) -> Iterator[bool]:
    """Hold the lock file `path`, waiting at most `wait` seconds; gives whether it is held.

    Whoever uses this must be right without the lock, too: it may lie on a filesystem that has
    no locks, belong to another user, or be held for longer than `wait`.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
    except OSError:
        yield False
        return
    try:
        deadline = time.monotonic() + wait
        held = try_hold(descriptor)
        while not held and time.monotonic() < deadline:
            time.sleep(POLL)
            held = try_hold(descriptor)
        yield held
    finally:
        if held:
            release(descriptor)
        os.close(descriptor)
