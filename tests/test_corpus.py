"""The corpus's own parts: what is unpacked, compared and guarded; nothing of it is fetched here."""

import io
import tarfile
import tomllib

import pytest
from corpus import fetch
from corpus.__main__ import fallen
from corpus.compare import compare
from corpus.fetch import Source, safe, sources
from corpus.figures import Figures

from intermodal_compilers.airflow.importer import Inputs, read_files

DAG = """
from airflow import DAG
from airflow.operators.bash import BashOperator

with DAG("d"):
    a = BashOperator(task_id="a", bash_command="echo {word}", retries=2)
    a >> BashOperator(task_id="b", bash_command="true")
"""


def test_every_archive_is_pinned_by_its_hash():
    names = [one.name for one in sources()]
    assert len(names) == len(set(names)) > 20
    assert all(len(one.sha256) == 64 for one in sources())
    rows = tomllib.loads(fetch.SOURCES.read_text())["source"]
    assert not [row for row in rows if "://" in str(row)]


@pytest.mark.parametrize("name", ["/etc/passwd", "../x.py", "a/../../x.py", "a\\..\\x", "a\0.py"])
def test_paths_that_lead_out_are_refused(name):
    with pytest.raises(ValueError, match="holds the path"):
        safe(name)


def archive_of(members):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as packed:
        for name, text in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            packed.addfile(entry, io.BytesIO(text))
        link = tarfile.TarInfo("p-1/tests/system/link.py")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        packed.addfile(link)
    return data.getvalue()


def test_only_test_and_example_files_are_unpacked_and_no_links(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    one = Source("p", "1", "p-1.tar.gz", "0" * 64, "")
    members = {
        "p-1/tests/system/p/example.py": b"1",
        "p-1/tests/unit/p/test.py": b"2",
        "p-1/src/airflow/providers/p/example_dags/other.py": b"3",
        "p-1/src/airflow/providers/p/operators.py": b"4",
    }
    (tmp_path / one.archive).write_bytes(archive_of(members))
    fetch._trees.cache_clear()
    fetch._unpack(one, tmp_path / one.archive)
    found = [str(path.relative_to(one.folder)) for path in fetch.dag_files(one)]
    fetch._trees.cache_clear()
    assert found == ["airflow/providers/p/example_dags/other.py", "system/p/example.py"]


def facts(operator="BashOperator", downstream=(), **fields):
    return {
        "operator": f"airflow.operators.bash.{operator}",
        "downstream": list(downstream),
        "trigger_rule": "all_success",
        "mapped": False,
        "setup": False,
        "teardown": False,
        "group": None,
        "settings": {"retries": fields.pop("retries", 0)},
        "fields": fields,
    }


def compared(tmp_path, word="hi", **tasks):
    path = tmp_path / "dag.py"
    path.write_text(DAG.format(word=word))
    (read,) = read_files([path], Inputs(root=tmp_path))
    loaded = {"dags": {"d": {"settings": {}, "tasks": tasks}}}
    return compare(read, loaded, {"retries": 0})


RIGHT = {"a": facts(downstream=["b"], retries=2, bash_command="echo hi"), "b": facts()}


def test_what_is_read_as_airflow_has_it_is_exact_and_not_wrong(tmp_path):
    found = compared(tmp_path, **RIGHT)
    assert (found.dags, found.exact, found.tasks, found.holes, found.wrong) == (1, 1, 2, 0, [])


@pytest.mark.parametrize(
    ("tasks", "where"),
    [
        (RIGHT | {"b": facts("PythonOperator")}, "b"),
        (RIGHT | {"a": facts(downstream=["b"], retries=3, bash_command="echo hi")}, "a"),
        (RIGHT | {"a": facts(downstream=["b"], retries=2, bash_command="echo ho")}, "a"),
        ({"a": facts(retries=2)}, "b"),
    ],
    ids=["operator", "setting", "field", "task"],
)
def test_what_airflow_has_not_is_wrong(tmp_path, tasks, where):
    found = compared(tmp_path, **tasks)
    assert any(place.endswith(f":d.{where}") for place, _ in found.wrong)


def test_a_figure_that_fell_is_told():
    figures = Figures(loaded=100, exact=97, loaded_tasks=100, loaded_holes=1)
    floors = {"at_least": {"exact": 98.0, "tasks_without_holes": 98.0}, "at_most": {"wrong": 0.3}}
    assert fallen(figures.shares(), floors) == ["exact is 97, and must be at least 98"]
    figures.wrong = [("file:d.a", "x"), ("file:d.a", "y")]
    assert "wrong is 1, and must be at most 0.3" in fallen(figures.shares(), floors)
