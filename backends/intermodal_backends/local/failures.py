"""Failures as users want to see them: their own frames, and the end of what the attempt printed."""

from __future__ import annotations

import sysconfig
import traceback
from pathlib import Path

import intermodal
import intermodal_backends

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
    """The traceback without our frames and without those of libraries, but for the one that raised."""
    told = traceback.TracebackException.from_exception(problem)
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
