"""Where in the user's own file something is being done right now."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import islice
from pathlib import Path
from types import CodeType, FrameType, TracebackType

from intermodal.findings import Span

PACKAGE = str(Path(__file__).resolve().parent.parent)
NOT_THE_USERS = (PACKAGE, contextlib.__file__)
"""Files between a user's line and what it calls: ours, and what enters our `with` blocks."""
_root: ContextVar[Path | None] = ContextVar("intermodal_root", default=None)


@contextmanager
def shown_below(root: Path | None) -> Iterator[None]:
    """Within this context places are shown relative to `root`."""
    token = _root.set(root)
    try:
        yield
    finally:
        _root.reset(token)


def caller_span() -> Span | None:
    """The place of the call in the nearest frame that is not Intermodal's own."""
    frame = _users_frame()
    if frame is None:
        return None
    line, column = _position(frame.f_code, frame.f_lasti, frame.f_lineno)
    return Span(file=shown_path(frame.f_code.co_filename), line=line, column=column)


def caller_module() -> tuple[str, str]:
    """The file and the module of that call; empty if there is none."""
    frame = _users_frame()
    if frame is None:
        return "", ""
    return frame.f_code.co_filename, str(frame.f_globals.get("__name__", ""))


def _users_frame() -> FrameType | None:
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(NOT_THE_USERS):
        frame = frame.f_back
    return frame


def function_span(code: CodeType) -> Span:
    """The place where a function is defined."""
    return Span(file=shown_path(code.co_filename), line=code.co_firstlineno)


def traceback_span(traceback: TracebackType | None, file: Path) -> Span:
    """The last line of `file` that was running when an exception was raised."""
    found = Span(file=shown_path(str(file)))
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if code.co_filename == str(file):
            line, column = _position(code, traceback.tb_lasti, traceback.tb_lineno)
            found = Span(file=shown_path(str(file)), line=line, column=column)
        traceback = traceback.tb_next
    return found


def shown_path(file: str) -> str:
    """The path as findings show it: relative to the root of `shown_below`, where it lies below that."""
    path, root = Path(file), _root.get()
    if root is not None and path.is_absolute() and path.is_relative_to(root):
        return path.relative_to(root).as_posix()
    return path.as_posix()


def _position(code: CodeType, instruction: int, line: int) -> tuple[int, int]:
    position = next(islice(code.co_positions(), instruction // 2, None), None)
    if position is None or position[2] is None or position[0] is None:
        return line, 1
    return position[0], position[2] + 1
