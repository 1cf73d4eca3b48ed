"""Emitted flows in a real Prefect: what the engine does with them, failures and all."""

import pytest
from prefect_cases import CASES, HOSTILE, hostile

from intermodal.compile import compile_pipeline
from intermodal.compiling import Settings, Target
from intermodal.findings import errors_of
from intermodal.ir import (
    CapturedSource,
    Concurrency,
    Cron,
    IntegerType,
    Interval,
    Literal_,
    OutputRef,
    Parameter,
    ParameterRef,
    Pipeline,
    PythonCall,
    Retry,
    Schedule,
    Shell,
    StringType,
    Task,
)
from intermodal_backends.engines.driver import EngineCase
from intermodal_backends.engines.environment import install
from intermodal_backends.engines.live_prefect import live_prefect
from intermodal_backends.engines.prefect import PrefectEngine

pytestmark = pytest.mark.engine

INTEGER = IntegerType()
SOURCE = """\
def work(name: str, seconds: float = 0, fails: int = 0, after: int = 0) -> int:
    path = Path(os.environ["LOG"])
    with path.open("a") as log:
        log.write(f"{name}\\n")
    time.sleep(seconds)
    if path.read_text().split().count(name) <= fails:
        raise ValueError(name)
    with path.open("a") as log:
        log.write(f"{name}-done\\n")
    return 1
"""
WORK = PythonCall(
    module="jobs",
    function="work",
    source=CapturedSource(
        function=SOURCE, imports=("import os", "import time", "from pathlib import Path")
    ),
)


def work(name, *, after=(), needs=None, **given):
    policies = {key: given.pop(key) for key in ("retry", "timeout", "environment") if key in given}
    inputs = {"name": Literal_(value=name)}
    inputs |= {key: Literal_(value=value) for key, value in given.items()}
    if needs:
        inputs["after"] = OutputRef(node=needs)
    outputs = {"return": INTEGER}
    return Task(id=name, action=WORK, inputs=inputs, outputs=outputs, after=after, **policies)


def written(pipeline, folder, settings=None):
    result = compile_pipeline(pipeline, Target("prefect", "3"), settings or Settings())
    assert errors_of(result.findings) == []
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in result.files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def engine():
    with PrefectEngine(install("prefect@3")) as warm:
        yield warm


@pytest.fixture
def run(engine, tmp_path):
    """Compile, run, and give the engine's result and the lines that the tasks wrote."""

    def start(pipeline, parameters=None, **environment):
        log = tmp_path / "log"
        log.touch()
        case = EngineCase(
            folder=written(pipeline, tmp_path / pipeline.name),
            pipeline=pipeline.name,
            parameters=parameters or {},
            environment={"LOG": str(log), **environment},
        )
        return engine.run(case), log.read_text().split()

    return start


@pytest.mark.parametrize("name", CASES)
def test_prefect_loads_what_is_emitted_without_a_warning(engine, name, tmp_path):
    make, settings = CASES[name]
    pipeline = make()
    case = EngineCase(folder=written(pipeline, tmp_path, settings), pipeline=pipeline.name)
    assert engine.load(case) == []


def test_siblings_of_a_failure_go_on_and_what_follows_does_not_run(run):
    body = (
        work("bad", fails=9),
        work("slow", seconds=1.5),
        work("joined", needs="bad", after=("slow",)),
        work("later", needs="slow"),
    )
    result, log = run(Pipeline(name="siblings", body=body))
    assert not result.succeeded
    assert result.states["joined"] == "upstream_failed"
    assert result.states["later"] == "succeeded"
    assert set(log) == {"bad", "slow", "slow-done", "later", "later-done"}


def test_a_failed_leaf_fails_a_flow_that_has_outputs(run):
    pipeline = Pipeline(
        name="outputs",
        body=(work("fine"), work("bad", fails=9)),
        outputs={"fine": OutputRef(node="fine")},
    )
    assert not run(pipeline)[0].succeeded
    assert run(pipeline.model_copy(update={"body": (work("fine"),)}))[0].succeeded


def test_retries_count_failures_and_timeouts(run):
    body = (
        work("twice", fails=2, retry=Retry(max=2, delay=0.1, factor=2)),
        work("hanging", seconds=60, timeout=1.0, retry=Retry(max=1)),
    )
    result, log = run(Pipeline(name="retries", body=body))
    assert log.count("twice") == 3
    assert "twice-done" in log
    assert log.count("hanging") == 2
    assert result.states == {"twice": "succeeded", "hanging": "failed"}


