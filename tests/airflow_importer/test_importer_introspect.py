"""Holes filled by what a loaded file makes, and what is told where it makes something else."""

from __future__ import annotations

import json
import os
import sys
import textwrap
from pathlib import Path

import pytest

from intermodal.findings import FindingsError, Severity
from intermodal.importing import Introspection
from intermodal_compilers.airflow.importer.build import build
from intermodal_compilers.airflow.importer.introspect import loading, worker
from intermodal_compilers.airflow.importer.introspect.fill import fill

BASH = "airflow.providers.standard.operators.bash.BashOperator"

OPEN = """
    from airflow.sdk import DAG
    from airflow.providers.standard.operators.bash import BashOperator
    from elsewhere import names

    def work(): ...

    with DAG("etl"):
        first = BashOperator(task_id="first", bash_command="echo 1")
        for name in names():
            first >> BashOperator(task_id=name, bash_command="x")
"""

KNOWN = """
    from airflow.sdk import DAG
    from airflow.providers.standard.operators.bash import BashOperator

    with DAG("etl", max_active_runs=3):
        first = BashOperator(task_id="first", bash_command="echo 1", retries=2)
        first >> BashOperator(task_id="last", bash_command="x")
"""


def told_task(*downstream, operator=BASH, rule="all_success", group=(), **arguments):
    """A task as the worker tells it."""
    return {
        "operator": operator,
        "bases": [],
        "downstream": list(downstream),
        "trigger_rule": rule,
        "mapped": False,
        "setup": False,
        "teardown": False,
        "group": list(group),
        "arguments": {
            name: {**(value if isinstance(value, dict) else {"json": value}), "origin": "call"}
            for name, value in arguments.items()
        },
    }


def told(settings=None, dag="etl", **tasks):
    """One DAG as the worker tells it."""
    kept = {name: {"json": value} for name, value in (settings or {}).items()}
    return {"id": dag, "settings": kept, "tasks": tasks}


@pytest.fixture
def filled(read, tmp_path):
    """`filled(text, dags...)`: the file as read, filled by loaded DAGs."""

    def run(text, *dags, problems=()):
        file = str(tmp_path / "dags" / "pipeline.py")
        loaded = {"file": file, "version": "3", "problems": list(problems), "dags": list(dags)}
        return fill(read(text), loaded, "dags.pipeline", file)

    return run


def said(read_file):
    """What the findings say, by code, assumptions left out."""
    return [(f.code, f.what) for f in read_file.findings if f.code != "PORT802"]


def test_unknown_tasks_and_edges_are_taken(filled):
    found = filled(
        OPEN,
        told(
            first=told_task("a", "b", bash_command="echo 1"),
            a=told_task("b", bash_command="echo a", retries=2),
            b=told_task(bash_command="echo b", env={"entries": {"x": {"json": "1"}}}),
        ),
    )
    [dag] = found.dags
    assert {t.id: t.downstream for t in dag.tasks.values()} == {
        "first": ("a", "b"),
        "a": ("b",),
        "b": (),
    }
    assert dag.tasks["b"].upstream == ("a", "first")
    assert dag.tasks["b"].arguments["env"].value == {"x": "1"}
    assert all(f.severity is Severity.NOTE for f in found.findings)
    assert [what for code, what in said(found) if code == "PORT822"] == [
        "`unknown_11` is left out: the loaded file has no task that it could be",
        "`a`, a BashOperator, is taken from the loaded file",
        "`b`, a BashOperator, is taken from the loaded file",
        "what comes after `first` is taken: `a`, `b` from the loaded file",
    ]
    built = build(dag)
    assert not built.findings
    assert not built.holes


def test_what_only_the_loaded_object_has_stays_a_hole(filled):
    other = {"other": "somebody.Hook"}
    found = filled(
        OPEN,
        told(
            first=told_task("a", bash_command="echo 1"),
            a=told_task(bash_command="echo a", hook=other),
        ),
    )
    built = build(found.dags[0])
    assert list(built.holes) == ["a"]
    assert [f.code for f in built.findings] == ["PORT811"]
    assert "somebody.Hook" in built.findings[0].what


