"""What Airflow refuses of single tasks, value by value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from intermodal.analysis import graph
from intermodal.analysis.captured import local_module_findings
from intermodal.analysis.dissolve_groups import dissolve_groups
from intermodal.analysis.setups import is_setup
from intermodal.analysis.waits import is_teardown
from intermodal.compiling import Settings, Target
from intermodal.findings import Finding, error
from intermodal.ir import Container, Join, Literal_, Pipeline, Shell, Task
from intermodal_compilers.airflow import operators, templates
from intermodal_compilers.airflow.dialects import DIALECTS
from intermodal_compilers.airflow.policies import (
    resource_findings,
    retry_findings,
    timeout_findings,
)
from intermodal_compilers.airflow.waiting import waiting_findings


def tasks_findings(tasks: Iterable[Task], target: Target, settings: Settings) -> Iterator[Finding]:
    """All findings of all tasks."""
    dialect, name = DIALECTS[target.version], str(target)
    for task in tasks:
        yield from retry_findings(task, name, dialect)
        yield from resource_findings(task, name)
        yield from timeout_findings(task, name)
        yield from _output_findings(task, name)
        yield from _action_findings(task, name)
        yield from waiting_findings(task, name)
    if settings.code == "embed":
        instead = "install it on Airflow's workers, or compile with `--code import`"
        yield from local_module_findings(tasks, "the DAG file", instead)


def setup_findings(pipeline: Pipeline, target: Target) -> Iterator[Finding]:
    """What Airflow refuses of tasks right after a setup (`DAG.validate_setup_teardown`)."""
    if not any(is_setup(task) for task in graph.tasks(pipeline)):
        return
    flat = dissolve_groups(pipeline)
    setups = {task.id for task in graph.tasks(flat) if is_setup(task)}
    for task in graph.tasks(flat):
        after = next((name for name in graph.upstreams(task) if name in setups), None)
        if after is None or task.join is Join.ALL_SUCCESS or is_teardown(task):
            continue
        yield error(
            "PORT204",
            f"{target} cannot run `{task.id}` by the rule `{task.join}` right after a setup",
            task.span,
            why=f"Airflow lets what follows the setup `{after}` run only if that succeeded",
            next=f"let `{task.id}` run by the default rule, or put a task between the two",
        )


def _action_findings(task: Task, target: str) -> Iterator[Finding]:
    match task.action:
        case Shell(command=command):
            texts = {"command": command, **_texts(task)}
            yield from operators.null_byte_findings(task, texts, target)
        case Container() as action:
            files = operators.needs_files(task, action)
            yield from operators.container_findings(task, action, target, files=files)
            yield from operators.null_byte_findings(task, _texts(task), target)
        case _:
            variables = {f"variable `{key}`": text for key, text in task.environment.items()}
            yield from operators.null_byte_findings(task, variables, target)


def _output_findings(task: Task, target: str) -> Iterator[Finding]:
    if "return_value" in task.outputs:
        yield error(
            "PORT204",
            f"{target} cannot name an output of `{task.id}` `return_value`",
            task.span,
            why="Airflow keeps all outputs of a task together under this name",
            next="choose another name",
        )


def _texts(task: Task) -> dict[str, str]:
    """Texts that a process is given."""
    texts = {f"variable `{key}`": value for key, value in task.environment.items()}
    for key, expression in task.inputs.items():
        if isinstance(expression, Literal_):
            texts[f"input `{key}`"] = templates.text_of(expression.value)
    return texts
