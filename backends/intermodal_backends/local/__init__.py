"""The embedded engine: runs a pipeline on this machine, and is the reference for what a run means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from intermodal.running import (
    Listener,
    Progress,
    RunOptions,
    RunResult,
    TaskFailure,
    TaskResult,
)

if TYPE_CHECKING:
    from intermodal.features import Capabilities
    from intermodal.ir import Pipeline

__all__ = [
    "Listener",
    "LocalBackend",
    "Progress",
    "RunOptions",
    "RunResult",
    "TaskFailure",
    "TaskResult",
    "run_pipeline",
]


def run_pipeline(
    pipeline: Pipeline,
    parameters: Mapping[str, Any] | None = None,
    options: RunOptions | None = None,
) -> RunResult:
    """Run a pipeline to its end on this machine.

    Args:
        pipeline: A valid pipeline (`analysis.validate`).
        parameters: JSON values; the rest have their defaults.
        options: How to run.

    Raises:
        FindingsError: PORT603 parameters, PORT606 something this engine cannot run, PORT608 an
            approval that nobody can answer, PORT609 a triggered pipeline that is not there, PORT611 a
            pool that is too small, PORT602 or PORT607 a run that cannot be resumed, PORT006 the
            store cannot be written.
    """
    from intermodal_backends.local.runs import run

    return run(pipeline, parameters or {}, options or RunOptions())


class LocalBackend:
    """What the entry point gives."""

    name = "local"
    versions = ("1",)

    def capabilities(self, version: str = "1") -> Capabilities:  # noqa: ARG002 - there is one only
        """What it does with each feature, as compilers say it of their targets."""
        from intermodal_backends.local.capabilities import CAPABILITIES

        return CAPABILITIES

    def run(
        self,
        pipeline: Pipeline,
        parameters: Mapping[str, Any] | None = None,
        options: RunOptions | None = None,
    ) -> RunResult:
        """See `run_pipeline`."""
        return run_pipeline(pipeline, parameters, options)