def test_equal_calls_all_run_even_where_results_are_kept(run):
    body = tuple(
        work("same", after=(f"task_{n - 1}",) if n else ()).model_copy(update={"id": f"task_{n}"})
        for n in range(3)
    )
    pipeline = Pipeline(name="equal", body=body)
    result, log = run(pipeline, PREFECT_RESULTS_PERSIST_BY_DEFAULT="true")
    assert result.succeeded
    assert log.count("same") == 3


def test_one_worker_is_enough_for_any_graph(run):
    body = (work("a"), work("b", needs="a"), work("c"), work("d", needs="c", after=("b",)))
    pipeline = Pipeline(name="narrow", body=body, concurrency=Concurrency(max_active_tasks=1))
    result, log = run(pipeline)
    assert result.succeeded
    assert [line for line in log if line.endswith("-done")] == [
        "a-done",
        "b-done",
        "c-done",
        "d-done",
    ]


def test_variables_of_one_task_are_not_seen_by_the_others(run):
    show = Shell(command="echo ${COLOUR:-none}")
    text = {"return": StringType()}
    body = (
        Task(id="red", action=show, outputs=text, environment={"COLOUR": "red"}),
        Task(id="blue", action=show, outputs=text, environment={"COLOUR": "blue"}),
        Task(id="plain", action=show, outputs=text),
    )
    result, _ = run(Pipeline(name="colours", body=body))
    assert result.succeeded
    assert all(f"- {colour}\n" in result.log for colour in ("red", "blue", "none"))


@pytest.mark.parametrize("given", [{}, {"n": "many"}, {"n": 1, "other": 2}, {"n": 1, "mode": "x"}])
def test_wrong_parameters_start_no_task(run, given):
    parameters = {
        "n": Parameter(type=INTEGER, required=True),
        "mode": Parameter(type=StringType(), default="a", choices=("a", "b")),
    }
    pipeline = Pipeline(name="given", parameters=parameters, body=(work("one"),))
    result, log = run(pipeline, given)
    assert not result.succeeded
    assert log == []


def test_hostile_text_runs(run):
    result, _ = run(hostile())
    assert result.succeeded, result.log


@pytest.mark.slow
def test_a_real_server_deploys_plans_and_runs(tmp_path):
    schedule = Schedule(
        triggers=(
            Cron(expression="0 6 * * 1-5", timezone="Europe/Paris"),
            Interval(every="90m"),
        ),
        start="2020-01-01T00:30:00Z",
    )
    update = {"schedule": schedule, "concurrency": Concurrency(max_active_runs=2)}
    pipeline = hostile().model_copy(update=update)
    seen = {"body": (*pipeline.body, work("seen"))}
    folder = written(pipeline.model_copy(update=seen), tmp_path / "hostile")
    (tmp_path / "log").touch()
    case = EngineCase(
        folder=folder,
        pipeline="hostile",
        environment={"LOG": str(tmp_path / "log"), "INTERMODAL": "wrong"},
    )
    with live_prefect(install("prefect@3")) as prefect:
        (name,) = prefect.deploy(case)
        assert name == "hostile/hostile"
        deployed = prefect._api(f"/deployments/name/{name}")
        assert deployed["description"] == HOSTILE
        assert deployed["tags"] == [f"owner:{HOSTILE}", f"label:{HOSTILE}"]
        assert deployed["global_concurrency_limit"]["limit"] == 2
        rules = [entry["schedule"] for entry in deployed["schedules"]]
        assert {rule.get("cron") for rule in rules} == {"0 6 * * 1-5", None}
        planned = prefect.scheduled_runs(name)
        assert any(":30:00" in moment for moment in planned)
        again = prefect._home / "deployed" / "hostile"
        prefect._prefect(["--no-prompt", "deploy", "--all"], again)
        assert len(prefect._api(f"/deployments/name/{name}")["schedules"]) == 2
        result = prefect.wait(prefect.trigger(name, {"given": HOSTILE}))
        assert result.succeeded, result.log
    assert (tmp_path / "log").read_text().split() == ["seen", "seen-done"]


def test_parameters_reach_tasks_by_their_own_values(run):
    pipeline = Pipeline(
        name="named",
        parameters={"wait_for": Parameter(type=StringType(), default="one")},
        body=(work("x").model_copy(update={"inputs": {"name": ParameterRef(name="wait_for")}}),),
    )
    assert run(pipeline, {"wait_for_": "two"})[1] == ["two", "two-done"]
