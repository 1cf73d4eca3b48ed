"""Statements and requests as Python calls, and as each target has them."""

import ast
from datetime import timedelta

import pytest
import yaml

from intermodal.analysis.connection_calls import as_call, call_connections, connection_of
from intermodal.compile import compile_pipeline
from intermodal.compiling import Settings, Target
from intermodal.ir import (
    Cache,
    Format,
    Http,
    InputRef,
    Literal_,
    MapOf,
    Noop,
    OutputRef,
    Pipeline,
    PythonCall,
    SecretRef,
    SecretVariable,
    Sql,
    StringType,
    Task,
    Wait,
)
from intermodal_backends.local import RunOptions, run_pipeline

TARGETS = [Target("airflow", "3.3"), Target("airflow", "2.11"), Target("kfp", "2")]
TARGETS.append(Target("prefect", "3"))
AIRFLOW = TARGETS[0]
TEXT = {"return": StringType()}
BEARER = Format(parts=(Literal_(value="Bearer "), SecretRef(name="token")))


def lit(value):
    return Literal_(value=value)


def query(**fields):
    return Sql(**{"connection": "db", "statement": lit("select 1"), **fields})


def request(**fields):
    return Http(**{"url": lit("/x"), "connection": "api", **fields})


def one(action, **fields):
    task = Task(**{"id": "t", "action": action, "outputs": TEXT, **fields})
    return Pipeline(name="p", body=(Task(id="before", action=Noop()), task))


def compiled(pipeline, target=AIRFLOW, **settings):
    result = compile_pipeline(pipeline, target, Settings(**settings))
    assert result.files, result.findings
    return result.files


def dag(pipeline, **settings):
    return compiled(pipeline, **settings)["p.py"]


def test_pipelines_without_them_stay_as_they_are():
    pipeline = Pipeline(name="p", body=(Task(id="n", action=Noop()),))
    assert call_connections(pipeline) is pipeline


def test_a_statement_becomes_a_call():
    action = query(parameters={"a": lit(1), "b": OutputRef(node="x")})
    task = as_call(one(action).body[1])
    assert isinstance(task.action, PythonCall)
    assert (task.action.module, task.action.function) == (
        "intermodal.runtime.connections",
        "run_sql",
    )
    assert task.inputs["statement"] == lit("select 1")
    assert isinstance(task.inputs["parameters"], MapOf)
    assert connection_of(task) == "db"
    ast.parse("\n".join((*task.action.source.imports, *task.action.source.definitions)))


def test_inputs_take_their_places_and_keep_their_edges():
    inputs = {"a": OutputRef(node="x"), "unused": OutputRef(node="y")}
    action = request(url=InputRef(name="a"), headers={"A": InputRef(name="a")})
    task = as_call(Task(id="t", action=action, inputs=inputs, outputs=TEXT))
    assert task.inputs["path"] == OutputRef(node="x")
    assert task.after == ("y",)


def test_a_server_may_be_silent_as_long_as_the_task_may_take():
    assert as_call(one(request()).body[1]).inputs["timeout"] == lit(60.0)
    slow = one(request(), timeout=timedelta(minutes=5)).body[1]
    assert as_call(slow).inputs["timeout"] == lit(300.0)
    assert '{"timeout": 300}' in dag(one(request(), timeout=timedelta(minutes=5)))


def test_a_body_without_a_type_says_so():
    task = as_call(one(request(method="POST", body=lit("x"))).body[1])
    assert task.inputs["headers"] == lit({"Content-Type": "application/octet-stream"})


@pytest.mark.parametrize("target", TARGETS, ids=str)
@pytest.mark.parametrize(
    "action", [query(), request(), request(url=lit("http://h"), connection=None)]
)
def test_no_worker_needs_intermodal(action, target):
    for code in ("embed", "import"):
        result = compile_pipeline(one(action), target, Settings(code=code))
        text = "\n".join(result.files.values())
        assert result.files
        assert "intermodal.runtime" not in text
        assert "PORT205" not in {finding.code for finding in result.findings}


# Airflow


def test_airflow_has_operators_and_names_their_providers():
    body = (
        Task(id="a", action=query(), outputs=TEXT),
        Task(id="b", action=request(), after=("a",)),
    )
    files = compiled(Pipeline(name="p", body=body))
    assert "SQLExecuteQueryOperator(" in files["p.py"]
    assert "HttpOperator(" in files["p.py"]
    assert "do_xcom_push=False" in files["p.py"]
    assert files["requirements.txt"].split() == [
        "apache-airflow-providers-common-sql",
        "apache-airflow-providers-http",
    ]


@pytest.mark.parametrize(
    ("action", "fields"),
    [
        (request(headers={"Authorization": BEARER}), {}),
        (query(parameters={"token": SecretRef(name="token")}), {}),
        (request(), {"environment": {"A": "b"}}),
        (query(), {"secrets": (SecretVariable(variable="A", secret=SecretRef(name="a")),)}),
        (query(), {"cache": Cache()}),
        (request(url=lit("https://h/x"), connection=None), {}),
    ],
)
def test_airflow_is_given_no_secret_to_keep(action, fields):
    text = dag(one(action, **fields), store="s")
    assert "Operator(" not in text.replace("EmptyOperator(", "")
    if getattr(action, "connection", None):
        assert "Connection.get(name)" in text


def test_a_tracked_run_goes_through_the_runtime():
    text = dag(one(query()), tracking="http://t", store="s")
    assert "runtime.run(" in text
    assert "SQLExecuteQueryOperator" not in text


@pytest.mark.parametrize(
    ("text", "is_literal"),
    [
        ("select '{{ ds }}'", True),
        ("select a from x.sql", True),
        ("select 1 -- a.json", True),
        ("select 1", False),
    ],
)
def test_statements_are_no_templates_and_no_files(text, is_literal):
    assert ("literal(" in dag(one(query(statement=lit(text))))) is is_literal


# Kubernetes


def test_connections_are_kubernetes_secrets():
    files = compiled(one(query()), Target("kfp", "2"))
    text = files["pipeline.yaml"]
    platform = list(yaml.safe_load_all(text))[1]
    assert "INTERMODAL_SECRET_DB" in str(platform)


# This machine


def test_a_wait_for_a_statement(tmp_path, monkeypatch):
    monkeypatch.setenv("INTERMODAL_SECRET_DB", f"sqlite:///{tmp_path}/x.db")
    made = Task(id="made", action=query(statement=lit("create table t (n integer)")))
    grown = query(statement=lit("insert into t select count(*) from t returning n"))
    seen = query(statement=lit("select n from t where n > 0"))
    wait = Wait(check=seen, interval=timedelta(milliseconds=10), timeout=timedelta(seconds=30))
    body = (
        made,
        Task(id="one", action=grown, after=("made",)),
        Task(id="two", action=grown, after=("one",), outputs={"return": StringType()}),
        Task(id="wait", action=wait, after=("two",)),
    )
    result = run_pipeline(
        Pipeline(name="p", body=body), {}, RunOptions(store=str(tmp_path / "store"))
    )
    assert result.trace.state == "succeeded", result.failures
