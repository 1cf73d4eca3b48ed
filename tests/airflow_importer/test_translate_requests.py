"""Airflow's statements and requests in neutral terms, and which of them stay with its operators."""

import pytest

from intermodal.ir import Http, PythonCall, Sql

FILE = """
from airflow.sdk import DAG
from airflow.providers.common.sql.operators.sql import SQLExecuteQueryOperator
from airflow.providers.http.operators.http import HttpOperator
from airflow.providers.standard.operators.bash import BashOperator

with DAG("d", schedule=None):
    a = {operator}(task_id="a", {arguments})
    {more}
"""


@pytest.fixture
def action(translated):
    def run(operator, arguments, more=""):
        found = translated(FILE.format(operator=operator, arguments=arguments, more=more))
        return next(node for node in found.pipeline.body if node.id == "a").action

    return run


def test_a_plain_statement_is_a_neutral_one(action):
    found = action(
        "SQLExecuteQueryOperator",
        'conn_id="db", sql="insert into t values (:n, :b);", parameters={"n": 1, "b": "x"}, retries=2',
    )
    assert isinstance(found, Sql)
    assert (found.connection, found.statement.value) == ("db", "insert into t values (:n, :b);")
    assert {name: value.value for name, value in found.parameters.items()} == {"n": 1, "b": "x"}


@pytest.mark.parametrize(
    "arguments",
    [
        'conn_id="db", sql="select {{ params.x }}"',
        'conn_id="db", sql="drop table a; drop table b"',
        'conn_id="db", sql=["select 1"]',
        'conn_id="db", sql="daily.sql"',
        'conn_id="db", sql="select 1", parameters=[1]',
        'conn_id="db", sql="select :d", parameters={"d": "{{ ds }}"}',
        'conn_id="{{ var.value.db }}", sql="select 1"',
        'conn_id="db", sql="select 1", database="other"',
        'conn_id="db", sql="select 1", handler=print',
        'sql="select 1"',
    ],
)
def test_other_statements_stay_with_the_operator(action, arguments):
    assert isinstance(action("SQLExecuteQueryOperator", arguments), PythonCall)


def test_rows_that_others_read_stay_with_the_operator(action):
    reader = 'BashOperator(task_id="b", bash_command="echo", env={"A": a.output})'
    found = action("SQLExecuteQueryOperator", 'conn_id="db", sql="select 1"', reader)
    assert isinstance(found, PythonCall)


def test_a_plain_request_is_a_neutral_one(action):
    found = action(
        "HttpOperator", 'http_conn_id="web", endpoint="v1/x?y=1", method="GET", headers={"A": "b"}'
    )
    assert isinstance(found, Http)
    assert (found.connection, found.url.value, found.method) == ("web", "/v1/x?y=1", "GET")
    assert {name: value.value for name, value in found.headers.items()} == {"A": "b"}


@pytest.mark.parametrize(
    "arguments",
    [
        'http_conn_id="web", endpoint="x"',
        'http_conn_id="web", endpoint="x", method="POST", data={"a": 1}',
        'http_conn_id="web", endpoint="x/{{ ds }}", method="GET"',
        'http_conn_id="web", endpoint="x", method="GET", data={"a": "1"}',
        'http_conn_id="web", endpoint="x", method="GET", response_check=lambda r: r.ok',
        'endpoint="x", method="GET"',
    ],
)
def test_other_requests_stay_with_the_operator(action, arguments):
    assert isinstance(action("HttpOperator", arguments), PythonCall)
