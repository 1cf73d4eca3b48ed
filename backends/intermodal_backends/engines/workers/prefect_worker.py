"""Run and load one flow file in a real Prefect; started by `engines.prefect`.

The server's address comes with each case, so that nothing here connects before the fork.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import prefect.context
import prefect.flow_engine
import prefect.main
from prefect import task_engine
from prefect.flows import Flow, load_flow_from_entrypoint
from prefect.server.schemas import schedules as server_schedules
from prefect.utilities.importtools import load_script_as_module

from intermodal_backends.engines.workers.prefect_words import state_word, task_name
from intermodal_backends.engines.workers.serve import Request, number_repeats, serve

ANSWER_EVERY = 0.3


def main() -> None:
    """Prefect is imported by now: serve."""
    serve({"run": run, "load": load})


def run(request: Request) -> dict[str, Any]:
    """Call the flow; whether it completed, and the last state of each task run."""
    _enter_settings()
    flow = _only_flow(Path(request["folder"]))
    task_runs: dict[str, tuple[str, str]] = {}
    task_engine.emit_task_run_state_change_event = _recording(
        task_engine.emit_task_run_state_change_event, task_runs
    )
    answers = json.loads(os.environ.get("INTERMODAL_PREFECT_ANSWERS", "{}"))
    if answers:
        threading.Thread(target=_answer, args=(answers,), daemon=True).start()
    state = flow(**request["parameters"], return_state=True)
    if inspect.isawaitable(state):
        state = asyncio.run(_finish(state))
    return {"succeeded": state.is_completed(), "states": number_repeats(task_runs.values())}


def load(request: Request) -> list[str]:
    """Import the flow file and read `prefect.yaml` as `prefect deploy` does, but strictly."""
    _enter_settings()
    folder = Path(request["folder"])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            _only_flow(folder)
            _read_deployments(folder)
        except Exception as problem:  # whatever it is, it is what a user would be shown
            return [f"{type(problem).__name__}: {problem}"]
    return [f"{warning.category.__name__}: {warning.message}" for warning in caught]


def _answer(answers: dict[str, str]) -> None:
    """Resume flow runs that were paused by a task, as people would in Prefect's pages."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter

    paused = FlowRunFilter.model_validate({"state": {"type": {"any_": ["PAUSED"]}}})
    done: set[tuple[str, str]] = set()
    with get_client(sync_client=True) as client:
        while True:
            for run in client.read_flow_runs(flow_run_filter=paused):
                asked = run.state.state_details.pause_key or "" if run.state else ""
                answer = next((a for name, a in answers.items() if _is_of(name, asked)), "nobody")
                if answer != "nobody" and (str(run.id), asked) not in done:
                    client.resume_flow_run(run.id, run_input={"approve": answer == "approve"})
                    done.add((str(run.id), asked))
            time.sleep(ANSWER_EVERY)


def _is_of(name: str, run_name: str) -> bool:
    """Whether a task run of this name is one of the task's."""
    return run_name == name or run_name.startswith((f"{name}-", f"{name}["))


def _enter_settings() -> None:
    """Read the settings again: the case's environment came after Prefect was imported."""
    prefect.context.refresh_global_settings_context()


async def _finish(awaitable: Any) -> Any:
    return await awaitable


def _only_flow(folder: Path) -> Any:
    path = folder / "flow.py"
    module = load_script_as_module(str(path))
    flows = {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, Flow) and value.fn.__module__ == module.__name__
    }
    if len(flows) != 1:
        raise RuntimeError(f"one flow was expected in {path}, found {sorted(flows)}")
    return next(iter(flows.values()))


def _recording(
    emit: Callable[..., Any], task_runs: dict[str, tuple[str, str]]
) -> Callable[..., Any]:
    """Note each task run's state on its way to the server, whose own records lag behind."""

    def record(*, task_run: Any, initial_state: Any, validated_state: Any, **rest: Any) -> Any:
        name = task_name(task_run.name, str(task_run.dynamic_key))
        word = state_word(validated_state.name, validated_state.type.value)
        task_runs[str(task_run.id)] = (name, word)
        return emit(
            task_run=task_run, initial_state=initial_state, validated_state=validated_state, **rest
        )

    return record


def _read_deployments(folder: Path) -> None:
    """Validate `prefect.yaml` as `prefect deploy` does, schedules and parameters included."""
    import yaml
    from prefect.cli.deploy._models import PrefectYamlModel
    from prefect.cli.deploy._schedules import _schedule_config_to_deployment_schedule

    path = folder / "prefect.yaml"
    if not path.exists():
        return
    model = PrefectYamlModel.model_validate(yaml.safe_load(path.read_text()))
    for deployment in model.deployments:
        entrypoint = deployment.entrypoint or ""
        flow = load_flow_from_entrypoint(str(folder / entrypoint))
        unknown = set(deployment.parameters) - set(inspect.signature(flow.fn).parameters)
        if unknown:
            raise ValueError(f"the flow takes no parameters {sorted(unknown)}")
        config = deployment.model_dump(exclude_unset=True, mode="json")
        for schedule in config.get("schedules") or []:
            _first_date(_schedule_config_to_deployment_schedule(schedule)["schedule"])


def _first_date(schedule: Any) -> None:
    """Ask a schedule for a date: only the server's models look at crons and rules closely."""
    kind = getattr(server_schedules, type(schedule).__name__)
    values = schedule.model_dump(exclude_unset=True)
    asyncio.run(kind.model_validate(values).get_dates(1))


if __name__ == "__main__":
    main()