def test_a_function_of_the_file_comes_with_its_source(filled, tmp_path):
    function = {
        "name": "work",
        "module": "pipeline",
        "file": str(tmp_path / "dags" / "pipeline.py"),
        "line": 6,
    }
    inner = {**function, "name": "make.<locals>.work"}
    python = "airflow.providers.standard.operators.python.PythonOperator"
    found = filled(
        OPEN,
        told(
            first=told_task("a", "b", bash_command="echo 1"),
            a=told_task(operator=python, python_callable={"function": function}),
            b=told_task(operator=python, python_callable={"function": inner}),
        ),
    )
    built = build(found.dags[0])
    source = next(t for t in built.pipeline.body if t.id == "a").action.arguments["python_callable"]
    assert (source.text, source.definitions) == ("work", ("def work(): ...\n",))
    assert list(built.holes) == ["b"]


def test_values_that_are_not_known_are_filled(filled):
    text = """
        import os
        from airflow.sdk import DAG
        from airflow.providers.standard.operators.bash import BashOperator

        def make():
            command = os.popen("hostname").read()
            return BashOperator(task_id="first", bash_command=command)

        with DAG("etl"):
            make() >> BashOperator(task_id="last", bash_command="x")
    """
    found = filled(
        text,
        told(first=told_task("last", bash_command="echo 7"), last=told_task(bash_command="x")),
    )
    command = found.dags[0].tasks["first"].arguments["bash_command"]
    assert command.value == "echo 7"
    assert said(found) == [("PORT822", "`bash_command` of `first` is taken from the loaded file")]


def test_the_same_gives_no_findings(filled):
    found = filled(
        KNOWN,
        told(
            {"max_active_runs": 3, "catchup": False},
            first=told_task("last", bash_command="echo 1", retries=2),
            last=told_task(bash_command="x"),
        ),
    )
    assert said(found) == []


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        (
            {"first": told_task("last", bash_command="echo 2")},
            "`bash_command` of `first` is 'echo 2'",
        ),
        ({"first": told_task(bash_command="echo 1")}, "after `first` come no tasks"),
        ({"first": told_task("last", rule="all_done")}, "the trigger rule of `first` is all_done"),
        ({"first": told_task("last", operator="a.Other")}, "`first` is a a.Other"),
        ({"more": told_task()}, "the loaded file has a task `more` as well"),
        ({"last": None, "first": told_task()}, "the loaded file has no task `last`"),
        ({"settings": {"max_active_runs": 9}}, "`max_active_runs` of DAG `etl` is 9"),
        ({"dag": "other"}, "the loaded file makes no DAG `etl`"),
    ],
)
def test_something_else_is_a_warning_with_both(filled, changed, what):
    tasks = {
        "first": told_task("last", bash_command="echo 1", retries=2),
        "last": told_task(bash_command="x"),
    } | changed
    tasks = {name: task for name, task in tasks.items() if task is not None}
    found = filled(KNOWN, told(tasks.pop("settings", None), tasks.pop("dag", "etl"), **tasks))
    warnings = [f for f in found.findings if f.code == "PORT821"]
    assert any(what in f.what for f in warnings), said(found)
    assert all(f.severity is Severity.WARNING for f in warnings)
    [etl] = [dag for dag in found.dags if dag.id == "etl"]
    assert etl.tasks["first"].downstream == ("last",)


def test_a_dag_whose_id_was_not_known_keeps_its_arguments(filled):
    text = KNOWN.replace('"etl"', "[n for n in [object()]][0]")
    found = filled(
        text, told(first=told_task("last", bash_command="echo 1"), last=told_task(bash_command="x"))
    )
    [dag] = found.dags
    assert dag.id == "etl"
    assert dag.arguments["max_active_runs"].value == 3


def test_a_dag_that_was_not_read(filled):
    found = filled(
        KNOWN,
        told(first=told_task("last"), last=told_task()),
        told({"catchup": True}, "second", only=told_task(bash_command="x", group=["g"])),
    )
    second = found.dags[1]
    assert (second.id, second.groups["g"].tasks) == ("second", ("only",))
    assert second.arguments["catchup"].value is True
    assert ("PORT821", "the loaded file makes DAG `second` as well") in said(found)


