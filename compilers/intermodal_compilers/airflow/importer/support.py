"""How far a task of an operator class can be moved: the table that users extend by entry point."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, cast

from intermodal.importing import ReadTask

if TYPE_CHECKING:
    from intermodal.importing import Support
    from intermodal_compilers.airflow.importer.model import ReadDag

# The last part of a class's path -> the neutral action that it becomes.
NATIVE: Mapping[str, str] = {
    "PythonOperator": "python", "PythonVirtualenvOperator": "python", "ExternalPythonOperator": "python",
    "BranchPythonOperator": "python", "ShortCircuitOperator": "python",
    "BranchPythonVirtualenvOperator": "python", "BranchExternalPythonOperator": "python",
    "_PythonDecoratedOperator": "python", "_PythonVirtualenvDecoratedOperator": "python",
    "_PythonExternalDecoratedOperator": "python", "_BranchPythonDecoratedOperator": "python",
    "_BranchPythonVirtualenvDecoratedOperator": "python", "_ShortCircuitDecoratedOperator": "python",
    "_BranchExternalPythonDecoratedOperator": "python", "PythonSensor": "wait",
    "DecoratedSensorOperator": "wait",
    "BashOperator": "shell", "_BashDecoratedOperator": "shell",
    "EmptyOperator": "noop", "DummyOperator": "noop",
    "SQLExecuteQueryOperator": "sql", "PostgresOperator": "sql", "MySqlOperator": "sql",
    "SqliteOperator": "sql", "MsSqlOperator": "sql", "JdbcOperator": "sql", "OracleOperator": "sql",
    "SnowflakeOperator": "sql", "TrinoOperator": "sql", "PrestoOperator": "sql",
    "HttpOperator": "http", "SimpleHttpOperator": "http",
    "DockerOperator": "container", "_DockerDecoratedOperator": "python",
    "KubernetesPodOperator": "container", "_KubernetesDecoratedOperator": "python",
    "TriggerDagRunOperator": "trigger", "ApprovalOperator": "approval",
}  # fmt: skip
# Those that need more than one setting of the neutral form, or a small function around it.
LOWERED: Mapping[str, str] = {
    "TimeDeltaSensor": "wait", "TimeDeltaSensorAsync": "wait", "DateTimeSensor": "wait",
    "DateTimeSensorAsync": "wait", "TimeSensor": "wait", "TimeSensorAsync": "wait",
    "DayOfWeekSensor": "wait", "FileSensor": "wait", "HttpSensor": "wait", "SqlSensor": "wait",
    "ExternalTaskSensor": "wait", "BashSensor": "wait", "ExternalTaskMarker": "noop",
    "LatestOnlyOperator": "python", "BranchDateTimeOperator": "python",
    "BranchDayOfWeekOperator": "python", "BranchSQLOperator": "sql",
    "SQLCheckOperator": "sql", "SQLValueCheckOperator": "sql", "SQLThresholdCheckOperator": "sql",
    "EmailOperator": "notify", "SlackAPIPostOperator": "notify", "SlackWebhookOperator": "notify",
    "PapermillOperator": "python",
}  # fmt: skip


def support_of(path: str, bases: Iterable[str], holes: Iterable[str], *, own: bool) -> str:
    """`native`, `lowered`, `hosted` or `hole`.

    Args:
        path: The class's path.
        bases: Paths of what it derives from.
        holes: Why the task's structure is not known.
        own: Whether the class is the user's own: what it does is not what its base does.
    """
    if any(True for _ in holes):
        return "hole"
    del bases
    name = path.rpartition(".")[2]
    if own or not path.startswith("airflow."):
        return "hosted"
    if name in NATIVE:
        return "native"
    return "lowered" if name in LOWERED else "hosted"


def read_tasks(dag: ReadDag) -> Mapping[str, ReadTask]:
    """The tasks of a DAG with what they become, and why where that is not native."""
    return {
        task.id: ReadTask(
            operator=task.operator,
            support=cast("Support", task.support),
            why=_why(task.operator, task.support, task.holes),
            downstream=task.downstream,
            span=task.span,
        )
        for task in dag.tasks.values()
    }


def _why(operator: str, support: str, holes: Iterable[str]) -> str:
    if support == "hole":
        return "; ".join(holes)
    name = operator.rpartition(".")[2]
    if support == "hosted":
        return f"`{name}` has no neutral form: the class itself is run"
    return f"`{name}` needs a little code around its neutral form" if support == "lowered" else ""
