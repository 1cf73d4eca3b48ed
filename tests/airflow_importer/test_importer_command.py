"""`port import airflow`: the table, the JSON that others check with, values from files, wrong use."""

from __future__ import annotations

import json

import pytest

from intermodal.codes import CODES
from intermodal.findings import FindingsError

TEXT = """
import os
from airflow import DAG
from airflow.models import Variable
from airflow.operators.bash import BashOperator
from airflow.sensors.date_time import DateTimeSensor
from company.ops import CompanyOperator
with DAG(os.environ["NAME"]):
    a = BashOperator(task_id=Variable.get("first"), bash_command="x")
    a >> DateTimeSensor(task_id="wait", target_time="2030-01-01") >> CompanyOperator(task_id="own")
"""


@pytest.fixture
def importing(call, tmp_path):
    """Runs `port import` in a folder with one file, and gives what it printed."""
    (tmp_path / "flow.py").write_text(TEXT)
    (tmp_path / "variables.json").write_text(json.dumps({"first": "hello"}))
    (tmp_path / "prod.env").write_text("# names\nexport NAME='etl'\n")
    return lambda *arguments: call("import", *arguments)


GIVEN = ("airflow", "flow.py", "--variables", "variables.json", "--env", "prod.env")


def test_json_has_the_form_that_others_check_with(importing):
    done = importing(*GIVEN, "--json")
    assert done.exit_code == 0
    (file,) = json.loads(done.stdout)["files"]
    assert (file["path"], file["findings"]) == ("flow.py", [])
    (dag,) = file["dags"]
    assert dag["id"] == "etl"
    assert dag["tasks"] == {
        "hello": {
            "support": "native",
            "operator": "airflow.operators.bash.BashOperator",
            "downstream": ["wait"],
        },
        "wait": {
            "support": "lowered",
            "operator": "airflow.sensors.date_time.DateTimeSensor",
            "downstream": ["own"],
        },
        "own": {"support": "hosted", "operator": "company.ops.CompanyOperator", "downstream": []},
    }


def test_json_of_no_file_is_json(importing, tmp_path):
    (tmp_path / "empty").mkdir()
    assert json.loads(importing("airflow", "empty", "--json").stdout) == {"files": []}


def test_support_is_what_translation_makes_of_a_task_and_not_its_class(importing, tmp_path):
    command = "{{ ti.xcom_pull(task_ids=params.which) }}"  # only Airflow can tell what that is
    (tmp_path / "flow.py").write_text(
        "from airflow import DAG\nfrom airflow.operators.bash import BashOperator\n"
        "with DAG('d'):\n"
        "    BashOperator(task_id='plain', bash_command='true')\n"
        f"    BashOperator(task_id='pulls', bash_command={command!r})\n"
    )
    (file,) = json.loads(importing("airflow", "flow.py", "--json").stdout)["files"]
    supports = {name: task["support"] for name, task in file["dags"][0]["tasks"].items()}
    assert supports == {"plain": "native", "pulls": "hosted"}


def test_the_table_counts_what_tasks_become(importing):
    lines = importing(*GIVEN).stdout.splitlines()
    assert lines[1].split() == ["flow.py", "etl", "3", "1", "1", "1", "0"]
    assert lines[2].startswith("1 file · 1 DAG · 3 tasks ")
    assert lines[3] == "native 1 · lowered 1 · hosted 1 · holes 0"


def test_the_table_says_for_how_many_pipelines_a_target_is_ready(importing):
    lines = importing(*GIVEN, "--target", "airflow", "--target", "prefect@3").stdout.splitlines()
    assert [line for line in lines if line.startswith("ready for ")] == [
        "ready for airflow@3.3 1 · prefect@3 1"
    ]


def test_without_values_there_are_holes_with_their_places(importing):
    found = json.loads(importing("airflow", "flow.py", "--json").stdout)["files"][0]["findings"]
    assert {finding["code"] for finding in found} == {"PORT802", "PORT803", "PORT809"}
    assert all(finding["code"] in CODES and finding["span"]["line"] > 7 for finding in found)


def test_many_findings_are_not_all_printed_and_the_worst_come_first(importing, tmp_path):
    text = "from airflow import DAG\nfrom airflow.models import Variable\n"
    text += "from airflow.operators.empty import EmptyOperator\nwith DAG('d'):\n"
    text += "".join(f"    EmptyOperator(task_id=Variable.get('v{n}'))\n" for n in range(60))
    (tmp_path / "flow.py").write_text(text)
    (tmp_path / "broken.py").write_text("import airflow # dag\n)")
    done = importing("airflow", "flow.py", "broken.py")
    assert done.exit_code == 1
    assert done.stderr.startswith("error[PORT003]")
    assert done.stderr.count("[PORT8") < 60
    assert "more findings: --report has them all" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("nifi", "flow.py"), "PORT009"),
        (("airflow", "missing.py"), "PORT001"),
        (("airflow", "flow.py", "--variables", "missing.json"), "PORT001"),
        (("airflow", "flow.py", "--target", "nowhere"), "PORT007"),
    ],
)
def test_wrong_use_is_a_finding(importing, arguments, code):
    done = importing(*arguments)
    assert isinstance(done.exception, FindingsError)
    assert [finding.code for finding in done.exception.findings] == [code]


@pytest.mark.parametrize("options", [("--ir",), ("--force",), ("--report", "report.pdf")])
def test_options_that_make_no_sense_are_wrong_use(importing, options):
    assert importing("airflow", "flow.py", *options).exit_code == 2
