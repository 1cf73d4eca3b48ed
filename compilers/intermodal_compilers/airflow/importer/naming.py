"""What a full path of Airflow means, for the import paths of 1.10, 2.x and 3.x."""

from __future__ import annotations

import re

# The last part of a path below `airflow` -> what it is. Modules moved between versions; names did not.
MEANINGS = {
    "DAG": "dag",
    "TaskGroup": "group",
    "MappedTaskGroup": "group",
    "Label": "label",
    "chain": "chain",
    "chain_linear": "chain_linear",
    "cross_downstream": "cross",
    "setup": "setup",
    "teardown": "teardown",
    "task_group": "group decorator",
    "XComArg": "xcom",
    "literal": "same",
    "is_venv_installed": "venv",
}
# Where decorators are imported from; the last gives those of whichever Airflow is there.
HOMES = r"^airflow\.(sdk|decorators|models|providers\.common\.compat\.sdk)(\.\w+)*"
DECORATOR = re.compile(HOMES + r"\.task(\.(?P<variant>\w+))?$")
DAG_DECORATOR = re.compile(HOMES + r"\.dag$")
ASSET_DECORATOR = re.compile(HOMES + r"\.asset(\.multi)?$")
OPERATOR_ENDINGS = ("Operator", "Sensor", "OperatorAsync", "SensorAsync", "Transfer")
OPERATORS = frozenset({"ExternalTaskMarker", "BaseSensorOperator", "BaseBranchOperator"})
# Functions that give back the task or DAG that they are given, with settings for lineage.
LINEAGE = re.compile(
    r"^airflow\.providers\.openlineage\.(\w+\.)*"
    r"(enable_lineage|disable_lineage|\w+_openlineage_emission_policy)$"
)
NO_OPERATORS = ("Trigger", "Hook", "Link", "Event", "TaskInstance", "XComArg", "Config")

STANDARD = "airflow.providers.standard.decorators"
COMMON_AI = "airflow.providers.common.ai.decorators"
# `@task.<variant>` -> the class that Airflow makes of it.
VARIANTS = {
    "python": f"{STANDARD}.python._PythonDecoratedOperator",
    "virtualenv": f"{STANDARD}.python_virtualenv._PythonVirtualenvDecoratedOperator",
    "external_python": f"{STANDARD}.external_python._PythonExternalDecoratedOperator",
    "branch": f"{STANDARD}.branch_python._BranchPythonDecoratedOperator",
    "branch_virtualenv": f"{STANDARD}.branch_virtualenv._BranchPythonVirtualenvDecoratedOperator",
    "branch_external_python": (
        f"{STANDARD}.branch_external_python._BranchExternalPythonDecoratedOperator"
    ),
    "short_circuit": f"{STANDARD}.short_circuit._ShortCircuitDecoratedOperator",
    "sensor": f"{STANDARD}.sensor.DecoratedSensorOperator",
    "bash": f"{STANDARD}.bash._BashDecoratedOperator",
    "stub": f"{STANDARD}.stub._StubOperator",
    "docker": "airflow.providers.docker.decorators.docker._DockerDecoratedOperator",
    "kubernetes": (
        "airflow.providers.cncf.kubernetes.decorators.kubernetes._KubernetesDecoratedOperator"
    ),
    "kubernetes_cmd": (
        "airflow.providers.cncf.kubernetes.decorators.kubernetes_cmd._KubernetesCmdDecoratedOperator"
    ),
    "pyspark": "airflow.providers.apache.spark.decorators.pyspark._PySparkDecoratedOperator",
    "analytics": "airflow.providers.common.sql.decorators.analytics._AnalyticsDecoratedOperator",
    "sql": "airflow.providers.common.sql.decorators.sql._SQLDecoratedOperator",
    "snowpark": "airflow.providers.snowflake.decorators.snowpark._SnowparkDecoratedOperator",
    "sftp_sensor": "airflow.providers.sftp.decorators.sensors.sftp._DecoratedSFTPSensor",
    "agent": f"{COMMON_AI}.agent._AgentDecoratedOperator",
    "llm": f"{COMMON_AI}.llm._LLMDecoratedOperator",
    "llm_batch": f"{COMMON_AI}.llm_batch._LLMBatchDecoratedOperator",
    "llm_branch": f"{COMMON_AI}.llm_branch._LLMBranchDecoratedOperator",
    "llm_file_analysis": f"{COMMON_AI}.llm_file_analysis._LLMFileAnalysisDecoratedOperator",
    "llm_schema_compare": f"{COMMON_AI}.llm_schema_compare._LLMSchemaCompareDecoratedOperator",
    "llm_sql": f"{COMMON_AI}.llm_sql._LLMSQLDecoratedOperator",
}


def meaning(path: str) -> str:
    """What a path means to the reader; an empty text if nothing special."""
    if not path.startswith("airflow."):
        return ""
    if DAG_DECORATOR.match(path):
        return "dag decorator"
    if DECORATOR.match(path):
        return "task decorator"
    if ASSET_DECORATOR.match(path):
        return "asset decorator"
    if LINEAGE.match(path):
        return "lineage"
    return MEANINGS.get(path.rpartition(".")[2], "")


def is_other_group(path: str, names: object) -> bool:
    """Whether a class of another package is a task group of its own kind: what it adds is not known.

    Args:
        path: The class's full path.
        names: Names of the arguments it is called with.
    """
    return path.endswith("TaskGroup") and "group_id" in names  # type: ignore[operator]


def variant_of(path: str) -> str:
    """Which `@task.<variant>` a path is."""
    found = DECORATOR.match(path)
    return (found["variant"] or "python") if found else "python"


def is_operator(path: str, names: object = ()) -> bool:
    """Whether calling a class of another package makes a task.

    Args:
        path: The class's full path.
        names: Names of the arguments it is called with.
    """
    name = path.rpartition(".")[2]
    if not name[:1].isupper() or name.endswith(NO_OPERATORS):
        return False
    if name.endswith(OPERATOR_ENDINGS) or name in OPERATORS:
        return True
    return "task_id" in names  # type: ignore[operator]
