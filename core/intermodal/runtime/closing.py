"""Telling the tracker how a pipeline run ended, for engines that call a hook then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from intermodal.runtime.context import Context

if TYPE_CHECKING:
    from intermodal.tracking.identity import TaskIdentity
    from intermodal.tracking.records import State

ENDS: dict[str, State] = {"succeeded": "finished", "failed": "failed"}
"""The tracker's words; a run that ended in any other way was killed."""


def close_run(context: Context, state: str) -> str:
    """Set how the pipeline run ended in the tracker. Never raises: it runs in the engine's own processes.

    Args:
        context: The run's, its `task` empty; or that of any of its tasks.
        state: `succeeded`, `failed`, or any other word for a run that was killed (`cancelled`, `crashed`).

    Returns:
        Where the tracker shows the run; empty if nowhere. What went wrong is printed.
    """
    from intermodal.runtime.call import report

    if not context.is_tracked:
        return ""
    uri = context.tracking_uri
    from intermodal.tracking.parking import park
    from intermodal.tracking.session import close_run as close
    from intermodal.tracking.spool import Sending, unavailable

    sending = Sending()
    try:
        ended = ENDS.get(state, "killed")
        findings = close(identity_of(context), ended, uri, context.work_folder, sending)
        report(findings + park(sending.kept, context.store_uri))
    except Exception as problem:  # such as a folder that cannot be named: the engine goes on
        report([unavailable(uri, problem, None)])
    return sending.pages.run


def identity_of(context: Context, code_hash: str = "") -> TaskIdentity:
    """What a tracker finds the runs of a context's attempt by."""
    from intermodal.tracking.identity import TaskIdentity

    return TaskIdentity(
        pipeline=context.pipeline,
        run_id=context.run_id,
        task=context.task,
        index=context.index,
        attempt=context.attempt,
        target=context.target or "local",
        parameters=context.parameters,
        link=context.link,
        run_link=context.run_link,
        experiment=context.experiment,
        tags=context.tags,
        last=context.last,
        given=context.given,
        code_hash=code_hash,
    )
