"""Tasks that do nothing themselves: joints of the graph, starts of other pipelines, and what cannot move."""

from __future__ import annotations

from collections.abc import Mapping

from intermodal.ir import Expression, Literal_, MapOf, Noop, Task, TriggerRun
from intermodal.ir.node import IDENTIFIER_PATTERN
from intermodal_compilers.airflow.translate.context import Context, hosted_of
from intermodal_compilers.airflow.translate.hosting import host
from intermodal_compilers.airflow.translate.jinja import NotUnderstoodError, values_of
from intermodal_compilers.airflow.translate.kinds import name_of
from intermodal_compilers.airflow.translate.sources import read

# What the started run has of its own here.
TRIGGER_SETTINGS: Mapping[str, str] = {
    "trigger_run_id": "the engine names the run that is started",
    "logical_date": "the run that is started has dates of its own",
    "execution_date": "the run that is started has dates of its own",
    "reset_dag_run": "every start makes a new run",
    "skip_when_already_exists": "every start makes a new run",
    "allowed_states": "the task waits for success",
    "failed_states": "a run that fails fails the task",
    "note": "a run has no note",
    "fail_when_dag_is_paused": "other engines have no paused pipelines",
    "run_after": "the run starts at once",
}
SILENT = frozenset({"trigger_dag_id", "conf", "wait_for_completion", "poke_interval", "deferrable"})


def noop_task(task: Task, context: Context) -> Task:
    """A task that only joins edges."""
    outputs = {name: type_ for name, type_ in task.outputs.items() if context.pulled.get(task.id)}
    if outputs:
        return host(task, context)
    return task.model_copy(update={"action": Noop.of(), "inputs": {}, "outputs": {}})


def latest_only_task(task: Task, context: Context) -> Task:
    """Airflow's way of running something for the latest interval only."""
    context.warn(
        f"`{task.id}` lets every run go on",
        task.span,
        "other engines fill in no past intervals by themselves, so that each run is the latest",
        "drop the task if that holds for you, or put a condition in its place",
    )
    return noop_task(task, context)


def trigger_task(task: Task, context: Context) -> Task:
    """Airflow's `TriggerDagRunOperator`."""
    arguments = hosted_of(task).arguments
    pipeline = read(arguments.get("trigger_dag_id"))
    if not isinstance(pipeline, str) or not is_identifier(pipeline):
        return _refuse(task, context, "which DAG it starts is known only when it runs")
    try:
        parameters = _conf(arguments.get("conf"), task, context)
    except NotUnderstoodError:
        return _refuse(task, context, "the values it starts it with are known only when it runs")
    for name in arguments:
        if name in TRIGGER_SETTINGS and read(arguments[name]) not in (None, False):
            context.warn_once(f"TriggerDagRunOperator.{name}", TRIGGER_SETTINGS[name], task.span)
    if set(arguments) - set(TRIGGER_SETTINGS) - SILENT:
        return _refuse(task, context, "it is made with settings that only Airflow knows")
    wait = read(arguments.get("wait_for_completion")) is True
    action = TriggerRun.of(pipeline=pipeline, parameters=parameters, wait=wait)
    return task.model_copy(update={"action": action, "inputs": {}, "outputs": {}})


def is_identifier(text: str) -> bool:
    """Whether a pipeline may have this name."""
    import re

    return re.match(IDENTIFIER_PATTERN, text) is not None


def _conf(given: Expression | None, task: Task, context: Context) -> dict[str, Expression]:
    if given is None or (isinstance(given, Literal_) and given.value is None):
        return {}
    found = values_of(given, task.id, context)
    if isinstance(found, MapOf):
        return dict(found.entries)
    if isinstance(found, Literal_) and isinstance(found.value, dict):
        return {name: Literal_.of(value=value) for name, value in found.value.items()}
    raise NotUnderstoodError("conf")


def _refuse(task: Task, context: Context, why: str) -> Task:
    context.fail(
        f"`{task.id}` cannot start its DAG from here", task.span, why, "write its arguments plainly"
    )
    return task.model_copy(update={"action": Noop.of(), "inputs": {}, "outputs": {}})


def airflow_only_task(task: Task, context: Context) -> Task:
    """A class that asks Airflow's own database."""
    name = name_of(hosted_of(task).class_path)
    context.fail(
        f"`{task.id}` is a `{name}`, which only Airflow can run",
        task.span,
        "it asks Airflow's own database about other DAGs, or about people's answers",
        "let the other pipeline start this one, wait for its data instead, or keep the DAG on Airflow",
    )
    return task.model_copy(update={"action": Noop.of(), "inputs": {}, "outputs": {}})
