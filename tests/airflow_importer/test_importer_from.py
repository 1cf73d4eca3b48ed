"""`--from airflow`: DAG files as sources of the other commands."""

from __future__ import annotations

import json

import pytest

from intermodal.findings import FindingsError

HEAD = "from airflow import DAG\nfrom airflow.models import Variable\n"
HEAD += "from airflow.operators.python import PythonOperator\n"
ETL = HEAD + (
    "def double(n):\n    return 2 * n\n\n"
    "with DAG('etl', schedule=None):\n"
    "    PythonOperator(task_id='twice', python_callable=double, op_kwargs={'n': 21})\n"
)


@pytest.fixture
def etl(tmp_path):
    (tmp_path / "etl.py").write_text(ETL)


def test_compiling_for_airflow_keeps_the_operator_and_for_others_translates_it(call, etl, tmp_path):
    done = call(
        "compile", "etl.py", "--from", "airflow", "--target", "airflow", "--target", "prefect"
    )
    assert done.exit_code == 0, done.stderr
    assert "PythonOperator" in (tmp_path / "build/airflow/etl/etl.py").read_text()
    flow = "".join(path.read_text() for path in (tmp_path / "build/prefect/etl").glob("*.py"))
    assert "def double" in flow
    assert "airflow" not in flow


def test_checking(call, etl):
    done = call("check", "etl.py", "--from", "airflow", "--json")
    checked = json.loads(done.stdout)["checked"]
    assert done.exit_code == 0
    assert {one["target"].partition("@")[0] for one in checked} == {"airflow", "kfp", "prefect"}


def test_running(call, etl):
    done = call("run", "etl.py", "--from", "airflow", "--json", "--store", "store")
    assert done.exit_code == 0, done.stdout
    assert json.loads(done.stdout)["tasks"]["twice"]["state"] == "succeeded"


def test_drawing(call, etl):
    assert 'twice("twice")' in call("graph", "etl.py", "--from", "airflow").stdout


def test_values_and_modules_are_those_that_are_given(call, tmp_path):
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "names.py").write_text("FIRST = 'one'\n")
    text = ETL.replace("'twice'", "FIRST + Variable.get('second')")
    (tmp_path / "etl.py").write_text("from shared.names import FIRST\n" + text)
    (tmp_path / "values.yaml").write_text("second: _two\n")
    done = call(
        *("graph", "etl.py", "--from", "airflow", "--root", ".", "--variables", "values.yaml")
    )
    assert "one_two" in done.stdout, done.stderr


def test_open_holes_are_not_compiled(call, tmp_path):
    (tmp_path / "etl.py").write_text(ETL.replace("'twice'", "Variable.get('name')"))
    done = call("compile", "etl.py", "--from", "airflow", "--target", "airflow")
    assert done.exit_code == 1
    assert "error[PORT810]" in done.stderr
    assert not (tmp_path / "build").exists()


def test_what_airflow_can_keep_as_source_is_no_hole_for_it(call, tmp_path):
    text = ETL.replace("{'n': 21}", "{'n': Variable.get('name')}")
    (tmp_path / "etl.py").write_text(text)
    done = call("compile", "etl.py", "--from", "airflow", "--target", "airflow")
    assert done.exit_code == 0, done.stderr
    assert "Variable.get('name')" in (tmp_path / "build/airflow/etl/etl.py").read_text().replace(
        '"', "'"
    )


@pytest.mark.parametrize("name", ["../../outside", "a/b", ".hidden"])
def test_a_dag_id_is_never_a_path(call, tmp_path, name):
    (tmp_path / "etl.py").write_text(ETL.replace("'etl'", repr(name)))
    done = call("compile", "etl.py", "--from", "airflow", "--target", "airflow", "--out", "a/b/c")
    assert done.exit_code == 1
    assert "error[PORT109]" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["etl.py"]


def test_two_files_with_one_dag_id_are_told_apart(call, etl, tmp_path):
    (tmp_path / "again.py").write_text(ETL.replace("\nwith", "\n\nwith"))
    done = call("check", "etl.py", "again.py", "--from", "airflow", "--target", "kfp")
    assert done.exit_code == 1
    assert "error[PORT106]: two pipelines are called `etl`" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("graph", "etl.py", "--from", "nifi"), "PORT009"),
        (("graph", "nothing.py", "--from", "airflow"), "PORT001"),
        (("check", "--from", "airflow"), "PORT009"),
        (("graph", "empty.py", "--from", "airflow"), "PORT004"),
    ],
)
def test_wrong_use_is_a_finding(call, etl, tmp_path, arguments, code):
    (tmp_path / "empty.py").write_text("")
    done = call(*arguments)
    assert isinstance(done.exception, FindingsError)
    assert code in [finding.code for finding in done.exception.findings]


def test_values_are_for_files_of_another_system(call, etl):
    assert call("graph", "etl.py", "--root", ".").exit_code == 2
