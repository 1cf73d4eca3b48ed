"""Operators that need something of a worker only: a database file, a server on this machine, a folder."""

from datetime import datetime

from airflow.decorators import task
from airflow.models import DAG
from airflow.operators.bash import BashOperator
from airflow.operators.branch import BaseBranchOperator
from airflow.operators.empty import EmptyOperator
from airflow.operators.python import BranchPythonOperator, PythonOperator, ShortCircuitOperator
from airflow.providers.common.sql.operators.sql import SQLExecuteQueryOperator
from airflow.providers.http.operators.http import HttpOperator
from airflow.providers.http.sensors.http import HttpSensor
from airflow.sensors.filesystem import FileSensor

START = datetime(2026, 1, 1)  # noqa: DTZ001 - as most DAG files say it


def count(ti, **context):
    rows = ti.xcom_pull(task_ids="read")
    ti.xcom_push(key="rows", value=len(rows))
    assert context["logical_date"].to_date_string() == context["ds"]
    return [row[0] for row in rows]


class Choosing(BaseBranchOperator):
    def choose_branch(self, context):
        return [f"own_{context['params']['table']}"]


class Stopping(ShortCircuitOperator):
    pass


def choose(ti):
    return "many" if ti.xcom_pull(task_ids="count", key="rows") > 1 else "few"


with DAG("hosting", schedule=None, start_date=START, params={"table": "points"}) as dag:
    make = SQLExecuteQueryOperator(
        task_id="make",
        conn_id="store",
        sql=[
            "drop table if exists {{ params.table }}",
            "create table {{ params.table }} (day text, n int)",
            "insert into {{ params.table }} values ('{{ ds }}', 1), ('{{ macros.ds_add(ds, 1) }}', 2)",
        ],
    )
    read = SQLExecuteQueryOperator(
        task_id="read", conn_id="store", sql="select * from {{ params.table }} order by n"
    )
    counted = PythonOperator(task_id="count", python_callable=count)
    branch = BranchPythonOperator(task_id="branch", python_callable=choose)
    many = BashOperator(
        task_id="many",
        bash_command="echo {{ ti.xcom_pull(task_ids='count', key='rows') }} {{ var.value.greeting }}",
    )
    few = EmptyOperator(task_id="few")
    join = EmptyOperator(task_id="join", trigger_rule="none_failed_min_one_success")
    up = HttpSensor(
        task_id="up",
        http_conn_id="web",
        endpoint="health",
        poke_interval=1,
        timeout=20,
        mode="reschedule",
    )
    get = HttpOperator(
        task_id="get",
        http_conn_id="web",
        endpoint="answer?day={{ ds }}",
        method="GET",
        response_filter=lambda response: response.json(),
    )
    file = FileSensor(
        task_id="file",
        filepath="{{ var.value.inbox }}",
        poke_interval=1,
        timeout=10,
        deferrable=True,
    )
    missing = FileSensor(
        task_id="missing", filepath="/nowhere/at/all", poke_interval=1, timeout=1, soft_fail=True
    )
    after_missing = EmptyOperator(task_id="after_missing")

    @task
    def show(answer, numbers, ds=None):
        print(answer, numbers, ds)
        return {"answer": answer, "day": ds, "numbers": numbers}

    Choosing(task_id="own") >> [
        EmptyOperator(task_id="own_points"),
        EmptyOperator(task_id="own_lines"),
    ]
    Stopping(task_id="stop", python_callable=lambda ds: not ds) >> EmptyOperator(task_id="stopped")
    make >> read >> counted >> branch >> [many, few] >> join
    up >> get
    missing >> after_missing
    show(get.output, counted.output) >> join
