"""Run and load one compiled pipeline with the KFP SDK's local runner; started by `engines.kfp`."""

from __future__ import annotations

import os
import re
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from kfp import components, local
from kfp.local import subprocess_task_handler
from kfp.local.orchestrator import (
    dag_orchestrator,  # noqa: F401 - imported now, before the first case
    enhanced_dag_orchestrator,
    task_executor,
)

from intermodal_backends.engines.workers.serve import Request, serve

STATES = {"SUCCESS": "succeeded", "FAILURE": "failed"}


def main() -> None:
    """The SDK is imported by now: serve."""
    serve({"run": run, "load": load})


def run(request: Request) -> dict[str, Any]:
    """Run the pipeline with one subprocess per task; its tasks' states as the runner saw them."""
    states: dict[str, str] = {}
    task_executor.execute_single_task = _recording(task_executor.execute_single_task, states)
    _note_skips(states)
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
        return {"succeeded": False, "states": states}
    return {"succeeded": True, "states": states}


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


def _recording(execute: Callable[..., Any], states: dict[str, str]) -> Callable[..., Any]:
    def record(*args: Any, task_name: str, pipeline_resource_name: str, **rest: Any) -> Any:
        instance = task_name + _index_of(pipeline_resource_name)
        try:
            outputs, status = execute(
                *args, task_name=task_name, pipeline_resource_name=pipeline_resource_name, **rest
            )
        except Exception:
            states[instance] = STATES["FAILURE"]
            raise
        states[instance] = STATES[status.name]
        return outputs, status

    return record


def _index_of(resource_name: str) -> str:
    """The positions in the loops around, which the runner keeps in the name of the run it gives to them."""
    return "".join(f"[{position}]" for position in re.findall(r"-iteration-(\d+)", resource_name))


def _note_skips(states: dict[str, str]) -> None:
    """Note which tasks are skipped, of which the runner says nothing: those under a false condition."""
    running = threading.local()
    run_dag = enhanced_dag_orchestrator.run_enhanced_dag
    evaluator = enhanced_dag_orchestrator.ConditionEvaluator
    evaluate = evaluator.evaluate_condition

    def run_enhanced_dag(**arguments: Any) -> Any:
        outer = getattr(running, "dag", None)
        running.dag = arguments
        try:
            return run_dag(**arguments)
        finally:
            running.dag = outer

    def evaluate_condition(condition: str, io_store: Any) -> bool:
        holds: bool = evaluate(condition, io_store)
        if not holds:
            dag = running.dag
            index = _index_of(dag["pipeline_resource_name"])
            for name, task in dag["dag_component_spec"].dag.tasks.items():
                if task.trigger_policy.condition == condition:
                    for inner in _tasks_inside(name, task, dag["components"]):
                        states[inner + index] = "skipped"
        return holds

    enhanced_dag_orchestrator.run_enhanced_dag = run_enhanced_dag
    evaluator.evaluate_condition = staticmethod(evaluate_condition)


def _tasks_inside(name: str, task: Any, components: dict[str, Any]) -> Iterator[str]:
    """The names of the tasks with programs that a task holds; those in loops have no instances then."""
    component = components[task.component_ref.name]
    if component.WhichOneof("implementation") != "dag":
        yield name
        return
    if task.WhichOneof("iterator"):
        return
    for inner, inner_task in component.dag.tasks.items():
        yield from _tasks_inside(inner, inner_task, components)


if __name__ == "__main__":
    main()
