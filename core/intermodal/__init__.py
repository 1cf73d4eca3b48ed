"""Intermodal: write a pipeline once, run it on any orchestrator.

The public names are loaded when they are first used, so that importing the package costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from intermodal import tracking as tracking
    from intermodal.artifacts.kinds import Directory, File, Html, Markdown, Metrics
    from intermodal.authoring.actions import container, input_path, output_path, shell
    from intermodal.authoring.pipelines import pipeline
    from intermodal.authoring.policies import (
        Cache,
        Cron,
        Interval,
        Manual,
        Resources,
        Retry,
        Schedule,
    )
    from intermodal.authoring.tasks import task
    from intermodal.ir.policies import Join

__version__ = "0.1.0"

_HOMES = {
    "Cache": "intermodal.authoring.policies",
    "Cron": "intermodal.authoring.policies",
    "Directory": "intermodal.artifacts.kinds",
    "File": "intermodal.artifacts.kinds",
    "Html": "intermodal.artifacts.kinds",
    "Interval": "intermodal.authoring.policies",
    "Join": "intermodal.ir.policies",
    "Manual": "intermodal.authoring.policies",
    "Markdown": "intermodal.artifacts.kinds",
    "Metrics": "intermodal.artifacts.kinds",
    "Resources": "intermodal.authoring.policies",
    "Retry": "intermodal.authoring.policies",
    "Schedule": "intermodal.authoring.policies",
    "container": "intermodal.authoring.actions",
    "input_path": "intermodal.authoring.actions",
    "output_path": "intermodal.authoring.actions",
    "pipeline": "intermodal.authoring.pipelines",
    "shell": "intermodal.authoring.actions",
    "task": "intermodal.authoring.tasks",
}

__all__ = [
    "Cache",
    "Cron",
    "Directory",
    "File",
    "Html",
    "Interval",
    "Join",
    "Manual",
    "Markdown",
    "Metrics",
    "Resources",
    "Retry",
    "Schedule",
    "container",
    "input_path",
    "output_path",
    "pipeline",
    "shell",
    "task",
    "tracking",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        value = getattr(importlib.import_module(_HOMES[name]), name)
        globals()[name] = value
        return value
    if name in ("runtime", "tracking"):
        return importlib.import_module(f"intermodal.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
