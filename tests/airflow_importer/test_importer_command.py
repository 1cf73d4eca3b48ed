"""`port import airflow`: the table, the JSON that others check with, values from files, wrong use."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from intermodal import registry
from intermodal.cli.main import port
from intermodal.codes import CODES
from intermodal.findings import FindingsError
from intermodal_compilers.airflow.importer.entry import AirflowImporter

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
def importing(tmp_path, monkeypatch):
    """Runs `port import airflow` in a folder with one file, and gives what it printed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        registry, "has", lambda group, name: (group, name) == ("importers", "airflow")
    )
    monkeypatch.setattr(registry, "load", lambda *_: AirflowImporter)
    (tmp_path / "flow.py").write_text(TEXT)
    (tmp_path / "variables.json").write_text(json.dumps({"first": "hello"}))
    (tmp_path / "prod.env").write_text("# names\nexport NAME='etl'\n")

    def run(*arguments):
        return CliRunner().invoke(
            port.commands.get("import") or port.get_command(None, "import"), arguments
        )

    return run


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


def test_the_table_counts_what_tasks_become(importing):
    lines = importing(*GIVEN).stdout.splitlines()
    assert lines[1].split() == ["flow.py", "etl", "3", "1", "1", "1", "0"]
    assert lines[2].startswith("1 file · 1 DAG · 3 tasks ")
    assert lines[3] == "native 1 · lowered 1 · hosted 1 · holes 0"


def test_without_values_there_are_holes_with_their_places(importing):
    found = json.loads(importing("airflow", "flow.py", "--json").stdout)["files"][0]["findings"]
    assert {finding["code"] for finding in found} == {"PORT802", "PORT803", "PORT809"}
    assert all(finding["code"] in CODES and finding["span"]["line"] > 7 for finding in found)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("nifi", "flow.py"), "PORT009"),
        (("airflow", "missing.py"), "PORT001"),
        (("airflow", "flow.py", "--variables", "missing.json"), "PORT001"),
    ],
)
def test_wrong_use_is_a_finding(importing, arguments, code):
    done = importing(*arguments)
    assert isinstance(done.exception, FindingsError)
    assert [finding.code for finding in done.exception.findings] == [code]
