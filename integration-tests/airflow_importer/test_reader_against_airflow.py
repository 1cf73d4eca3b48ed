"""The example DAGs of installed Airflow environments, as Airflow loads them and as the reader does."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from intermodal_backends.engines import environment
from intermodal_compilers.airflow.importer import Inputs, read_files

DUMP = Path(__file__).with_name("dagbag_dump.py")
# Of the DAGs that Airflow loads, how many must be read with exactly its tasks and edges.
LEAST_EXACT = {"airflow@3.3": 1.0, "airflow@2.11": 0.97}


def truth_of(name, folder):
    """What Airflow reads, by path below its packages; the files are copied to `folder`."""
    engine = environment.find(name)
    if engine is None:
        pytest.skip(f"{name} is not installed: `port engines install {name}`")
    home = folder / "home"
    home.mkdir()
    out = folder / "truth.json"
    settings = os.environ | {"AIRFLOW_HOME": str(home), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
    settings.pop("PYTHONPATH", None)
    python = str(engine.python)
    for command in (["-m", "airflow", "db", "migrate"], [str(DUMP), str(out)]):
        subprocess.run([python, *command], env=settings, cwd=home, check=True, capture_output=True)
    found = {}
    for path, facts in json.loads(out.read_text()).items():
        below = path.partition("site-packages/")[2]
        (folder / "tree" / below).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, folder / "tree" / below)
        found[below] = facts["dags"]
    return found


@pytest.mark.engine
@pytest.mark.slow
@pytest.mark.parametrize("name", LEAST_EXACT)
def test_example_dags_are_read_as_airflow_loads_them(name, tmp_path):
    truth = truth_of(name, tmp_path)
    root = tmp_path / "tree"
    exact, wrong = 0, []
    for below, wanted in truth.items():
        (file,) = read_files([root / below], Inputs(root=root))
        assert "PORT011" not in {finding.code for finding in file.findings}
        read = {dag.id: dag for dag in file.dags}
        for dag_id, tasks in wanted.items():
            dag = read.pop(dag_id, None)
            mine = {t.id: sorted(t.downstream) for t in dag.tasks.values()} if dag else {}
            if dag and mine == {task: facts["downstream"] for task, facts in tasks.items()}:
                exact += 1
                wrong += differing_facts(dag, tasks)
            elif not file.findings:
                wrong.append((below, dag_id, "differs, and nothing was said"))
        # A package taken as installed, with a note, may not be in this environment.
        assumed = any(finding.code == "PORT802" for finding in file.findings)
        wrong += [
            (below, dag_id, "is not there")
            for dag_id, dag in read.items()
            if not dag.holes and not assumed
        ]
    count = sum(len(dags) for dags in truth.values())
    print(f"{name}: {exact} of {count} DAGs exact")
    assert wrong == []
    assert exact / count >= LEAST_EXACT[name]


def differing_facts(dag, tasks):
    """Operators, mapping and trigger rules that are not as Airflow has them."""
    found = []
    for name, facts in tasks.items():
        task = dag.tasks[name]
        mine = (task.operator.rpartition(".")[2], task.mapped, task.trigger_rule)
        theirs = (facts["operator"].rpartition(".")[2], facts["mapped"], facts["trigger_rule"])
        if mine != theirs:
            found.append((dag.id, name, mine, theirs))
    return found
