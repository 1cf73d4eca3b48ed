"""Which function makes a neutral task of which class: by full path or by name; users add their own rows."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from functools import cache

from intermodal.ir import SourceExpression, Task
from intermodal_compilers.airflow.translate.branches import (
    branch_operator,
    branch_task,
    short_circuit_operator,
    short_circuit_task,
)
from intermodal_compilers.airflow.translate.containers import docker_task, pod_task
from intermodal_compilers.airflow.translate.context import Context, hosted_of
from intermodal_compilers.airflow.translate.hosting import host
from intermodal_compilers.airflow.translate.kinds import Kind, kind_of, kind_of_own, name_of
from intermodal_compilers.airflow.translate.python_tasks import (
    asset_task,
    isolated_task,
    python_task,
)
from intermodal_compilers.airflow.translate.requests import http_task, sql_task
from intermodal_compilers.airflow.translate.shell import bash_sensor, bash_task, decorated_bash
from intermodal_compilers.airflow.translate.simple import (
    airflow_only_task,
    latest_only_task,
    noop_task,
    trigger_task,
)
from intermodal_compilers.airflow.translate.sources import statements
from intermodal_compilers.airflow.translate.waits import (
    date_time_sensor,
    hosted_sensor,
    python_sensor,
    time_delta_sensor,
)

Translator = Callable[[Task, Context], Task]

GROUP = "airflow_operators"
"""Entry points `intermodal.airflow_operators`: the name is a class's name or full path."""

TRANSLATORS: Mapping[str, Translator] = {
    "PythonOperator": python_task,
    "_PythonDecoratedOperator": python_task,
    "_AssetMainOperator": asset_task,
    "PythonVirtualenvOperator": isolated_task,
    "_PythonVirtualenvDecoratedOperator": isolated_task,
    "ExternalPythonOperator": isolated_task,
    "_PythonExternalDecoratedOperator": isolated_task,
    "BranchPythonOperator": branch_task,
    "_BranchPythonDecoratedOperator": branch_task,
    "BranchPythonVirtualenvOperator": branch_task,
    "_BranchPythonVirtualenvDecoratedOperator": branch_task,
    "BranchExternalPythonOperator": branch_task,
    "_BranchExternalPythonDecoratedOperator": branch_task,
    "ShortCircuitOperator": short_circuit_task,
    "_ShortCircuitDecoratedOperator": short_circuit_task,
    "PythonSensor": python_sensor,
    "DecoratedSensorOperator": python_sensor,
    "BashOperator": bash_task,
    "_BashDecoratedOperator": decorated_bash,
    "BashSensor": bash_sensor,
    "EmptyOperator": noop_task,
    "DummyOperator": noop_task,
    "ExternalTaskMarker": noop_task,
    "LatestOnlyOperator": latest_only_task,
    "TriggerDagRunOperator": trigger_task,
    "SQLExecuteQueryOperator": sql_task,
    "HttpOperator": http_task,
    "SimpleHttpOperator": http_task,
    "DockerOperator": docker_task,
    "KubernetesPodOperator": pod_task,
    "TimeDeltaSensor": time_delta_sensor,
    "TimeDeltaSensorAsync": time_delta_sensor,
    "WaitSensor": time_delta_sensor,
    "DateTimeSensor": date_time_sensor,
    "DateTimeSensorAsync": date_time_sensor,
    "ExternalTaskSensor": airflow_only_task,
    "ExternalTaskSensorAsync": airflow_only_task,
    "SubDagOperator": airflow_only_task,
    "HITLOperator": airflow_only_task,
    "HITLBranchOperator": airflow_only_task,
    "HITLEntryOperator": airflow_only_task,
    "ApprovalOperator": airflow_only_task,
}
# What to do with classes that stand in no table.
BY_KIND: Mapping[Kind, Translator] = {
    Kind.BRANCH: branch_operator,
    Kind.SENSOR: hosted_sensor,
    Kind.SHORT_CIRCUIT: short_circuit_operator,
    Kind.OTHER: host,
}


def translator_of(task: Task) -> Translator:
    """The function for a task's class: the user's own one first."""
    path = hosted_of(task).class_path
    for name in (path, name_of(path)):
        if name in own_names():
            from intermodal import registry

            own: Translator = registry.load(GROUP, name)
            return own
    source = hosted_of(task).class_source
    if source is not None:
        return BY_KIND.get(kind_of_own(source.text, bases_in(source)), host)
    if name_of(path) in TRANSLATORS:
        return TRANSLATORS[name_of(path)]
    return BY_KIND.get(kind_of(path), host)


def bases_in(source: SourceExpression) -> dict[str, list[str]]:
    """The names of the classes that each class of a source derives from."""
    return {
        node.name: [ast.unparse(base).rpartition(".")[2] for base in node.bases]
        for text in source.definitions
        for node in statements(text)
        if isinstance(node, ast.ClassDef)
    }


@cache
def own_names() -> frozenset[str]:
    """The classes that installed packages register."""
    from intermodal import registry

    return frozenset(registry.names(GROUP))
