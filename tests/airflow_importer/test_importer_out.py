"""`port import --out`: a file of ours for each of theirs, and nobody's own work lost."""

from __future__ import annotations

import json

import pytest

from intermodal.analysis import graph
from intermodal.authoring.load import load_source
from intermodal.findings import FindingsError
from intermodal.migrating import conversion, placing, survey
from intermodal.migrating.placing import MANIFEST, Folder, Places

HEAD = "from airflow import DAG\nfrom airflow.models import Variable\n"
HEAD += "from airflow.operators.bash import BashOperator\n"
GOOD = HEAD + "with DAG('good') as dag:\n    BashOperator(task_id='say', bash_command='echo hi')\n"
OPEN = HEAD + (
    "def commands(box):\n    return [BashOperator(task_id='say', bash_command=box.read())]\n"
    "with DAG('open'):\n    for name in ['x']:\n        commands(open(name))\n"
)
HOLE = (
    HEAD + "with DAG('hole'):\n    BashOperator(task_id=Variable.get('x'), bash_command='true')\n"
)
TWO = HEAD + "".join(
    f"with DAG('{name}'):\n    BashOperator(task_id='say', bash_command='echo {name}')\n"
    for name in ("one", "two/../three")
)


@pytest.fixture
def dags(tmp_path):
    folder = tmp_path / "dags"
    folder.mkdir()
    (folder / "good.py").write_text(GOOD)
    return folder


def test_a_written_file_loads_and_says_the_same(call, dags, tmp_path):
    done = call("import", "airflow", "dags", "--out", "pipelines")
    assert done.exit_code == 0, done.stderr
    assert "1 file in pipelines" in done.stdout
    (pipeline,) = load_source(tmp_path / "pipelines" / "good.py", tmp_path).pipelines
    assert (pipeline.name, [task.id for task in graph.tasks(pipeline)]) == ("good", ["say"])


def test_again_nothing_changes(call, dags, tmp_path):
    call("import", "airflow", "dags", "--out", "out")
    before = (tmp_path / "out" / "good.py").stat().st_mtime_ns
    assert "1 file (1 unchanged) in out" in call("import", "airflow", "dags", "--out", "out").stdout
    assert (tmp_path / "out" / "good.py").stat().st_mtime_ns == before


def test_what_importing_wrote_is_replaced_when_the_original_changes(call, dags, tmp_path):
    call("import", "airflow", "dags", "--out", "out")
    (dags / "good.py").write_text(GOOD.replace("echo hi", "echo ho"))
    assert call("import", "airflow", "dags", "--out", "out").exit_code == 0
    assert "echo ho" in (tmp_path / "out" / "good.py").read_text()


@pytest.mark.parametrize("ours", [True, False])
def test_somebodys_own_work_is_kept_unless_forced(call, dags, tmp_path, ours):
    file = tmp_path / "out" / "good.py"
    if ours:
        call("import", "airflow", "dags", "--out", "out")
    file.parent.mkdir(exist_ok=True)
    file.write_text("mine = 1\n")
    (dags / "other.py").write_text(GOOD.replace("'good'", "'other'"))
    done = call("import", "airflow", "dags", "--out", "out")
    assert done.exit_code == 1
    assert "error[PORT812]" in done.stderr
    assert ("was edited since it was imported" in done.stderr) is ours
    assert file.read_text() == "mine = 1\n"
    assert (tmp_path / "out" / "other.py").exists()
    assert call("import", "airflow", "dags", "--out", "out", "--force").exit_code == 0
    assert "echo hi" in file.read_text()


def test_a_list_that_cannot_be_read_stops_before_anything_is_written(call, dags, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / MANIFEST).write_text("{")
    done = call("import", "airflow", "dags", "--out", "out")
    assert isinstance(done.exception, FindingsError)
    assert [path.name for path in (tmp_path / "out").iterdir()] == [MANIFEST]


def test_nothing_is_written_through_a_link_that_leads_out(call, dags, tmp_path):
    (dags / "team").mkdir()
    (dags / "team" / "etl.py").write_text(GOOD.replace("'good'", "'etl'"))
    (tmp_path / "out").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out" / "team").symlink_to(tmp_path / "elsewhere")
    done = call("import", "airflow", "dags", "--out", "out", "--force")
    assert done.exit_code == 1
    assert "leads out of" in done.stderr
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert (tmp_path / "out" / "good.py").exists()


