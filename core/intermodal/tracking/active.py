"""Which task's log a call belongs to, from any thread of the process.

The rule, in this order:

1. The log of the current context (`contextvars`): set in the thread that runs the task, and carried
   along by asyncio and `asyncio.to_thread`.
2. In a thread the user started, which has no context of the task: the log of the only task that
   is active in the process. Engines with a process per task always end here.
3. Several tasks are active (Prefect runs them in threads of one process) and nothing tells which
   of them started the thread: the record goes to none of them, and each of their logs
   gets a note. A guess could file one task's numbers under another. `tracking.carry(function)`
   takes the task along into such a thread.

A context whose task has ended keeps that task: late records are dropped, never filed elsewhere.
"""

from __future__ import annotations

import os
import threading
from contextvars import ContextVar
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from intermodal.tracking.log import EventLog

_P = ParamSpec("_P")
_R = TypeVar("_R")

_current: ContextVar[EventLog | None] = ContextVar("intermodal_tracking_log", default=None)
_active: tuple[EventLog, ...] = ()  # replaced as a whole, so that readers need no lock
_changing = threading.Lock()


def _after_fork() -> None:
    """In a forked child: renew the locks that another thread of the parent may have held."""
    global _changing  # noqa: PLW0603
    _changing = threading.Lock()
    for log in _active:
        log.renew_lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def activate(log: EventLog) -> EventLog | None:
    """Make `log` the current one; returns what was current before, for `deactivate`."""
    global _active  # noqa: PLW0603
    before = _current.get()
    with _changing:
        _active = (*_active, log)
    _current.set(log)
    return before


def deactivate(log: EventLog, before: EventLog | None) -> None:
    """Undo `activate`."""
    global _active  # noqa: PLW0603
    with _changing:
        _active = tuple(other for other in _active if other is not log)
    if _current.get() is log:
        _current.set(before)


def current() -> EventLog | None:
    """The log that a record made here and now belongs to, by the rule above."""
    log = _current.get()
    if log is not None:
        return log
    active = _active
    if not active:
        return None
    if len(active) == 1:
        return active[0]
    for other in active:
        other.note_stray()
    return None


def carry(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Bind `function` to the task that calls `carry`, for use in another thread.

    `pool.submit(tracking.carry(work), item)` logs to the right task where several tasks share a
    process. Outside a task the function is unchanged.
    """
    log = current()
    if log is None:
        return function

    @wraps(function)
    def carried(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        token = _current.set(log)
        try:
            return function(*args, **kwargs)
        finally:
            _current.reset(token)

    return carried
