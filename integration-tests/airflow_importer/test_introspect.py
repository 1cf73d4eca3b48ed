"""`port import airflow --introspect`: a real Airflow loads files, and their holes are filled."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from intermodal_backends.engines import environment

NEWEST = "airflow@3.3"
ENGINES = (NEWEST, "airflow@2.10")

DYNAMIC = """\
import os
from datetime import datetime

from airflow import DAG
try:
    from airflow.providers.standard.operators.bash import BashOperator
    from airflow.providers.standard.operators.python import PythonOperator
except ImportError:
    from airflow.operators.bash import BashOperator
    from airflow.operators.python import PythonOperator
from airflow.models import Variable
from elsewhere import names, number


def work(name):
    return name


def last():
    command = os.popen("echo echo 3").read().strip()
    return BashOperator(task_id="last", bash_command=command)


with DAG("dynamic", start_date=datetime(2026, 1, 1), schedule=None, tags=["a"]):
    first = BashOperator(task_id="first", bash_command="echo 1")
    for name in names():
        run = BashOperator(task_id=f"run_{name}", bash_command=f"echo {name}", retries=number())
        first >> run >> PythonOperator(task_id=f"py_{name}", python_callable=work, op_args=[name])
    first >> last()
"""

ELSEWHERE = """\
import os


def names():
    return sorted({"b", "a"})


def number():
    return int(os.environ["NUMBER"])
"""

PORT = [str(Path(sys.executable).with_name("port"))]


@pytest.fixture
def python(request):
    """The Python of an Airflow, the newest unless a test says another."""
    name = getattr(request, "param", NEWEST)
    found = environment.find(name)
    if found is None:
        pytest.skip(f"{name} is not installed: `port engines install {name}`")
    return found.python


@pytest.fixture
def port_import(tmp_path, python):
    """Runs the command on files in a folder of its own; what it gives, and what it printed."""
    (tmp_path / "home").mkdir()
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "elsewhere.py").write_text(ELSEWHERE)
    (tmp_path / "values.env").write_text(f"NUMBER=3\nPYTHONPATH={tmp_path / 'lib'}\n")

    def run(*more, text=DYNAMIC):
        (tmp_path / "dynamic.py").write_text(text)
        given = ["--introspect", "--airflow-python", str(python), "--env", "values.env"]
        return subprocess.run(
            [*PORT, "import", "airflow", "dynamic.py", *given, *more],
            cwd=tmp_path,
            env=os.environ | {"AIRFLOW_HOME": str(tmp_path / "home")},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.mark.engine
@pytest.mark.parametrize("python", ENGINES, indirect=True)
def test_holes_are_filled_by_what_airflow_loads(port_import):
    done = port_import("--json")
    assert done.returncode == 0, done.stderr
    [file] = json.loads(done.stdout)["files"]
    [dag] = file["dags"]
    assert {name: task["downstream"] for name, task in dag["tasks"].items()} == {
        "first": ["last", "run_a", "run_b"],
        "run_a": ["py_a"],
        "py_a": [],
        "run_b": ["py_b"],
        "py_b": [],
        "last": [],
    }
    assert "hole" not in {task["support"] for task in dag["tasks"].values()}
    told = {f["what"] for f in file["findings"] if f["code"] == "PORT822"}
    assert "`run_a`, a BashOperator, is taken from the loaded file" in told
    assert "`bash_command` of `last` is taken from the loaded file" in told


@pytest.mark.engine
def test_what_is_filled_is_written_and_compiles(port_import, tmp_path):
    done = port_import("--ir", "--out", "out")
    assert done.returncode == 0, done.stderr
    [written] = (tmp_path / "out").rglob("*.yaml")
    text = written.read_text()
    assert "echo 3" in text
    assert "def work(name):" in text


@pytest.mark.engine
def test_a_file_that_does_not_load_is_told_and_taken_as_it_was_read(port_import, tmp_path):
    (tmp_path / "values.env").write_text("NUMBER=x\n")
    done = port_import("--json")
    assert done.returncode == 1
    [file] = json.loads(done.stdout)["files"]
    [problem] = [f for f in file["findings"] if f["code"] == "PORT820"]
    assert "elsewhere" in problem["why"]
    assert "first" in file["dags"][0]["tasks"]


@pytest.mark.engine
def test_nothing_that_a_file_starts_is_left(port_import, tmp_path):
    mark = tmp_path / "started"
    starts = f"import subprocess\nsubprocess.Popen(['sh', '-c', 'echo $$ > {mark}; sleep 600'])\n"
    wait = f"import os\nwhile not os.path.exists({str(mark)!r}): pass\n"
    assert port_import(text=starts + wait + DYNAMIC).returncode == 0
    deadline = time.monotonic() + 10
    while Path("/proc", mark.read_text().strip()).exists():
        assert time.monotonic() < deadline, "what the file has started is still there"
