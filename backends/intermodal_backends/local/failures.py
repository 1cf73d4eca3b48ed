"""Failures as users want to see them: their own frames, and the end of what the attempt printed."""

from __future__ import annotations

import sysconfig
import traceback
from pathlib import Path

import intermodal
import intermodal_backends
from intermodal.runtime.problems import InfrastructureError, WrongValue

TAIL_LINES = 20
TAIL_BYTES = 16 * 1024

_OURS = tuple(
    str(Path(file).resolve().parent)
    for file in (intermodal.__file__, intermodal_backends.__file__)
    if file
)
_LIBRARIES = tuple(
    {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
)


def user_traceback(problem: BaseException) -> str:
    """The traceback without our frames and without those of libraries, but for the one that raised.

    Of a problem that we tell of ourselves only what is the user's: nothing if no frame of it is.
    """
    told = traceback.TracebackException.from_exception(problem)
    if isinstance(problem, InfrastructureError | WrongValue):
        return _users_part(told)
    seen: set[int] = set()
    pending = [told]
    while pending:
        current = pending.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        _keep_user_frames(current.stack)
        pending += [inner for inner in (current.__cause__, current.__context__) if inner]
        pending += getattr(current, "exceptions", None) or []
    return "".join(told.format()).rstrip("\n")


def _users_part(told: traceback.TracebackException) -> str:
    """Without what led to it in our own code and in libraries: the message says what that was."""
    told.stack[:] = [frame for frame in told.stack if _is_users(frame)]
    cause = told.__cause__ or (None if told.__suppress_context__ else told.__context__)
    if cause is not None and not any(map(_is_users, cause.stack)):
        told.__cause__ = told.__context__ = None
    elif cause is not None:
        _keep_user_frames(cause.stack)
    if not told.stack and not (told.__cause__ or told.__context__):
        return ""
    return "".join(told.format()).rstrip("\n")


def _is_users(frame: traceback.FrameSummary) -> bool:
    return not frame.filename.startswith((*_OURS, *_LIBRARIES))


def _keep_user_frames(stack: traceback.StackSummary) -> None:
    frames = [frame for frame in stack if not frame.filename.startswith(_OURS)]
    kept = [frame for frame in frames if not frame.filename.startswith(_LIBRARIES)]
    if frames and frames[-1] not in kept:
        kept.append(frames[-1])
    stack[:] = kept


def log_tail(log: Path) -> str:
    """The last lines of a log; empty if there is none."""
    try:
        with log.open("rb") as stream:
            stream.seek(0, 2)
            size = stream.tell()
            stream.seek(max(0, size - TAIL_BYTES))
            text = stream.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return ""
    lines = text.splitlines()
    return "\n".join(lines[-TAIL_LINES:])