def test_files_of_one_name_get_places_of_their_own(tmp_path):
    files = [tmp_path / "a" / "etl.py", tmp_path / "b" / "etl.py", tmp_path / "b" / "ETL.py"]
    for file in files:
        file.parent.mkdir(exist_ok=True)
        file.touch()
    places = Places(files)
    assert [places.python(file.resolve()) for file in files] == ["etl.py", "etl_2.py", "ETL_3.py"]


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("my-dag.py", "my_dag.py"),
        ("2024.py", "_2024.py"),
        ("import.py", "_import.py"),
        ("__init__.py", "__init__.py"),
        ("größe.v2.py", "gr_e_v2.py"),
    ],
)
def test_places_are_names_that_python_can_import(tmp_path, name, place):
    assert Places([tmp_path]).python(tmp_path.resolve() / "x y" / name) == f"x_y/{place}"


def test_the_ir_is_written_whole_one_file_for_each_pipeline(call, dags, tmp_path):
    (dags / "two.py").write_text(TWO)
    done = call("import", "airflow", "dags", "--out", "out", "--ir")
    assert done.exit_code == 1  # a pipeline of such a name is no pipeline of ours
    (dags / "two.py").write_text(TWO.replace("/../", "_"))
    assert call("import", "airflow", "dags", "--out", "out", "--ir").exit_code == 0
    written = {path.relative_to(tmp_path / "out").as_posix() for path in tmp_path.glob("out/**/*")}
    assert {"good.yaml", "two/one.yaml", "two/two_three.yaml"} <= written
    done = call("compile", "out/good.yaml", "--target", "airflow", "--out", "build")
    assert done.exit_code == 0, done.stderr
    assert "BashOperator" in (tmp_path / "build/airflow/good/good.py").read_text()


def test_a_file_with_open_holes_says_so_and_cannot_be_used(call, dags, tmp_path):
    (dags / "hole.py").write_text(HOLE)
    done = call("import", "airflow", "dags", "--out", "out")
    assert done.exit_code == 1
    assert "error[PORT810]" in done.stderr
    assert (tmp_path / "out" / "good.py").exists()
    loaded = load_source(tmp_path / "out" / "hole.py", tmp_path)
    assert [finding.code for finding in loaded.findings] == ["PORT005"]
    assert "dags/hole.py:5" in loaded.findings[0].what


def test_a_fault_of_ours_in_one_file_stops_no_other(call, dags, tmp_path, monkeypatch):
    (dags / "bad.py").write_text(GOOD.replace("'good'", "'bad'"))

    def breaks(imported):
        if imported[0].pipeline.name == "bad":
            raise KeyError("oops")
        return conversion.convert(imported)

    monkeypatch.setattr(survey, "convert", breaks)
    done = call("import", "airflow", "dags", "--out", "out", "--report", "report.json")
    assert done.exit_code == 1
    assert "error[PORT011]: a file could not be written: KeyError: 'oops'" in done.stderr
    assert (tmp_path / "out" / "good.py").exists()
    assert len(json.loads((tmp_path / "report.json").read_text())["files"]) == 2


def test_what_was_written_before_the_user_stopped_it_is_known_as_ours(
    call, dags, tmp_path, monkeypatch
):
    (dags / "later.py").write_text(GOOD.replace("'good'", "'later'"))
    put = Folder.put

    def stops(folder, path, text):
        if path == "later.py":
            raise KeyboardInterrupt
        return put(folder, path, text)

    monkeypatch.setattr(placing.Folder, "put", stops)
    done = call("import", "airflow", "dags", "--out", "out", "--report", "report.html")
    assert done.exit_code != 0
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"good.py", MANIFEST}
    assert list(json.loads((tmp_path / "out" / MANIFEST).read_text())["files"]) == ["good.py"]
    assert not (tmp_path / "report.html").exists()


SECRET = HEAD + (
    "with DAG('etl') as dag:\n"
    "    BashOperator(task_id='say', bash_command='login ' + Variable.get('db', "
    "deserialize_json=True)['password'])\n"
)


@pytest.mark.parametrize("options", [("--out", "out"), ("--out", "out", "--ir")])
def test_values_named_like_secrets_are_never_written(call, dags, tmp_path, options):
    (dags / "etl.py").write_text(SECRET)
    (tmp_path / "values.json").write_text(json.dumps({"db": {"password": "hunter22"}}))
    reports = ("--report", "report.html", "--report", "report.json")
    done = call("import", "airflow", "dags", "--variables", "values.json", *options, *reports)
    assert done.exit_code == 1
    assert "error[PORT814]" in done.stderr
    written = [
        path for path in tmp_path.rglob("*") if path.is_file() and path.name != "values.json"
    ]
    assert {"report.html", "report.json", MANIFEST} <= {path.name for path in written}
    assert not [path for path in written if b"hunter22" in path.read_bytes()]
    done = call("check", "dags/etl.py", "--from", "airflow", "--variables", "values.json")
    assert "error[PORT814]" in done.stderr
