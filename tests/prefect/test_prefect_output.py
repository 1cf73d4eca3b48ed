"""What the Prefect compiler writes: golden files, formatting, lint, and what the files do."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from fake_prefect import execute
from prefect_cases import (
    CASES,
    KUBERNETES,
    add,
    echo,
    out,
    parameters,
    python,
    scheduled,
    sources,
    totals,
)

from intermodal.compile import compile_pipeline
from intermodal.compiling import Settings, Target
from intermodal.features import Feature, undeclared
from intermodal.findings import errors_of
from intermodal.ir import (
    AnyType,
    ArtifactType,
    CapturedSource,
    Container,
    Environment,
    IntegerType,
    Literal_,
    Parameter,
    Pipeline,
    PythonCall,
    Resources,
    Retry,
    RunFact,
    Shell,
    Task,
)
from intermodal_compilers.prefect import PrefectCompiler
from intermodal_compilers.prefect.capabilities import CAPABILITIES
from intermodal_compilers.prefect.parts import closure, prelude
from intermodal_compilers.prefect.policies import retry_delays

GOLDEN = Path(__file__).parent / "golden"
TARGET = Target("prefect", "3")
FAILS = Task(
    id="bad",
    action=python("def fail() -> int:\n    raise ValueError('told')\n"),
    outputs={"return": IntegerType()},
)


def compiled(pipeline, settings=None):
    result = compile_pipeline(pipeline, TARGET, settings or Settings())
    assert errors_of(result.findings) == []
    return result


def flow_text(pipeline, settings=None):
    return compiled(pipeline, settings).files["flow.py"]


def refused(pipeline, settings=None):
    result = compile_pipeline(pipeline, TARGET, settings or Settings())
    errors = errors_of(result.findings)
    assert errors
    assert not result.files
    return {finding.code for finding in errors}


@pytest.mark.parametrize("name", CASES)
def test_output_is_as_before(name, golden):
    make, settings = CASES[name]
    for file, text in compiled(make(), settings).files.items():
        if file != "manifest.json":
            golden(GOLDEN / name / file, text)


def test_emitted_files_are_formatted_and_free_of_lint():
    files = [str(path) for path in sorted(GOLDEN.glob("*/flow.py"))]
    assert len(files) == len(CASES)
    ruff = [sys.executable, "-m", "ruff"]
    rules = ["check", "--isolated", "--no-cache", "--select", "E4,E7,E9,F,I,UP,B,SIM,AIR"]
    for arguments in (rules, ["format", "--isolated", "--no-cache", "--check"]):
        done = subprocess.run(
            [*ruff, *arguments, *files], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout


def test_the_prelude_fits_the_width_of_emitted_files():
    path = Path(sys.modules[PrefectCompiler.__module__].__file__).parent / "prelude.py"
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--isolated", "--no-cache", "--check", str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_each_part_of_the_prelude_can_stand_alone():
    for name in prelude().parts:
        parts, imports = closure([name])
        text = "\n".join([*(item.statement for item in imports), *(part.text for part in parts)])
        unknown = {
            need for part in parts for need in part.needs if need[0].islower() and "_" in need
        } - set(prelude().parts)
        assert compile(text, name, "exec")
        assert all(need in text for need in unknown)


def test_every_feature_is_declared():
    assert undeclared(CAPABILITIES) == []
    assert set(CAPABILITIES) == set(Feature)


@pytest.mark.parametrize(
    ("text", "version"),
    [("3", "3"), ("3.8", "3"), ("3.8.8", "3"), ("2", None), ("30", None), ("3.", None), ("", None)],
)
def test_versions(text, version):
    assert PrefectCompiler().resolve_version(text) == version


def test_values_outputs_and_elements_reach_the_tasks_that_want_them():
    recorded = execute(flow_text(totals()))
    assert recorded.call(limit=6) == {"total": 2 * (100 + 0 + 1 + 2) + (3 + 1), "limit": 6}
    assert recorded.runs["facts"].value == "totals"
    assert recorded.runs["grow.again"].value == 103  # its sibling changed a copy of the list
    assert recorded.runs["halves"].value == {"low": [0, 1, 2], "high": [3, 4, 5]}
    assert [future.name for future in recorded.runs["more"].wait_for] == ["grow"]


def test_a_failure_keeps_what_follows_from_running_and_is_returned():
    pipeline = Pipeline(
        name="failing",
        body=(
            FAILS,
            add("next", out("bad")),
            add("fine", Literal_(value=1)),
        ),
    )
    recorded = execute(flow_text(pipeline))
    returned = recorded.call()
    assert {future.name for future in returned} == {"next", "fine"}
    assert not recorded.runs["next"].ready
    assert recorded.runs["fine"].value == 2


def test_outputs_are_not_read_when_a_leaf_has_failed():
    pipeline = Pipeline(
        name="failing",
        body=(FAILS, add("fine", Literal_(value=1))),
        outputs={"fine": out("fine")},
    )
    returned = execute(flow_text(pipeline)).call()
    assert [future.name for future in returned] == ["bad", "fine"]


def test_parameters_arrive_as_given_under_their_safe_names():
    recorded = execute(flow_text(parameters()))
    recorded.call(count=7, wait_for_=10)
    values = [run.value for run in recorded.runs.values()]
    assert values[:4] == ["a", "fast", 0.5, 7]
    assert values[11:] == [[1, {"k": None}], 10, 2, 3, 4, 5]
    with pytest.raises(ValueError, match="share must be one of"):
        recorded.call(count=1, share=0.3)


def test_functions_of_modules_that_disagree_stay_apart():
    recorded = execute(flow_text(sources()))
    recorded.call(limit=2)
    assert recorded.runs["clean_one"].value == [10, 20, "one\n  two", 1]
    assert recorded.runs["clean_two"].value == [20, 40, "one\n  two", 2]
    assert recorded.runs["hold"].value == [1, 2]
    assert recorded.runs["limit"].value == 0
    assert recorded.runs["sum"].value == 2


def test_a_task_that_others_wait_for_in_vain_does_not_end_the_flow():
    diamond = Pipeline(
        name="diamond",
        body=(
            add("top", Literal_(value=1)),
            add("left", out("top")),
            add("right", out("top")),
            add("bottom", out("left"), out("right")),
        ),
    )
    text = flow_text(diamond)
    assert "wait([left_future, right_future])" in text
    assert "return [bottom_future]" in text
    chain = Pipeline(name="chain", body=diamond.body[:2])
    assert "wait(" not in flow_text(chain)


def test_commands_read_their_inputs_and_give_the_last_line():
    task = Task(
        id="show",
        action=Shell(command='echo noise; echo "$text $numbers $EXTRA"'),
        inputs={"text": Literal_(value="a 'b'"), "numbers": Literal_(value=[1, None])},
        outputs={"return": AnyType()},
        environment={"EXTRA": "more"},
    )
    recorded = execute(flow_text(Pipeline(name="shell", body=(task,))))
    recorded.call()
    assert recorded.runs["show"].value == "a 'b' [1, null] more"


@pytest.mark.parametrize(
    ("command", "type_", "error"),
    [("exit 3", None, "exit code 3"), ("echo 1.5", IntegerType(), "is not int")],
)
def test_a_command_that_fails_or_gives_the_wrong_type_fails_the_task(command, type_, error):
    outputs = {"return": type_} if type_ else {}
    task = Task(id="bad", action=Shell(command=command), outputs=outputs)
    recorded = execute(flow_text(Pipeline(name="shell", body=(task,))))
    recorded.call()
    assert error in str(recorded.runs["bad"].error)


def test_a_timeout_ends_a_command_and_all_that_it_started():
    command = 'sleep 60 & echo "$!" > "$PIDS"; wait'
    task = Task(id="slow", action=Shell(command=command), timeout=0.2)
    recorded = execute(flow_text(Pipeline(name="slow", body=(task,))))
    recorded.call()
    assert isinstance(recorded.runs["slow"].error, TimeoutError)


def test_a_function_with_a_timeout_or_environment_runs_in_a_process_of_its_own(tmp_path):
    source = CapturedSource(
        function="def spend(seconds):\n    time.sleep(seconds)\n    return Told(os.environ['WHO'])._asdict()\n",
        imports=("import os", "import time", "from typing import NamedTuple"),
        definitions=("class Told(NamedTuple):\n    who: str\n",),
    )
    call = PythonCall(module="jobs", function="spend", source=source)
    outputs = {"return": AnyType()}
    quick, slow = (
        Task(
            id=id_,
            action=call,
            inputs={"seconds": Literal_(value=seconds)},
            outputs=outputs,
            timeout=timeout,
            environment={"WHO": "me"},
        )
        for id_, seconds, timeout in (("quick", 0, 60), ("slow", 60, 0.5))
    )
    recorded = execute(flow_text(Pipeline(name="own", body=(quick, slow))))
    recorded.call()
    assert recorded.runs["quick"].value == {"who": "me"}
    assert isinstance(recorded.runs["slow"].error, TimeoutError)


def test_an_exception_crosses_the_process_boundary_as_itself():
    source = CapturedSource(
        function="def fail():\n    raise Mine('told')\n",
        definitions=("class Mine(Exception):\n    pass\n",),
    )
    call = PythonCall(module="jobs", function="fail", source=source)
    task = Task(id="fail", action=call, timeout=60)
    recorded = execute(flow_text(Pipeline(name="own", body=(task,))))
    recorded.call()
    assert type(recorded.runs["fail"].error).__name__ == "Mine"
    assert str(recorded.runs["fail"].error) == "told"


def test_retry_delays_follow_factor_and_ceiling():
    assert retry_delays(Retry(max=5, delay=1, factor=2, ceiling=5)) == [1, 2, 4, 5]
    assert retry_delays(Retry(max=3, delay=1.5)) == [1.5]
    assert retry_delays(Retry(max=3)) == [0]
    assert len(retry_delays(Retry(max=60, delay=1, factor=1.1))) == 60


def test_deployment_schedule_tags_and_limits():
    result = compiled(scheduled(), KUBERNETES)
    (deployment,) = yaml.safe_load(result.files["prefect.yaml"])["deployments"]
    assert deployment["entrypoint"] == "flow.py:scheduled_report"
    assert deployment["concurrency_limit"] == {"limit": 2, "collision_strategy": "ENQUEUE"}
    assert deployment["schedules"][0] == {"cron": "0 6 * * 1-5", "timezone": "Europe/Paris"}
    assert deployment["schedules"][1]["interval"] == 5400
    assert deployment["work_pool"]["job_variables"]["cpu_request"] == "2"
    assert deployment["work_pool"]["job_variables"]["memory_request"] == "2Gi"


def test_runs_that_a_schedule_starts_outside_its_dates_are_skipped():
    recorded = execute(flow_text(scheduled(), KUBERNETES))
    flow_run = recorded.imports["prefect.runtime"].flow_run
    early = __import__("datetime").datetime.fromisoformat("2025-12-31T23:59:59+00:00")
    flow_run.scheduled_start_time = early
    assert not isinstance(recorded.call(), dict)  # somebody started it: that is always allowed
    flow_run.tags = ["auto-scheduled"]
    assert recorded.call()["name"] == "Skipped"
    flow_run.scheduled_start_time = early.replace(year=2026)
    assert not isinstance(recorded.call(), dict)
    flow_run.scheduled_start_time = early.replace(year=2027)
    assert recorded.call()["name"] == "Skipped"


@pytest.mark.parametrize(
    ("change", "settings", "code"),
    [
        ({"resources": Resources(cpu=1)}, Settings(), "PORT204"),
        ({"resources": Resources(memory="1Gi")}, Settings(), "PORT204"),
        ({"retry": Retry(max=60, delay=1, factor=1.1)}, Settings(), "PORT204"),
        ({"environment": {"A": "\0"}}, Settings(), "PORT204"),
        ({"resources": Resources(gpu=1)}, Settings(), "PORT200"),
        ({}, Settings(code="bundle"), "PORT204"),
        ({}, Settings(targets={"prefect": {"work_pool_type": "moon"}}), "PORT204"),
    ],
)
def test_what_prefect_cannot_do_is_refused(change, settings, code):
    task = add("one", Literal_(value=1)).model_copy(update=change)
    assert refused(Pipeline(name="refused", body=(task,)), settings) == {code}


def test_an_image_needs_a_work_pool_that_runs_images():
    pipeline = Pipeline(name="imaged", environment=Environment(image="repo/app:1"))
    assert refused(pipeline) == {"PORT204"}
    assert "image: repo/app:1" in compiled(pipeline, KUBERNETES).files["prefect.yaml"]
    # The default image of the settings has no Prefect in it.
    assert "image" not in compiled(Pipeline(name="p"), KUBERNETES).files["prefect.yaml"]


def test_the_runs_id_is_prefects_and_new_when_the_run_is_started_again():
    pipeline = Pipeline(name="facts", body=(echo("run", RunFact(fact="run_id")),))
    recorded = execute(flow_text(pipeline))
    recorded.call()
    assert recorded.runs["run"].value == "run"
    recorded.imports["prefect.runtime"].flow_run.run_count = 2
    recorded.call()
    assert recorded.runs["run"].value == "run-2"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (None, "not captured"),
        (CapturedSource(function="def f(:\n"), "invalid syntax"),
        (CapturedSource(function="def g(): pass\n"), "does not hold"),
        (CapturedSource(function="def f(): pass\n", imports=("from . import x",)), "relative"),
        (CapturedSource(function="def f(): pass\n", imports=("from x import *",)), "star"),
    ],
)
def test_sources_that_cannot_be_embedded_are_refused(source, said):
    task = Task(id="f", action=PythonCall(module="m", function="f", source=source))
    result = compile_pipeline(Pipeline(name="p", body=(task,)), TARGET, Settings())
    (finding,) = errors_of(result.findings)
    assert finding.code == "PORT120"
    assert said in finding.why


def test_artifacts_of_containers_are_refused():
    task = Task(id="box", action=Container(image="alpine"), outputs={"return": ArtifactType()})
    assert refused(Pipeline(name="p", body=(task,))) == {"PORT204"}


def test_the_runtime_is_told_whose_attempt_it_is(monkeypatch):
    from intermodal import runtime

    make, settings = CASES["tracked"]
    recorded = execute(flow_text(make(), settings))
    told = {}
    monkeypatch.setattr(runtime, "run", lambda function, **given: told.update(given) or 1)
    task_run = recorded.imports["prefect.runtime"].task_run
    task_run.task_name, task_run.run_count = "copy", 3
    recorded.imports["prefect.runtime"].flow_run.parameters = {"rows": 3, "a_b": 1}
    recorded._inside(lambda: recorded.module.copy.function("said"))
    context = told["context"]
    assert (context.pipeline, context.run_id, context.task) == ("tracked", "run", "copy")
    assert (context.attempt, context.target) == (3, "prefect@3")
    assert (context.store, context.tracking) == (settings.store, settings.tracking)
    assert context.parameters == {"rows": 3, "a-b": 1}
    assert (context.experiment, context.tags) == ("trials", {"stage": "it's new"})
    assert told["inputs"] == {"said": "said"}


def test_manifest_names_each_task():
    names = json.loads(compiled(totals()).files["manifest.json"])["tasks"]
    assert names["grow.again"]["name"] == "grow.again"


def test_one_function_is_emitted_once_however_often_it_is_called():
    body = tuple(add(f"task_{n}", Literal_(value=n)) for n in range(300))
    text = flow_text(Pipeline(name="wide", body=body))
    assert text.count("def add(") == 1
    assert text.count(".submit(") == 300
    assert len(text.splitlines()) < 700


def test_names_in_the_flow_never_collide():
    ids = ["a.b", "a_b", "a-b", "pick", "wait", "leaves", "a_b_future"]
    body = tuple(echo(id_, Literal_(value=id_)) for id_ in ids)
    wanted = {"a_b_future": Parameter(default=1), "echo": Parameter(default=2)}
    pipeline = Pipeline(name="echo", body=body, parameters=wanted)
    recorded = execute(flow_text(pipeline))
    recorded.call()
    assert {name: run.value for name, run in recorded.runs.items()} == {id_: id_ for id_ in ids}


def test_a_flow_of_very_many_tasks_has_a_limit_of_threads():
    body = tuple(add(f"task_{n}", Literal_(value=n)) for n in range(1001))
    assert "max_workers=1000" in flow_text(Pipeline(name="wide", body=body))
    assert "max_workers" not in flow_text(Pipeline(name="wide", body=body[:1000]))