def test_a_file_that_does_not_load_stays_as_it_was_read(filled, monkeypatch):
    monkeypatch.setenv("INTERMODAL_SECRET_WORD", "hunter2-hunter2")
    found = filled(KNOWN, problems=["ModuleNotFoundError: hunter2-hunter2"])
    [problem] = [f for f in found.findings if f.code == "PORT820"]
    assert problem.severity is Severity.ERROR
    assert problem.why == "ModuleNotFoundError: ***"
    assert set(found.dags[0].tasks) == {"first", "last"}


# The worker, with an Airflow that is one module

FAKE = """
    import sys, time, types

    __version__ = "9.9"

    class BaseOperator: ...

    class Operator(BaseOperator):
        task_id = "t"
        downstream_task_ids = {"b", "a"}
        def __init__(self, **given):
            self._BaseOperator__init_kwargs = given

    class Dag:
        dag_id = "fake"
        tasks = [Operator(task_id="t", command="x", password="hunter2", hook=object())]

    class DagBag:
        def __init__(self, dag_folder):
            text = open(dag_folder).read()
            print("noise on standard output")
            while "hang" in text:
                time.sleep(0.01)
            if "raise" in text:
                raise RuntimeError("no")
            self.import_errors = {}
            self.dags = {"fake": Dag()}

    models = sys.modules["airflow.models"] = types.ModuleType("airflow.models")
    models.DagBag = DagBag
"""


@pytest.fixture
def load(tmp_path, monkeypatch):
    """Loads files of given texts with the fake Airflow."""
    (tmp_path / "airflow.py").write_text(textwrap.dedent(FAKE))
    monkeypatch.setattr(loading, "GOODBYE", 1.0)

    def run(seconds=30.0, python=sys.executable, **texts):
        for name, text in texts.items():
            (tmp_path / f"{name}.py").write_text(text)
        files = [tmp_path / f"{name}.py" for name in texts]
        how = Introspection(python=Path(python), seconds=seconds, own_home=True)
        found = loading.load_files(files, [tmp_path], how, {"n": 1}, {"X": "1"})
        return {Path(name).stem: told for name, told in found.items()}

    return run


def test_the_worker_tells_what_a_file_makes(load):
    [dag] = load(good="dag")["good"]["dags"]
    assert dag["id"] == "fake"
    task = dag["tasks"]["t"]
    assert task["downstream"] == ["a", "b"]
    assert task["operator"] == "airflow.Operator"
    assert task["arguments"]["command"] == {"json": "x", "origin": "call"}


def test_the_worker_does_not_tell_secrets(load):
    told_all = load(good="dag")
    assert "hunter2" not in json.dumps(told_all)
    arguments = told_all["good"]["dags"][0]["tasks"]["t"]["arguments"]
    assert arguments["password"]["other"] == "a value that may be secret"
    assert arguments["hook"]["other"] == "builtins.object"


def test_a_file_that_hangs_or_raises_does_not_stop_the_others(load):
    found = load(seconds=0.5, a="hang", b="raise", c="dag")
    assert found["a"]["problems"] == ["it took more than 0.5 s"]
    assert "RuntimeError: no" in found["b"]["problems"][0]
    assert found["c"]["dags"]


def test_no_airflow_in_that_python(load, tmp_path):
    (tmp_path / "airflow.py").unlink()
    with pytest.raises(FindingsError) as raised:
        load(good="dag")
    [problem] = raised.value.findings
    assert problem.code == "PORT820"
    assert "airflow" in problem.why
    with pytest.raises(FindingsError):
        load(good="dag", python=tmp_path / "no-such-python")


def test_the_worker_needs_nothing_of_ours():
    text = Path(worker.__file__).read_text()
    assert "intermodal" not in text
    compile(text, "worker.py", "exec", dont_inherit=True)
    assert os.path.basename(worker.__file__) == "worker.py"  # noqa: PTH119
