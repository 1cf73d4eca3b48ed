"""Airflow's words for states, and ours."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

# Airflow's states of a task instance that have another name here; others are handed on as they are.
STATES = {"success": "succeeded", "None": "none"}

# Airflow's trigger rules that have another name here.
RULES = {
    "dummy": "always",
    "none_failed_or_skipped": "none_failed_min_one_success",
    "all_done_setup_success": "all_done",
}

# The variable that tells a worker what people answer, as JSON by task id.
ANSWERS = "INTERMODAL_AIRFLOW_ANSWERS"

# The display name of a task that was written out for one item of a loop: `train[0]`, or `train[*][0]`
# where the position in a mapped list is one of them.
WRITTEN_OUT = re.compile(r"^(?P<task>[A-Za-z_][\w.\-]*)(?P<path>(\[(\d+|\*)\])+)$")


def instance_states(
    rows: Iterable[tuple[str, int, object]], names: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Instance id to state.

    Args:
        rows: Task id, map index (-1 if not mapped) and Airflow's state.
        names: Display names by task id.
    """
    states = {}
    for task, index, state in rows:
        instance = _instance(task, index, (names or {}).get(task, task))
        states[instance] = STATES.get(str(state), str(state))
    return states


def _instance(task: str, index: int, name: str) -> str:
    found = WRITTEN_OUT.match(name)
    if found is None or not task.startswith(f"{found['task']}."):
        return task if index < 0 else f"{task}[{index}]"
    if "*" not in found["path"]:
        return found["task"] + found["path"] + (f"[{index}]" if index >= 0 else "")
    return found["task"] + found["path"].replace("*", str(index))
