"""Reads a file's text as the importer does, with other files beside it."""

from __future__ import annotations

import inspect
import textwrap

import pytest
from click.testing import CliRunner

from intermodal.cli.main import port
from intermodal_compilers.airflow.importer import Inputs, read_files


@pytest.fixture
def read(tmp_path):
    """`read(text, {"lib/x.py": text}, variables=...)` gives the read file."""

    def run(text, others=None, **inputs):
        for name, content in (others or {}).items():
            place = tmp_path / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(textwrap.dedent(content))
        path = tmp_path / "dags" / "pipeline.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(textwrap.dedent(text))
        (found,) = read_files([path], Inputs(root=tmp_path, debug=True, **inputs))
        return found

    return run


@pytest.fixture
def edges(read):
    """`edges(text)` gives the only DAG's tasks with what is downstream of each."""

    def run(text, others=None, **inputs):
        (dag,) = read(text, others, **inputs).dags
        return {task.id: " ".join(task.downstream) for task in dag.tasks.values()}

    return run


@pytest.fixture
def translated(read):
    """`translated(text, target="local")` gives the only DAG in neutral terms, with what was found."""
    from intermodal_compilers.airflow.importer.build import build
    from intermodal_compilers.airflow.translate import translate_pipeline

    def run(text, target="local"):
        (dag,) = read(text).dags
        built = build(dag)
        # What a file leaves to a version of Airflow is told of elsewhere.
        assert [f.what for f in built.findings if f.code != "PORT815"] == []
        return translate_pipeline(built.pipeline, target)

    return run


# Before click 8.2 standard output and errors come together unless one asks for them apart.
APART = {"mix_stderr": False} if "mix_stderr" in inspect.signature(CliRunner).parameters else {}


@pytest.fixture
def call(tmp_path, monkeypatch):
    """Runs a command of `port` in a folder of its own, and gives what it printed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")

    def call(name, *arguments):
        found = port.get_command(None, name)
        return CliRunner(**APART).invoke(found, [str(argument) for argument in arguments])

    return call


@pytest.fixture
def read_shape(tmp_path):
    """Reads a small repository and compares it with what is expected of it.

    A shape has `files` by path; `env` and `variables`; the expected `dags`: what is downstream of each task,
    `settings` by `dag:task:name`, `holes` as `dag` or `dag:task`, and the `codes` of the findings. `airflow`
    is the version that loads the repository with just these DAGs; a shape without it has what Airflow cannot
    load here, or what cannot be known without running it.
    """

    def run(shape):
        for name, content in shape["files"].items():
            place = tmp_path / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(content.lstrip("\n"))
        inputs = Inputs(
            root=tmp_path,
            debug=True,
            environment=shape.get("env", {}),
            variables=shape.get("variables", {}),
        )
        files = list(read_files([tmp_path / "dags"], inputs))
        dags = {dag.id: dag for file in files for dag in file.dags}
        found = {
            name: {task.id: " ".join(task.downstream) for task in dag.tasks.values()}
            for name, dag in dags.items()
        }
        assert found == shape["dags"]
        settings = {}
        for place in shape.get("settings", {}):
            dag, task, name = place.split(":")
            read = dags[dag].tasks[task]
            rule = name == "trigger_rule"
            settings[place] = read.trigger_rule if rule else read.arguments[name].value
        assert settings == shape.get("settings", {})
        holes = [name for name, dag in dags.items() if dag.holes]
        holes += [
            f"{name}:{task.id}"
            for name, dag in dags.items()
            for task in dag.tasks.values()
            if task.holes
        ]
        assert sorted(holes) == shape.get("holes", [])
        codes = {finding.code for file in files for finding in file.findings}
        assert sorted(codes) == shape.get("codes", [])

    return run
