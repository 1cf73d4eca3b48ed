"""What the Airflow compiler writes: golden files, formatting, lint, and what the files do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from airflow_cases import CASES, HOSTILE, python, shared, shells, totals, values
from fake_airflow import Parameter, execute, rendered

from intermodal.compile import compile_pipeline
from intermodal.compiling import Settings, Target
from intermodal.findings import errors_of
from intermodal.ir import IntegerType, Literal_, OutputRef, Pipeline, Task
from intermodal_compilers.airflow import AirflowCompiler

GOLDEN = Path(__file__).parent / "golden"
VERSIONS = ("3.3", "2.11")


def compiled(pipeline, version="3.3", **settings):
    result = compile_pipeline(pipeline, Target("airflow", version), Settings(**settings))
    assert errors_of(result.findings) == []
    return result


def dag_text(pipeline, version="3.3", **settings):
    return compiled(pipeline, version, **settings).files[f"{pipeline.name}.py"]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", CASES)
def test_output_is_as_before(name, version, golden):
    pipeline = CASES[name]()
    for file, text in compiled(pipeline, version).files.items():
        if file != "manifest.json":
            golden(GOLDEN / version / file.replace("requirements", f"{name}-requirements"), text)


def test_golden_files_are_formatted_and_free_of_lint():
    """AIR3 rules want Airflow 3's names, so they hold for that output only."""
    rules = "E4,E7,E9,F,I,UP,B,SIM"
    for command in (
        ["format", "--diff", str(GOLDEN)],
        ["check", "--select", f"{rules},AIR", str(GOLDEN / "3.3")],
        ["check", "--select", f"{rules},AIR0", str(GOLDEN / "2.11")],
    ):
        line = [sys.executable, "-m", "ruff", command[0], "--isolated", "--no-cache", *command[1:]]
        done = subprocess.run(line, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("version", AirflowCompiler.versions)
@pytest.mark.parametrize("name", CASES)
def test_every_file_can_be_executed(name, version):
    pipeline = CASES[name]()
    recorded = execute(dag_text(pipeline, version))
    assert recorded.dag["dag_id"] == pipeline.name
    assert [t.settings["task_id"] for t in recorded.tasks] == [task.id for task in pipeline.body]


def test_the_same_input_gives_the_same_bytes():
    assert compiled(totals()).files == compiled(totals()).files


def test_calls_of_one_function_share_it():
    call = python("def step(x: int) -> int:\n    return x + 1\n")
    body = [Task(id="t0", action=call, inputs={"x": Literal_(value=0)}, outputs=INT)]
    for n in range(1, 50):
        inputs = {"x": OutputRef(node=f"t{n - 1}")}
        body.append(Task(id=f"t{n}", action=call, inputs=inputs, outputs=INT))
    text = dag_text(Pipeline(name="chain", body=tuple(body)))
    assert text.count("def step(") == 1
    assert '    t9 = step.override(task_id="t9")(x=t8)\n' in text


INT = {"return": IntegerType()}


def test_policies_that_differ_are_overridden_per_call():
    text = dag_text(shared())
    assert "@task(retries=1, retry_delay=timedelta(seconds=0))\n" in text
    recorded = execute(text)
    assert recorded.task("third.part").settings["task_display_name"] == "Third"
    assert "execution_timeout" not in recorded.task("first").settings
    assert recorded.task("last").settings["after"] == ["second", "third.part"]


def test_arguments_reach_the_tasks_as_they_were_written():
    recorded = execute(dag_text(values()))
    wanted = {t.id: t.inputs["value"] for t in values().body}
    for task in recorded.tasks:
        expression = wanted[task.settings["task_id"]]
        if isinstance(expression, Literal_):
            assert rendered(task.arguments["value"]) == expression.value


def test_scalar_parameters_are_arguments_of_the_dag_function():
    text = dag_text(totals())
    assert 'def totals(limit: int = 100, region: str = "eu"):\n' in text
    assert execute(text).task("fetch").arguments["limit"] == Parameter("limit", 100)


def test_required_parameters_make_a_with_block():
    recorded = execute(dag_text(CASES["names"]()))
    assert recorded.dag["params"]["max-rows"] == ("Param", (), {"type": "integer"})
    assert recorded.task("describe").arguments["ds_value"] == Parameter("max-rows")


def test_commands_survive_jinja():
    recorded = execute(dag_text(shells()))
    command = rendered(recorded.task("count").settings["bash_command"])
    assert "${#a[@]}" in command
    assert "set -o pipefail" in command
    env = recorded.task("show").settings["env"]
    assert rendered(env["PLACE"]) == "here {{ there }}"
    assert rendered(env["fixed"]) == '{"a": "{{ ds }}"}'
    assert env["flag"] == "true"


def test_names_that_airflow_knows_are_passed_under_others():
    recorded = execute(dag_text(CASES["names"]()))
    describe = recorded.task("describe")
    assert set(describe.arguments) == {"ti_value", "params_value", "ds_value", "conf_value"}
    given = describe.function(ti_value=1, params_value=2, ds_value=3, conf_value=4)
    assert given == [1, 2, 3, 4, None, "nobody", 1, None]
    # A function that calls itself, and a multi-line text of its module.
    assert recorded.task("print").function(3) == 6


def test_environment_is_set_for_the_task_only(monkeypatch):
    monkeypatch.setenv("GREETING", "before")
    recorded = execute(dag_text(CASES["policies"]()))
    assert recorded.task("class").function() == HOSTILE
    assert os.environ["GREETING"] == "before"


def test_import_mode_calls_the_module():
    text = dag_text(totals(), code="import")
    assert "    from jobs import total\n\n    return total(rows=rows)\n" in text
    assert "math" not in text


def test_several_outputs_become_a_dict():
    pair = execute(dag_text(CASES["names"]())).task("pair")
    assert pair.settings["multiple_outputs"] is True
    assert pair.function(json=[1]) == {"low": [1], "high": [[1], None], "none": None}
