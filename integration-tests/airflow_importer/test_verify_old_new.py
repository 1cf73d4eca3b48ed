"""Old DAG files next to what they become: Airflow's own examples, and `port verify --old --new`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from differential import AIRFLOW, HOSTS, Bench, example_files

from intermodal_backends.engines import environment

PREFECT = "prefect@3"
PORT = str(Path(sys.executable).with_name("port"))

# Files that between them have branches, skips, trigger rules, groups, mapping, templates, XComs,
# setup and teardown, short circuits. All examples are run with INTERMODAL_ALL_EXAMPLES set, and by
# `differential.py`, which prints what differs.
SUBSET = (
    "example_bash_decorator",
    "example_bash_operator",
    "example_complex",
    "example_dynamic_task_mapping",
    "example_nested_branch_dag",
    "example_setup_teardown",
    "example_short_circuit_decorator",
    "example_skip_dag",
    "example_task_group",
    "example_xcom",
    "example_xcomargs",
    "tutorial_taskflow_api",
)
EVERYTHING = "INTERMODAL_ALL_EXAMPLES" in os.environ

# How many DAGs must do the same, of those that run to an end as they are.
LEAST = {AIRFLOW: 15, PREFECT: 15}
LEAST_OF_ALL = {AIRFLOW: 100, PREFECT: 88}


def require(name, more=None):
    """Skips unless the engine is there."""
    if environment.find(name, extra_requirements=more) is None:
        what = f"port engines install {name}" + (f" --requirements {more}" if more else "")
        pytest.skip(f"{name} is not installed: `{what}`")


@pytest.mark.engine
@pytest.mark.slow
@pytest.mark.parametrize("engine", LEAST)
def test_examples_do_the_same_once_imported(engine):
    require(AIRFLOW)
    if engine != AIRFLOW:
        require(engine, HOSTS)
    files = example_files(environment.require(AIRFLOW).root)
    if not EVERYTHING:
        files = [file for file in files if file.stem in SUBSET]
        assert len(files) == len(SUBSET)
    told = []
    with Bench([engine], timeout=120) as bench:
        for file in files:
            told += bench.run_file(file)
    found = Counter(one.verdict for one in told if one.engine == engine)
    others = "\n".join(
        f"{one.verdict} {one.dag}: {'; '.join(one.details)}"
        for one in told
        if one.verdict != "same"
    )
    assert found["same"] >= (LEAST_OF_ALL if EVERYTHING else LEAST)[engine], others
    assert "crashed" not in found, others


OLD = """\
from datetime import datetime, timedelta
from pathlib import Path

from airflow.sdk import DAG, task
from airflow.providers.standard.operators.bash import BashOperator

from names import regions

assert Path(__file__).with_name("names.py").exists()


@task
def listed():
    return regions()


@task(retries=2, retry_delay=timedelta(seconds=0))
def counted(region, ti):
    if region == "north" and ti.try_number == 1:
        raise ValueError("not yet")
    return len(region)


@task
def total(counts):
    return sum(counts)


with DAG("etl", start_date=datetime(2026, 1, 1), schedule=None):
    hello = BashOperator(task_id="say.hello", bash_command="echo hello")
    hello >> total(counted.expand(region=listed()))
"""

NEW = """\
from intermodal import Retry, pipeline, run, task


@task
def listed() -> list[str]:
    return ["north", "west"]


@task(retry=Retry(2, delay="0s"))
def counted(region: str, attempt: int) -> int:
    if region == "north" and attempt == 1:
        raise ValueError("not yet")
    return len(region)


@task
def total(counts: list[int]) -> int:
    return sum(counts)


@task
def say_hello() -> str:
    return "hello"


@pipeline
def etl():
    hello = say_hello()
    counts = counted.map(listed(), attempt=run.attempt)
    total.with_options(after=[hello])(counts)
"""


@pytest.fixture
def verify(tmp_path):
    """Runs `port verify` in a folder with both files."""
    require(AIRFLOW)
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "names.py").write_text("def regions():\n    return ['north', 'west']\n")
    (tmp_path / "dags" / "etl.py").write_text(OLD)
    (tmp_path / "etl.py").write_text(NEW)

    def run(*given):
        return subprocess.run(
            [PORT, "verify", "--old", "dags/etl.py", *given],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


SAME = "etl: 4 tasks, 1 of them mapped: same states, same attempts, same outputs"


@pytest.mark.engine
def test_a_rewritten_pipeline_on_this_machine_and_on_airflow(verify):
    done = verify("--new", "etl.py", "--on", "local,airflow")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines() == [SAME, f"  old on {AIRFLOW}, new on local, {AIRFLOW}"]


@pytest.mark.engine
def test_the_old_file_itself_imported(verify):
    done = verify("--new", "dags/etl.py", "--on", "airflow")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[0] == SAME


@pytest.mark.engine
def test_what_the_new_pipeline_does_otherwise(verify, tmp_path):
    text = NEW.replace("Retry(2", "Retry(1").replace("len(region)", "2 * len(region)")
    text = text.replace("total.with_options(after=[hello])", "total")
    (tmp_path / "etl.py").write_text(text)
    done = verify("--new", "etl.py", "--on", "airflow", "--json")
    assert done.returncode == 1, done.stderr
    [told] = json.loads(done.stdout)
    assert told["old"]["trace"]["instances"]["counted[0]"]["attempts"] == 2
    found = {
        (d["instance"], d["field"]): (d["expected"], d["actual"])
        for d in told["engines"][0]["differences"]
    }
    assert found["counted[0]", "outputs.return"] == (5, 10)
    assert found["total", "outputs.return"] == (9, 18)
    assert all(instance != "listed" for instance, _ in found)


@pytest.mark.engine
def test_an_old_file_that_cannot_be_loaded(verify, tmp_path):
    (tmp_path / "dags" / "names.py").write_text("raise RuntimeError('no names today')\n")
    done = verify("--new", "etl.py", "--on", "airflow")
    assert done.returncode == 3
    assert "error[PORT704]" in done.stderr
    assert "no names today" in done.stderr
