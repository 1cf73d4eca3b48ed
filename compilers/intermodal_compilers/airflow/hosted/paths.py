"""Where Airflow's classes and functions are imported from, in each version: any spelling of any age to today's."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

# What has a place of its own in Airflow 2 and in Airflow 3: module and names, in that order. The first
# module of Airflow 2 is the one to write; the others are read as the same.
_SDK = "airflow.sdk"
_STANDARD = "airflow.providers.standard"
ROWS: tuple[tuple[str, str, str], ...] = (
    ("airflow", _SDK, "DAG"),
    ("airflow.models.dag", _SDK, "DAG"),
    ("airflow.models", _SDK, "DAG"),
    ("airflow.decorators", _SDK, "dag setup task task_group teardown"),
    ("airflow.models", _SDK, "BaseOperator Connection Param Variable XComArg"),
    ("airflow.models.baseoperator", _SDK, "BaseOperator chain chain_linear cross_downstream"),
    ("airflow.utils.helpers", _SDK, "chain cross_downstream"),
    ("airflow.models.baseoperatorlink", _SDK, "BaseOperatorLink"),
    ("airflow.models.connection", _SDK, "Connection"),
    ("airflow.models.param", _SDK, "Param ParamsDict"),
    ("airflow.models.variable", _SDK, "Variable"),
    ("airflow.models.xcom_arg", _SDK, "XComArg"),
    ("airflow.hooks.base", _SDK, "BaseHook"),
    ("airflow.hooks.filesystem", f"{_STANDARD}.hooks.filesystem", "FSHook"),
    ("airflow.hooks.subprocess", f"{_STANDARD}.hooks.subprocess", "SubprocessHook"),
    ("airflow.io.path", _SDK, "ObjectStoragePath"),
    ("airflow.notifications.basenotifier", _SDK, "BaseNotifier"),
    ("airflow.sensors.base", _SDK, "BaseSensorOperator PokeReturnValue"),
    ("airflow.sensors.base", "airflow.sdk.bases.sensor", "poke_mode_only"),
    ("airflow.operators.branch", "airflow.sdk.bases.branch", "BaseBranchOperator BranchMixIn"),
    ("airflow.models.skipmixin", "airflow.sdk.bases.skipmixin", "SkipMixin"),
    ("airflow.operators.bash", f"{_STANDARD}.operators.bash", "BashOperator"),
    ("airflow.operators.datetime", f"{_STANDARD}.operators.datetime", "BranchDateTimeOperator"),
    ("airflow.operators.email", "airflow.providers.smtp.operators.smtp", "EmailOperator"),
    ("airflow.operators.empty", f"{_STANDARD}.operators.empty", "EmptyOperator"),
    (
        "airflow.operators.generic_transfer",
        "airflow.providers.common.sql.operators.generic_transfer",
        "GenericTransfer",
    ),
    ("airflow.operators.latest_only", f"{_STANDARD}.operators.latest_only", "LatestOnlyOperator"),
    (
        "airflow.operators.python",
        f"{_STANDARD}.operators.python",
        (
            "BranchExternalPythonOperator BranchPythonOperator BranchPythonVirtualenvOperator "
            "ExternalPythonOperator PythonOperator PythonVirtualenvOperator ShortCircuitOperator"
        ),
    ),
    ("airflow.operators.python", _SDK, "get_current_context"),
    ("airflow.operators.smooth", f"{_STANDARD}.operators.smooth", "SmoothOperator"),
    (
        "airflow.operators.trigger_dagrun",
        f"{_STANDARD}.operators.trigger_dagrun",
        "TriggerDagRunOperator",
    ),
    ("airflow.operators.weekday", f"{_STANDARD}.operators.weekday", "BranchDayOfWeekOperator"),
    ("airflow.sensors.bash", f"{_STANDARD}.sensors.bash", "BashSensor"),
    (
        "airflow.sensors.date_time",
        f"{_STANDARD}.sensors.date_time",
        "DateTimeSensor DateTimeSensorAsync",
    ),
    (
        "airflow.sensors.external_task",
        f"{_STANDARD}.sensors.external_task",
        "ExternalDagLink ExternalTaskMarker ExternalTaskSensor",
    ),
    ("airflow.sensors.filesystem", f"{_STANDARD}.sensors.filesystem", "FileSensor"),
    ("airflow.sensors.python", f"{_STANDARD}.sensors.python", "PythonSensor"),
    (
        "airflow.sensors.time_delta",
        f"{_STANDARD}.sensors.time_delta",
        "TimeDeltaSensor TimeDeltaSensorAsync WaitSensor",
    ),
    ("airflow.sensors.time_sensor", f"{_STANDARD}.sensors.time", "TimeSensor TimeSensorAsync"),
    ("airflow.sensors.weekday", f"{_STANDARD}.sensors.weekday", "DayOfWeekSensor"),
    (
        "airflow.triggers.external_task",
        f"{_STANDARD}.triggers.external_task",
        "DagStateTrigger WorkflowTrigger",
    ),
    ("airflow.triggers.file", f"{_STANDARD}.triggers.file", "FileTrigger"),
    (
        "airflow.triggers.temporal",
        f"{_STANDARD}.triggers.temporal",
        "DateTimeTrigger TimeDeltaTrigger",
    ),
    ("airflow.utils.context", _SDK, "Context"),
    ("airflow.utils.dag_parsing_context", _SDK, "get_parsing_context"),
    ("airflow.utils.edgemodifier", _SDK, "EdgeModifier Label"),
    ("airflow.utils.state", _SDK, "DagRunState TaskInstanceState"),
    ("airflow.utils.task_group", _SDK, "TaskGroup"),
    ("airflow.utils.template", _SDK, "literal"),
    ("airflow.utils.trigger_rule", _SDK, "TriggerRule"),
    ("airflow.utils", _SDK, "timezone"),
    ("airflow.utils.timezone", "airflow.sdk.timezone", "datetime make_aware parse utcnow"),
    ("airflow.utils.weekday", f"{_STANDARD}.utils.weekday", "WeekDay"),
    ("airflow.utils.weight_rule", _SDK, "WeightRule"),
    (
        "airflow.exceptions",
        "airflow.sdk.exceptions",
        (
            "AirflowException AirflowFailException AirflowNotFoundException AirflowSensorTimeout "
            "AirflowSkipException AirflowTaskTimeout TaskDeferred XComNotFound"
        ),
    ),
    ("airflow.datasets.metadata", _SDK, "Metadata"),
    ("airflow.timetables.interval", "airflow.timetables.interval", "CronDataIntervalTimetable"),
)
# What changed its name.
RENAMED: tuple[tuple[str, str], ...] = (
    ("airflow.datasets.Dataset", "airflow.sdk.Asset"),
    ("airflow.datasets.DatasetAlias", "airflow.sdk.AssetAlias"),
    ("airflow.datasets.DatasetAll", "airflow.sdk.AssetAll"),
    ("airflow.datasets.DatasetAny", "airflow.sdk.AssetAny"),
    (
        "airflow.timetables.datasets.DatasetOrTimeSchedule",
        "airflow.timetables.assets.AssetOrTimeSchedule",
    ),
)
# Other spellings that Airflow 3 has or had, of what it has in its task SDK or its standard provider.
_DEFINITIONS = "airflow.sdk.definitions"
SPELLINGS: Mapping[str, str] = {
    "airflow.Dataset": "airflow.datasets.Dataset",
    "airflow.Asset": "airflow.sdk.Asset",
    "airflow.XComArg": "airflow.models.xcom_arg.XComArg",
    "airflow.operators.dummy.DummyOperator": "airflow.operators.empty.EmptyOperator",
    "airflow.operators.dummy_operator.DummyOperator": "airflow.operators.empty.EmptyOperator",
    "airflow.providers.http.operators.http.SimpleHttpOperator": (
        "airflow.providers.http.operators.http.HttpOperator"
    ),
    "airflow.providers.cncf.kubernetes.operators.kubernetes_pod.KubernetesPodOperator": (
        "airflow.providers.cncf.kubernetes.operators.pod.KubernetesPodOperator"
    ),
    "airflow.timetables.assets.AssetOrTimeSchedule": "airflow.timetables.assets.AssetOrTimeSchedule",
    f"{_SDK}.AssetOrTimeSchedule": "airflow.timetables.assets.AssetOrTimeSchedule",
    f"{_SDK}.CronTriggerTimetable": "airflow.timetables.trigger.CronTriggerTimetable",
    f"{_SDK}.DeltaTriggerTimetable": "airflow.timetables.trigger.DeltaTriggerTimetable",
    f"{_SDK}.MultipleCronTriggerTimetable": "airflow.timetables.trigger.MultipleCronTriggerTimetable",
    f"{_SDK}.CronDataIntervalTimetable": "airflow.timetables.interval.CronDataIntervalTimetable",
    f"{_SDK}.DeltaDataIntervalTimetable": "airflow.timetables.interval.DeltaDataIntervalTimetable",
    f"{_SDK}.EventsTimetable": "airflow.timetables.events.EventsTimetable",
    **{
        f"{_DEFINITIONS}.asset.{name}": f"{_SDK}.{name}"
        for name in ("Asset", "AssetAlias", "AssetAll", "AssetAny", "AssetWatcher")
    },
    **{
        f"airflow.assets.{name}": f"{_SDK}.{name}"
        for name in ("Asset", "AssetAlias", "AssetAll", "AssetAny")
    },
    f"{_DEFINITIONS}.dag.DAG": f"{_SDK}.DAG",
    f"{_DEFINITIONS}.param.Param": f"{_SDK}.Param",
    f"{_DEFINITIONS}.taskgroup.TaskGroup": f"{_SDK}.TaskGroup",
    f"{_DEFINITIONS}.variable.Variable": f"{_SDK}.Variable",
    f"{_DEFINITIONS}.context.Context": f"{_SDK}.Context",
    f"{_DEFINITIONS}.edges.Label": f"{_SDK}.Label",
    f"{_SDK}.bases.operator.BaseOperator": f"{_SDK}.BaseOperator",
    f"{_SDK}.bases.operator.chain": f"{_SDK}.chain",
    f"{_SDK}.bases.operator.cross_downstream": f"{_SDK}.cross_downstream",
    f"{_SDK}.bases.sensor.BaseSensorOperator": f"{_SDK}.BaseSensorOperator",
    f"{_SDK}.bases.sensor.PokeReturnValue": f"{_SDK}.PokeReturnValue",
    f"{_SDK}.BaseBranchOperator": "airflow.sdk.bases.branch.BaseBranchOperator",
    f"{_SDK}.BranchMixIn": "airflow.sdk.bases.branch.BranchMixIn",
    f"{_SDK}.SkipMixin": "airflow.sdk.bases.skipmixin.SkipMixin",
    f"{_SDK}.bases.hook.BaseHook": f"{_SDK}.BaseHook",
    f"{_SDK}.bases.notifier.BaseNotifier": f"{_SDK}.BaseNotifier",
    "airflow.task.trigger_rule.TriggerRule": f"{_SDK}.TriggerRule",
    f"{_STANDARD}.operators.branch.BaseBranchOperator": "airflow.sdk.bases.branch.BaseBranchOperator",
    f"{_STANDARD}.operators.branch.BranchMixIn": "airflow.sdk.bases.branch.BranchMixIn",
    f"{_STANDARD}.operators.python.get_current_context": f"{_SDK}.get_current_context",
}
# Names that the task SDK of earlier versions does not give: where those versions have them.
LATE: Mapping[str, tuple[str, tuple[str, ...]]] = {
    f"{_SDK}.{name}": (f"airflow.utils.{module}.{name}", ("3.0",))
    for name, module in (
        ("DagRunState", "state"),
        ("TaskInstanceState", "state"),
        ("TriggerRule", "trigger_rule"),
        ("WeightRule", "weight_rule"),
    )
} | {
    f"{_SDK}.exceptions.{name}": (f"airflow.exceptions.{name}", ("3.0", "3.1"))
    for _, module, names in ROWS
    if module == "airflow.sdk.exceptions"
    for name in names.split()
}
# Places of which a version has nothing but what stands in the tables above.
NOWHERE_3 = ("airflow.contrib.", "airflow.hooks.", "airflow.operators.", "airflow.sensors.")
NOWHERE_2 = ("airflow.sdk.", f"{_STANDARD}.", "airflow.assets.", "airflow.timetables.assets.")
COMPATIBLE = "airflow.providers.common.compat.sdk."


def retarget(path: str, version: str) -> str:
    """The path that a version of Airflow has for what any other calls `path`; others stay.

    Args:
        path: Of a class, function or constant: module and name.
        version: A supported version, such as `3.3`.
    """
    if not path.startswith("airflow."):
        return path
    if path.startswith(COMPATIBLE):
        path = _compatible().get(path.removeprefix(COMPATIBLE), path)
    path = _old().get(path, path)
    path = SPELLINGS.get(path, path)
    if version.startswith("2."):
        return _to_2().get(path, path)
    path = _to_3().get(path, path)
    if path in LATE and version in LATE[path][1]:
        return LATE[path][0]
    return path


def is_nowhere(path: str, version: str) -> bool:
    """Whether a path, as `retarget` gives it, is one that the version certainly does not have."""
    return path.startswith(NOWHERE_2 if version.startswith("2.") else NOWHERE_3)


@cache
def _to_3() -> dict[str, str]:
    found = dict(RENAMED)
    for two, three, names in ROWS:
        found |= {f"{two}.{name}": f"{three}.{name}" for name in names.split()}
    return found


@cache
def _to_2() -> dict[str, str]:
    found = {three: two for two, three in RENAMED}
    for two, three, names in ROWS:
        for name in names.split():
            found.setdefault(f"{three}.{name}", f"{two}.{name}")
            # What Airflow 2 has in two places is written in one way.
            found.setdefault(f"{two}.{name}", found[f"{three}.{name}"])
    return found


@cache
def _compatible() -> dict[str, str]:
    """What the provider of compatibility has under one name for all versions: Airflow 3's own."""
    found = {new.rpartition(".")[2]: new for _, new in RENAMED}
    for _, three, names in ROWS:
        for name in names.split():
            if three.startswith("airflow.sdk"):
                found.setdefault(name, f"{three}.{name}")
    return found


@cache
def _old() -> dict[str, str]:
    """Paths of Airflow 1.10 and what its last version with such modules says is there instead."""
    text = files(__package__).joinpath("old_paths.txt").read_text(encoding="utf-8")
    return dict(line.split() for line in text.splitlines())
