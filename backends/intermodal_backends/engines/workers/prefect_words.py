"""Prefect's words for task runs, and ours."""

from __future__ import annotations

# Names of states first, as they are finer than types. NotReady is what follows a failure upstream;
# UpstreamFailed is what our flows make of it where they decide themselves.
STATES = {
    "Cached": "cached",
    "Skipped": "skipped",
    "NotReady": "upstream_failed",
    "UpstreamFailed": "upstream_failed",
    "COMPLETED": "succeeded",
    "FAILED": "failed",
    "CRASHED": "failed",
    "CANCELLED": "cancelled",
}


def state_word(name: str, kind: str) -> str:
    """Our word for a state by its name and its type; Prefect's own, in lower case, without one."""
    return STATES.get(name) or STATES.get(kind) or name.lower()


def task_name(run_name: str, dynamic_key: str) -> str:
    """The name of a task run without the counter that Prefect adds to a name it makes up."""
    return run_name.removesuffix(f"-{dynamic_key[:3]}")
