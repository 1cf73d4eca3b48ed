"""Compiled pipelines in real Airflows: loaded without a warning, and run with the values they were given."""

from __future__ import annotations

import json

import pytest
from airflow_cases import CASES, HOSTILE, names, python, recorded, shells, values
from airflow_control_cases import CONTROL

from intermodal.compile import compile_pipeline
from intermodal.compiling import Settings, Target
from intermodal.findings import errors_of
from intermodal.ir import (
    AnyType,
    Literal_,
    OutputRef,
    Parameter,
    ParameterRef,
    Pipeline,
    RunFact,
    Shell,
    StringType,
    Task,
)
from intermodal_backends.engines.airflow import AirflowEngine
from intermodal_backends.engines.driver import EngineCase
from intermodal_backends.engines.environment import require

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module", params=["3.3", "2.11", "2.10"])
def airflow(request):
    with AirflowEngine(require(f"airflow@{request.param}")) as engine:
        yield engine, Target("airflow", request.param)


@pytest.fixture
def case(airflow, tmp_path):
    """Write a pipeline's DAG file to a folder of its own."""

    def write(pipeline, parameters=None):
        result = compile_pipeline(pipeline, airflow[1], Settings())
        assert errors_of(result.findings) == []
        folder = tmp_path / "dags"
        folder.mkdir()
        file = f"{pipeline.name}.py"
        (folder / file).write_text(result.files[file], encoding="utf-8")
        (tmp_path / "records").mkdir()
        return EngineCase(
            folder=folder,
            pipeline=pipeline.name,
            parameters=parameters or {},
            environment={
                "RECORDS": str(tmp_path / "records"),
                "INTERMODAL_STORE": str(tmp_path / "store"),
            },
        )

    return write


@pytest.fixture
def records(tmp_path):
    def read():
        folder = tmp_path / "records"
        return {file.stem: json.loads(file.read_text()) for file in folder.glob("*.json")}

    return read


@pytest.mark.parametrize("name", CASES)
def test_files_load_without_warnings(name, airflow, case):
    assert airflow[0].load(case(CASES[name]())) == []


@pytest.mark.parametrize("name", CONTROL)
def test_control_flow_loads_without_warnings(name, airflow, case):
    assert airflow[0].load(case(CONTROL[name]())) == []


def test_values_are_exact(airflow, case, records):
    pipeline = values()
    result = airflow[0].run(case(pipeline))
    assert result.succeeded, result.log
    found = records()
    for name, parameter in pipeline.parameters.items():
        for kind in "plo":
            assert repr(found[f"{name}_{kind}"]) == repr(parameter.default), (name, kind)


GIVEN = {"none": 7, "flag": True, "whole": -1, "real": 2.0, "text": "{{ ds }}\n", "list": []}


def test_parameters_of_a_run_replace_the_defaults(airflow, case, records):
    result = airflow[0].run(case(values(), GIVEN))
    assert result.succeeded, result.log
    found = records()
    assert {name: repr(found[f"{name}_p"]) for name in GIVEN} == {
        name: repr(value) for name, value in GIVEN.items()
    }


def scalars():
    """Parameters as arguments of the function under `@dag`."""
    given = {"n": 2**53 + 1, "text": HOSTILE, "none": None, "flag": False}
    return Pipeline(
        name="scalars",
        parameters={name: Parameter(default=value) for name, value in given.items()},
        body=tuple(recorded(f"{name}_p", ParameterRef(name=name)) for name in given),
    )


@pytest.mark.parametrize("given", [{}, {"n": "007", "text": "{{ ds }}", "none": 0, "flag": None}])
def test_arguments_of_the_dag_function_are_exact(given, airflow, case, records):
    pipeline = scalars()
    result = airflow[0].run(case(pipeline, given))
    assert result.succeeded, result.log
    wanted = {name: parameter.default for name, parameter in pipeline.parameters.items()} | given
    assert records() == {f"{name}_p": value for name, value in wanted.items()}


def test_names_that_airflow_uses(airflow, case, records):
    pipeline = names()
    last = recorded("seen", OutputRef(node="names"))
    first = recorded("described", OutputRef(node="describe"))
    pipeline = pipeline.model_copy(update={"body": (*pipeline.body, last, first)})
    result = airflow[0].run(case(pipeline, {"max-rows": 3}))
    assert result.succeeded, result.log
    described = [1, {"a": "{{ b }}"}, 3, "x", None, "nobody", 1, None]
    assert records()["described"] == described
    value, other, run = records()["seen"]
    assert (value, other) == (None, [described, None])
    assert run.startswith("manual__")


def test_shell_tasks(airflow, case, records):
    pipeline = shells()
    more = recorded("shown", OutputRef(node="show")), recorded("counted", OutputRef(node="count"))
    pipeline = pipeline.model_copy(update={"body": (*pipeline.body, *more)})
    result = airflow[0].run(case(pipeline))
    assert result.succeeded, result.log
    assert records() == {
        "shown": '2026-01-01/[1, 2]/3/{"a": "{{ ds }}"}/here {{ there }}/true',
        "counted": 3,
    }


def test_failures_fail(airflow, case):
    """Exit code 99 would be a skip by Airflow's default; what waits for a failure does not run."""
    task = python("def after():\n    pass\n")
    body = (
        Task(id="skips", action=Shell(command="exit 99")),
        Task(id="pipes", action=Shell(command="exit 7"), outputs={"return": StringType()}),
        Task(id="after", action=task, after=("skips", "pipes")),
    )
    result = airflow[0].run(case(Pipeline(name="failing", body=body)))
    assert not result.succeeded
    assert result.states == {"skips": "failed", "pipes": "failed", "after": "upstream_failed"}


def test_environment_is_the_tasks_own(airflow, case, records):
    call = python("def f():\n    return os.environ.get('A')\n", imports=("import os",))
    outputs = {"return": AnyType()}
    body = (
        Task(id="set", action=call, outputs=outputs, environment={"A": HOSTILE}),
        recorded("with", OutputRef(node="set")),
        Task(id="unset", action=call, outputs=outputs, after=("with",)),
        recorded("without", OutputRef(node="unset")),
        recorded("run", RunFact(fact="run_id")),
        recorded("plain", Literal_(value="\n")),
    )
    result = airflow[0].run(case(Pipeline(name="environment", body=body)))
    assert result.succeeded, result.log
    found = records()
    assert (found["with"], found["without"], found["plain"]) == (HOSTILE, None, "\n")
    assert found["run"].startswith("manual__")
