"""What a local run takes and gives: the types are core's, because the command line uses them too."""

from __future__ import annotations

from intermodal.running import (
    Listener,
    Progress,
    RunOptions,
    RunResult,
    RunState,
    TaskFailure,
    TaskResult,
)

__all__ = [
    "Listener",
    "Progress",
    "RunOptions",
    "RunResult",
    "RunState",
    "TaskFailure",
    "TaskResult",
]
