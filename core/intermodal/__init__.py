"""Intermodal: write a pipeline once, run it on any orchestrator.

The public names are loaded when they are first used, so that importing the package costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from intermodal import tracking as tracking
    from intermodal.artifacts.kinds import Directory, File, Html, Markdown, Metrics
    from intermodal.authoring.actions import (
        action,
        approval,
        container,
        input_path,
        input_value,
        noop,
        output_path,
        shell,
        trigger,
        wait_until,
    )
    from intermodal.authoring.capture import worker_imports
    from intermodal.authoring.data import data
    from intermodal.authoring.facts import default, is_in, run, secret, state_of, text
    from intermodal.authoring.hints import Param
    from intermodal.authoring.hosting import hosted, source
    from intermodal.authoring.pipelines import on_exit, pipeline
    from intermodal.authoring.policies import (
        Cache,
        Cron,
        Interval,
        Manual,
        Notification,
        OnData,
        OnEvent,
        Resources,
        Retry,
        Schedule,
        TaskDefaults,
        Tracking,
    )
    from intermodal.authoring.regions import choose, collect, for_each, group, when
    from intermodal.authoring.requests import http, sql
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
    "Notification": "intermodal.authoring.policies",
    "OnData": "intermodal.authoring.policies",
    "OnEvent": "intermodal.authoring.policies",
    "Param": "intermodal.authoring.hints",
    "Resources": "intermodal.authoring.policies",
    "Retry": "intermodal.authoring.policies",
    "Schedule": "intermodal.authoring.policies",
    "TaskDefaults": "intermodal.authoring.policies",
    "Tracking": "intermodal.authoring.policies",
    "action": "intermodal.authoring.actions",
    "approval": "intermodal.authoring.actions",
    "choose": "intermodal.authoring.regions",
    "collect": "intermodal.authoring.regions",
    "container": "intermodal.authoring.actions",
    "data": "intermodal.authoring.data",
    "default": "intermodal.authoring.facts",
    "for_each": "intermodal.authoring.regions",
    "group": "intermodal.authoring.regions",
    "hosted": "intermodal.authoring.hosting",
    "http": "intermodal.authoring.requests",
    "input_path": "intermodal.authoring.actions",
    "input_value": "intermodal.authoring.actions",
    "is_in": "intermodal.authoring.facts",
    "noop": "intermodal.authoring.actions",
    "on_exit": "intermodal.authoring.pipelines",
    "output_path": "intermodal.authoring.actions",
    "pipeline": "intermodal.authoring.pipelines",
    "run": "intermodal.authoring.facts",
    "secret": "intermodal.authoring.facts",
    "shell": "intermodal.authoring.actions",
    "source": "intermodal.authoring.hosting",
    "sql": "intermodal.authoring.requests",
    "state_of": "intermodal.authoring.facts",
    "task": "intermodal.authoring.tasks",
    "text": "intermodal.authoring.facts",
    "trigger": "intermodal.authoring.actions",
    "wait_until": "intermodal.authoring.actions",
    "when": "intermodal.authoring.regions",
    "worker_imports": "intermodal.authoring.capture",
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
    "Notification",
    "OnData",
    "OnEvent",
    "Param",
    "Resources",
    "Retry",
    "Schedule",
    "TaskDefaults",
    "Tracking",
    "action",
    "approval",
    "choose",
    "collect",
    "container",
    "data",
    "default",
    "for_each",
    "group",
    "hosted",
    "http",
    "input_path",
    "input_value",
    "is_in",
    "noop",
    "on_exit",
    "output_path",
    "pipeline",
    "run",
    "secret",
    "shell",
    "source",
    "sql",
    "state_of",
    "task",
    "text",
    "tracking",
    "trigger",
    "wait_until",
    "when",
    "worker_imports",
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
