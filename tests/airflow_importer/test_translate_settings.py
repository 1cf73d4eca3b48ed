"""Settings of DAGs and of all operators in neutral terms; what has no neutral meaning is a warning."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from intermodal.findings import Severity
from intermodal.ir import (
    AnyType,
    BooleanType,
    Cron,
    IntegerType,
    Interval,
    ListType,
    OnData,
    OptionalType,
    Parameter,
    Retry,
    StringType,
)

HEAD = """\
import datetime as dt
from datetime import datetime, timedelta
import pendulum
from airflow import DAG
from airflow.datasets import Dataset
from airflow.models.param import Param
from airflow.operators.empty import EmptyOperator
from airflow.timetables.trigger import CronTriggerTimetable, DeltaTriggerTimetable
from airflow.timetables.trigger import MultipleCronTriggerTimetable
from airflow.utils.weight_rule import WeightRule
"""


def dag(settings, task=""):
    return f"{HEAD}\nwith DAG('d', {settings}) as dag:\n    EmptyOperator(task_id='t'{task and ', '}{task})\n"


PARIS = "start_date=pendulum.datetime(2026, 1, 1, tz='Europe/Paris')"
NAIVE = "start_date=datetime(2026, 1, 1)"
SCHEDULES = {
    f"schedule='@daily', {NAIVE}": [Cron.of(expression="0 0 * * *")],
    f"schedule_interval='5 4 * * 1-5', {PARIS}": [
        Cron.of(expression="5 4 * * 1-5", timezone="Europe/Paris")
    ],
    f"schedule=timedelta(hours=6), {NAIVE}": [Interval.of(every=timedelta(hours=6))],
    f"schedule=dt.timedelta(days=1) / 2, {NAIVE}": [Interval.of(every=timedelta(hours=12))],
    f"timetable=CronTriggerTimetable('0 1 * * *', timezone='Asia/Tokyo'), {NAIVE}": [
        Cron.of(expression="0 1 * * *", timezone="Asia/Tokyo")
    ],
    f"schedule=MultipleCronTriggerTimetable('0 1 * * *', '0 2 * * *', timezone='UTC'), {NAIVE}": [
        Cron.of(expression="0 1 * * *"),
        Cron.of(expression="0 2 * * *"),
    ],
    f"schedule=DeltaTriggerTimetable(timedelta(days=7)), {NAIVE}": [
        Interval.of(every=timedelta(days=7))
    ],
    f"schedule=[Dataset('s3://a'), Dataset('s3://b')], {NAIVE}": [
        OnData.of(assets=("s3://a", "s3://b"))
    ],
    f"schedule=(Dataset('s3://a') | Dataset('s3://b')), {NAIVE}": [
        OnData.of(assets=("s3://a", "s3://b"), require="any")
    ],
}


@pytest.mark.parametrize("settings", SCHEDULES)
def test_schedules(translated, settings):
    schedule = translated(dag(settings)).pipeline.schedule
    assert list(schedule.triggers) == SCHEDULES[settings]


@pytest.mark.parametrize("schedule", ["None", "'@once'", "'@continuous'", "'0 0 30 * * *'"])
def test_what_is_no_schedule_is_started_by_people(translated, schedule):
    found = translated(dag(f"schedule={schedule}, {NAIVE}"))
    assert found.pipeline.schedule is None
    assert [one.code for one in found.findings] == ([] if schedule == "None" else ["PORT209"])


def test_dates_of_a_schedule(translated):
    text = dag(f"schedule='@hourly', {PARIS}, end_date=datetime(2027, 1, 1), catchup=True")
    schedule = translated(text).pipeline.schedule
    assert schedule.start == datetime(2026, 1, 1, tzinfo=ZoneInfo("Europe/Paris"))
    assert schedule.end == datetime(2027, 1, 1, tzinfo=UTC)
    assert schedule.catch_up


def test_the_first_date_may_stand_among_the_defaults(translated):
    found = translated(dag(f"schedule='@daily', default_args=dict({PARIS})"))
    assert found.pipeline.schedule.triggers[0].timezone == "Europe/Paris"
    assert found.pipeline.schedule.start.year == 2026


PARAMETERS = {
    "3": Parameter.of(type=IntegerType.of(), default=3),
    "'x'": Parameter.of(type=StringType.of(), default="x"),
    "[1]": Parameter.of(type=ListType.of(item=AnyType.of()), default=[1]),
    "None": Parameter.of(default=None),
    "Param(True, type='boolean', description='Really?')": Parameter.of(
        type=BooleanType.of(), default=True, help="Really?"
    ),
    "Param('a', enum=['a', 'b'])": Parameter.of(
        type=StringType.of(), default="a", choices=("a", "b")
    ),
    "Param(None, type=['null', 'string'])": Parameter.of(
        type=OptionalType.of(item=StringType.of()), default=None
    ),
    "Param(type='integer')": Parameter.of(type=IntegerType.of(), required=True),
}


@pytest.mark.parametrize("given", PARAMETERS)
def test_parameters(translated, given):
    found = translated(dag(f"schedule=None, params={{'p': {given}}}"))
    assert found.pipeline.parameters == {"p": PARAMETERS[given]}
    assert found.findings == ()


def test_a_parameter_made_while_the_file_runs_is_required(translated):
    found = translated(dag("schedule=None, params={'p': Param(f'{dt.date.today()}')}"))
    assert found.pipeline.parameters["p"].required


def test_everything_else_of_a_dag(translated):
    settings = (
        "schedule=None, tags=['b', 'a'], description='Text', max_active_runs=2, max_active_tasks=8"
    )
    pipeline = translated(dag(settings)).pipeline
    assert pipeline.labels == {"a": "", "b": ""}
    assert pipeline.description == "Text"
    assert pipeline.concurrency.max_active_runs == 2
    assert pipeline.concurrency.max_active_tasks == 8
    assert pipeline.hosted is None


POLICIES = {
    "retries=2": {"retry": Retry.of(max=2, delay=timedelta(minutes=5))},
    "retries=2, retry_delay=timedelta(seconds=30)": {
        "retry": Retry.of(max=2, delay=timedelta(seconds=30))
    },
    "retries=3, retry_exponential_backoff=True, max_retry_delay=timedelta(hours=1)": {
        "retry": Retry.of(max=3, delay=timedelta(minutes=5), factor=2.0, ceiling=timedelta(hours=1))
    },
    "retries=0": {"retry": None},
    "execution_timeout=timedelta(minutes=20)": {"timeout": timedelta(minutes=20)},
    "pool='slow', pool_slots=2": {"pool": "slow", "pool_slots": 2},
    "pool='default_pool'": {"pool": None},
    "priority_weight=5, weight_rule='absolute'": {"priority": 5},
    "priority_weight=5, weight_rule=WeightRule.ABSOLUTE": {"priority": 5},
    "owner='ann, bob'": {"owners": ("ann", "bob")},
    "owner='airflow'": {"owners": ()},
    "doc_md='# Docs'": {"docs": "# Docs"},
    "task_display_name='The task'": {"display_name": "The task"},
    "inlets=[Dataset('s3://a')], outlets=[Dataset('s3://b')]": {
        "reads": ("s3://a",),
        "writes": ("s3://b",),
    },
    "email=['a@b.c'], email_on_failure=False, email_on_retry=False": {},
    "depends_on_past=False, wait_for_downstream=False, queue='default', sla=None": {},
    "on_failure_callback=None, executor_config={}": {},
}


@pytest.mark.parametrize("settings", POLICIES)
def test_policies_of_a_task(translated, settings):
    found = translated(dag("schedule=None", settings))
    [task] = found.pipeline.body
    assert {name: getattr(task, name) for name in POLICIES[settings]} == POLICIES[settings]
    assert found.findings == ()


@pytest.mark.parametrize(
    "setting",
    [
        "depends_on_past=True",
        "on_failure_callback=print",
        "email='a@b.c'",
        "queue='big'",
        "run_as_user='root'",
        "weight_rule='downstream'",
        "max_active_tis_per_dag=1",
    ],
)
def test_settings_without_effect_are_warnings_once(translated, setting):
    text = dag("schedule=None", setting) + f"    EmptyOperator(task_id='u', {setting})\n"
    found = translated(text)
    [warning] = found.findings
    assert warning.code == "PORT209"
    assert warning.severity is Severity.WARNING
    assert setting.partition("=")[0] in warning.what


@pytest.mark.parametrize(
    "setting", ["dagrun_timeout=timedelta(hours=1)", "on_failure_callback=print"]
)
def test_settings_of_a_dag_without_effect_are_warnings(translated, setting):
    found = translated(dag(f"schedule=None, {setting}"))
    assert [one.code for one in found.findings] == ["PORT209"]


def test_a_target_without_pools_and_assets_is_given_none(translated):
    text = dag("schedule=None, max_active_tasks=3", "pool='p', outlets=[Dataset('s3://b')]")
    found = translated(text, "kfp")
    [task] = found.pipeline.body
    assert (task.pool, task.writes, found.pipeline.concurrency.max_active_tasks) == (None, (), None)
    assert {one.code for one in found.findings} == {"PORT209"}
    assert len(found.findings) == 3


@pytest.mark.parametrize("setting", ["retries=int(pendulum.now().hour)", "retry_delay=print"])
def test_retries_made_while_the_file_runs_are_told(translated, setting):
    text = dag("schedule=None", setting).replace("retry_delay", "retries=1, retry_delay")
    found = translated(text)
    assert [one.code for one in found.findings] == ["PORT209"]
    assert setting.partition("=")[0] in found.findings[0].what
