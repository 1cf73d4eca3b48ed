"""Classes that stay what they are while the rest is translated: translated later, all is as if at once."""

from __future__ import annotations

import json
import re

import pytest

from intermodal.analysis import graph
from intermodal.ecosystems import translate
from intermodal.findings import errors_of
from intermodal.ir import Hosted, Noop, PythonCall
from intermodal.ir.write import to_data
from intermodal_compilers.airflow.importer.build import build

HEAD = """\
import datetime
from airflow.sdk import dag, task, task_group, Param, DAG, TriggerRule
from airflow.models import BaseOperator
from airflow.exceptions import AirflowSkipException
from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.python import (
    BranchPythonOperator, PythonOperator, ShortCircuitOperator,
)
from airflow.providers.standard.sensors.external_task import ExternalTaskSensor
from airflow.providers.google.cloud.operators.gcs import GCSCreateBucketOperator as Bucket
from airflow.operators.branch import BaseBranchOperator

def pick(**context):
    return context["ti"].xcom_pull("first")

"""
CASES = {
    "provider": """
        bucket = Bucket(task_id="bucket", bucket_name="b-{{ ds }}-{{ params.x }}", retries=2,
                        owner="ops", doc_md="Why.", pool="slow",
                        execution_timeout=datetime.timedelta(minutes=5))
        bucket >> EmptyOperator(task_id="end")
    """,
    "neutral tasks behind a hosted branch": """
        which = BranchPythonOperator(task_id="which", python_callable=pick)
        a, b = EmptyOperator(task_id="a"), BashOperator(task_id="b", bash_command="echo")
        end = EmptyOperator(task_id="end", trigger_rule="none_failed_min_one_success")
        which >> [a, b] >> end
    """,
    "loop behind a hosted branch": """
        @task
        def each(x):
            return x

        which = BranchPythonOperator(task_id="which", python_callable=pick)
        which >> [each.expand(x=[1, 2]), EmptyOperator(task_id="b")]
    """,
    "hosted short circuit": """
        stop = ShortCircuitOperator(task_id="stop", python_callable=pick)
        near, far = EmptyOperator(task_id="near"), BashOperator(task_id="far", bash_command="echo")
        stop >> near >> far
    """,
    "decorated, of the context": """
        @task.branch
        def which(**context):
            return context["ti"].xcom_pull("first")

        which() >> EmptyOperator(task_id="first")
    """,
    "expanded": """
        @task
        def names():
            return ["a"]

        @task
        def count(found):
            return len(found)

        made = Bucket.partial(task_id="made", project_id="p").expand(bucket_name=names())
        count(made.output)
    """,
    "expanded function of the context": """
        @task
        def each(x, **context):
            return context["ti"].run_id

        each.expand(x=[1, 2]) >> EmptyOperator(task_id="end")
    """,
    "mapped group": """
        @task
        def given():
            return [1]

        @task_group
        def part(name):
            made = Bucket(task_id="made", bucket_name=name)
            made >> EmptyOperator(task_id="after")

        part.expand(name=given()) >> EmptyOperator(task_id="end")
    """,
    "parts of a result by name": """
        @task(multiple_outputs=True)
        def parts():
            return {"a": 1, "b": 2}

        @task
        def add(x, y):
            return x + y

        found = parts()
        Bucket(task_id="bucket", bucket_name="{{ ti.xcom_pull('parts', key='a') }}")
        Bucket(task_id="other", bucket_name=found["b"])
        add(found["a"], 1)
        parts_again = found
    """,
    "outputs by name": """
        @task
        def read(x):
            return x

        bucket = Bucket(task_id="bucket", bucket_name="b")
        read(bucket.output["uri"])
    """,
    "skips itself": """
        class Maybe(BaseOperator):
            def execute(self, context):
                raise AirflowSkipException

        Maybe(task_id="maybe") >> EmptyOperator(task_id="end")
    """,
    "parameters": """
        Bucket(task_id="bucket", bucket_name=dag.param("x"))
    """,
    "only Airflow can run it": """
        wait = ExternalTaskSensor(task_id="wait", external_dag_id="other")
        wait >> EmptyOperator(task_id="end")
    """,
}


@pytest.fixture
def pipeline(read):
    """`pipeline(case)` gives the pipeline of a case as Airflow has it."""

    def made(case):
        body = "\n".join(f"    {line[8:]}" for line in CASES[case].strip("\n").split("\n"))
        text = f'{HEAD}with DAG("d", schedule=None, params={{"x": "y"}}) as dag:\n{body}\n'
        (found,) = read(text).dags
        built = build(found)
        assert errors_of(built.findings) == []
        return built.pipeline

    return made


def form(pipeline):
    return json.dumps(to_data(pipeline, spans=False), indent=1, sort_keys=True)


def kept_in(pipeline):
    return {task.id for task in graph.tasks(pipeline) if isinstance(task.action, Hosted)}


@pytest.mark.parametrize("target", ["local", "prefect", "kfp"])
@pytest.mark.parametrize("case", CASES)
def test_translated_later_all_is_as_if_translated_at_once(pipeline, case, target):
    given = pipeline(case)
    kept = translate(given, "local", keep_hosted=True).pipeline
    assert kept is not None
    assert kept.hosted is None
    assert kept_in(kept)
    at_once, later = translate(given, target), translate(kept, target)
    assert errors_of(later.findings) == errors_of(at_once.findings)
    if at_once.pipeline is None:
        assert later.pipeline is None
        return
    assert later.pipeline is not None
    assert not kept_in(later.pipeline)
    words = re.compile(r"\beach_(\w+)")
    assert words.sub(r"\1", form(later.pipeline)) == words.sub(r"\1", form(at_once.pipeline))


def tasks_of(pipeline, case):
    kept = translate(pipeline(case), "local", keep_hosted=True).pipeline
    return {task.id: task for task in graph.tasks(kept)}


def test_what_is_common_to_all_tasks_is_neutral(pipeline):
    bucket = tasks_of(pipeline, "provider")["bucket"]
    assert set(bucket.action.arguments) == {"bucket_name"}
    assert (bucket.retry.max, bucket.timeout.total_seconds(), bucket.pool) == (2, 300, "slow")
    assert (bucket.owners, bucket.docs) == (("ops",), "Why.")


def test_a_kept_branch_gives_no_conditions_yet(pipeline):
    tasks = tasks_of(pipeline, "neutral tasks behind a hosted branch")
    assert tasks["which"].action.class_path.endswith(".BranchPythonOperator")
    assert [tasks[name].guard for name in ("a", "b", "end")] == [None, None, None]
    assert isinstance(tasks["a"].action, Noop)


def test_decorated_functions_are_operators(pipeline):
    which = tasks_of(pipeline, "decorated, of the context")["which"]
    assert which.action.class_path.endswith("standard.operators.python.BranchPythonOperator")
    assert "op_args" not in which.action.arguments


def test_who_gives_parts_by_name_is_kept_for_those_that_are(pipeline):
    tasks = tasks_of(pipeline, "parts of a result by name")
    assert isinstance(tasks["parts"].action, Hosted)
    assert isinstance(tasks["add"].action, PythonCall)
