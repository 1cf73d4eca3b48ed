"""Whether the compiled output reports to a tracker."""

from __future__ import annotations

from intermodal.analysis import graph
from intermodal.compiling import Settings
from intermodal.ir import Pipeline


def is_tracked(pipeline: Pipeline, settings: Settings) -> bool:
    """Whether runs are tracked: an address is given, or tasks log and workers may be given one."""
    if not pipeline.tracking.enabled:
        return False
    # A run that is compared has its tasks send through the runtime, whether they log or not.
    logs = not settings.trace and any(task.tracks for task in graph.tasks(pipeline))
    return bool(settings.tracking) or logs
