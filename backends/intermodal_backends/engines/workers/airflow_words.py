"""Airflow's words for states, and ours."""

from __future__ import annotations

from collections.abc import Iterable

# Airflow's states of a task instance that have another name here; others are handed on as they are.
STATES = {"success": "succeeded", "None": "none"}


def instance_states(rows: Iterable[tuple[str, int, object]]) -> dict[str, str]:
    """Instance id to state, from rows of task id, map index (-1 if not mapped) and Airflow's state."""
    states = {}
    for task, index, state in rows:
        instance = task if index < 0 else f"{task}[{index}]"
        states[instance] = STATES.get(str(state), str(state))
    return states
