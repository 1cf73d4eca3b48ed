"""Run and load one compiled pipeline with the KFP SDK's local runner; started by `engines.kfp`."""

from __future__ import annotations

import os
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kfp import components, local
from kfp.local import subprocess_task_handler
from kfp.local.orchestrator import (  # noqa: F401
    dag_orchestrator,
    enhanced_dag_orchestrator,
    task_executor,
)

from intermodal_backends.engines.workers.serve import Request, number_repeats, serve

STATES = {"SUCCESS": "succeeded", "FAILURE": "failed"}


def main() -> None:
    """The SDK is imported by now: serve."""
    serve({"run": run, "load": load})


def run(request: Request) -> dict[str, Any]:
    """Run the pipeline with one subprocess per task; its tasks' states as the runner saw them."""
    calls: list[tuple[str, str]] = []
    task_executor.execute_single_task = _recording(task_executor.execute_single_task, calls)
    _let_containers_be_subprocesses()
    scratch = Path(request["scratch"])
    local.init(
        local.SubprocessRunner(use_venv=False),
        pipeline_root=str(scratch / "outputs"),
        workspace_root=str(scratch / "workspace"),
    )
    pipeline = components.load_component_from_file(os.fspath(_spec(request)))
    try:
        pipeline(**request["parameters"])
    except Exception:  # the runner raises for a failed task, with whatever it met
        traceback.print_exc()
        return {"succeeded": False, "states": number_repeats(calls)}
    return {"succeeded": True, "states": number_repeats(calls)}


def load(request: Request) -> list[str]:
    """Read the specification with the SDK's loader; its error, or its warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            components.load_component_from_file(os.fspath(_spec(request)))
        except Exception as problem:  # whatever it is, it is what a user would be shown
            return [f"{type(problem).__name__}: {problem}"]
    return [f"{warning.category.__name__}: {warning.message}" for warning in caught]


def _spec(request: Request) -> Path:
    return Path(request["folder"]) / "pipeline.yaml"


def _let_containers_be_subprocesses() -> None:
    """Run container tasks on this machine: their image is not there, but their command is.

    The runner refuses tasks whose command does not name the SDK's own executor.
    """

    def accept(handler: Any, full_command: list[str]) -> None:
        """Any command will do."""

    handler = subprocess_task_handler.SubprocessTaskHandler
    handler.validate_not_container_component = accept


def _recording(execute: Callable[..., Any], calls: list[tuple[str, str]]) -> Callable[..., Any]:
    def record(*args: Any, task_name: str, **rest: Any) -> Any:
        try:
            outputs, status = execute(*args, task_name=task_name, **rest)
        except Exception:
            calls.append((task_name, STATES["FAILURE"]))
            raise
        calls.append((task_name, STATES[status.name]))
        return outputs, status

    return record


if __name__ == "__main__":
    main()
