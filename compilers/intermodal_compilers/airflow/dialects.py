"""What differs between the Airflow versions that we write for: import paths, and what they can do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from intermodal.frozen import Frozen

IMPORTS_2: Mapping[str, str] = {
    "AirflowFailException": "airflow.exceptions",
    "AirflowSkipException": "airflow.exceptions",
    "TaskGroup": "airflow.utils.task_group",
    "task_group": "airflow.decorators",
    "BashOperator": "airflow.operators.bash",
    "CronTriggerTimetable": "airflow.timetables.trigger",
    "DAG": "airflow",
    "Dataset": "airflow.datasets",
    "DatasetAll": "airflow.datasets",
    "DatasetAny": "airflow.datasets",
    "DatasetOrTimeSchedule": "airflow.timetables.datasets",
    "TriggerDagRunOperator": "airflow.operators.trigger_dagrun",
    "DeltaTriggerTimetable": "airflow.timetables.trigger",
    "DockerOperator": "airflow.providers.docker.operators.docker",
    "EmptyOperator": "airflow.operators.empty",
    "HttpOperator": "airflow.providers.http.operators.http",
    "SQLExecuteQueryOperator": "airflow.providers.common.sql.operators.sql",
    "Param": "airflow.models.param",
    "dag": "airflow.decorators",
    "get_current_context": "airflow.operators.python",
    "literal": "airflow.utils.template",
    "task": "airflow.decorators",
}

IMPORTS_3: Mapping[str, str] = {
    "AirflowFailException": "airflow.sdk.exceptions",
    "AirflowSkipException": "airflow.sdk.exceptions",
    "TaskGroup": "airflow.sdk",
    "task_group": "airflow.sdk",
    "BashOperator": "airflow.providers.standard.operators.bash",
    "ApprovalOperator": "airflow.providers.standard.operators.hitl",
    "Asset": "airflow.sdk",
    "AssetAll": "airflow.sdk",
    "AssetAny": "airflow.sdk",
    "AssetOrTimeSchedule": "airflow.timetables.assets",
    "CronTriggerTimetable": "airflow.timetables.trigger",
    "DeltaTriggerTimetable": "airflow.timetables.trigger",
    "MultipleCronTriggerTimetable": "airflow.timetables.trigger",
    "TriggerDagRunOperator": "airflow.providers.standard.operators.trigger_dagrun",
    "DAG": "airflow.sdk",
    "DockerOperator": "airflow.providers.docker.operators.docker",
    "EmptyOperator": "airflow.providers.standard.operators.empty",
    "HttpOperator": "airflow.providers.http.operators.http",
    "SQLExecuteQueryOperator": "airflow.providers.common.sql.operators.sql",
    "Param": "airflow.sdk",
    "dag": "airflow.sdk",
    "get_current_context": "airflow.sdk",
    "literal": "airflow.sdk",
    "task": "airflow.sdk",
}


class Dialect(Frozen):
    """One version of Airflow.

    Attributes:
        imports: The module that each name of Airflow's is imported from.
        any_factor: Whether exponential backoff takes any multiplier, rather than doubling only.
        plain_schedules: Whether a cron text or a timedelta starts a run at each of its times. In
            Airflow 2 they mean data intervals, which start one interval later.
        delta_trigger: Whether `DeltaTriggerTimetable` exists, where schedules are not plain.
        rules_in_groups: Whether all trigger rules look at the same iteration only in mapped task
            groups (apache/airflow issues 34023, 39801 and 50210).
        asset: What data assets are called.
        approval_timeout: The argument that limits the wait for an approval; empty if there is none.
    """

    imports: Mapping[str, str]
    any_factor: bool
    plain_schedules: bool
    delta_trigger: bool = False
    rules_in_groups: bool = False
    asset: str = "Asset"
    approval_timeout: str = "execution_timeout"

    @property
    def is_airflow_2(self) -> bool:
        """Whether it is Airflow 2."""
        return self.asset == "Dataset"


AIRFLOW_2 = Dialect(
    IMPORTS_2, any_factor=False, plain_schedules=False, asset="Dataset", approval_timeout=""
)
# Before 3.2 the task SDK has no exceptions of its own.
IMPORTS_3_0: Mapping[str, str] = {
    **IMPORTS_3,
    "AirflowFailException": "airflow.exceptions",
    "AirflowSkipException": "airflow.exceptions",
}
AIRFLOW_3 = Dialect(IMPORTS_3, any_factor=False, plain_schedules=True)

DIALECTS: Mapping[str, Dialect] = {
    "3.3": replace(
        AIRFLOW_3, any_factor=True, rules_in_groups=True, approval_timeout="response_timeout"
    ),
    "3.2": replace(AIRFLOW_3, any_factor=True),
    "3.1": replace(AIRFLOW_3, imports=IMPORTS_3_0),
    "3.0": replace(AIRFLOW_3, imports=IMPORTS_3_0, approval_timeout=""),
    "2.11": replace(AIRFLOW_2, delta_trigger=True),
    "2.10": AIRFLOW_2,
}

STANDARD_IMPORTS: Mapping[str, tuple[str, str | None]] = {
    "Any": ("typing", "Any"),
    "Message": ("email.message", "Message"),
    "contextmanager": ("contextlib", "contextmanager"),
    "datetime": ("datetime", "datetime"),
    "itertools": ("itertools", None),
    "json": ("json", None),
    "os": ("os", None),
    "pendulum": ("pendulum", None),
    "signal": ("signal", None),
    "subprocess": ("subprocess", None),
    "timedelta": ("datetime", "timedelta"),
    "urllib": ("urllib.request", None),
}

# Names that Airflow hands to a task by the names of its arguments, in any version: an argument of
# such a name would get Airflow's value, or hide it from what else needs it.
CONTEXT_KEYS = frozenset(
    {
        "asset_state_store",
        "conf",
        "conn",
        "context",
        "dag",
        "dag_run",
        "data_interval_end",
        "data_interval_start",
        "ds",
        "ds_nodash",
        "exception",
        "execution_date",
        "expanded_ti_count",
        "inlet_events",
        "inlets",
        "logical_date",
        "macros",
        "map_index_template",
        "next_ds",
        "next_ds_nodash",
        "next_execution_date",
        "outlet_events",
        "outlets",
        "params",
        "partition_date",
        "partition_key",
        "prev_data_interval_end_success",
        "prev_data_interval_start_success",
        "prev_ds",
        "prev_ds_nodash",
        "prev_end_date_success",
        "prev_execution_date",
        "prev_execution_date_success",
        "prev_start_date_success",
        "reason",
        "run_id",
        "start_date",
        "task",
        "task_instance",
        "task_instance_key_str",
        "task_reschedule_count",
        "task_state_store",
        "templates_dict",
        "test_mode",
        "ti",
        "tomorrow_ds",
        "tomorrow_ds_nodash",
        "triggering_asset_events",
        "triggering_dataset_events",
        "try_number",
        "ts",
        "ts_nodash",
        "ts_nodash_with_tz",
        "var",
        "yesterday_ds",
        "yesterday_ds_nodash",
    }
)
