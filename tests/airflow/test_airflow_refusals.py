"""What Airflow cannot do is an error that says why; what a version can do is not."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from airflow_cases import python, totals

from intermodal.compile import compile_pipeline
from intermodal.compiling import Settings, Target
from intermodal.features import undeclared
from intermodal.findings import errors_of
from intermodal.ir import (
    CapturedSource,
    Container,
    Cron,
    Interval,
    Literal_,
    Parameter,
    Pipeline,
    PythonCall,
    Resources,
    Retry,
    Schedule,
    Shell,
    StringType,
    Task,
)
from intermodal_compilers.airflow import AirflowCompiler
from intermodal_compilers.airflow.capabilities import capabilities
from intermodal_compilers.airflow.dialects import DIALECTS
from intermodal_compilers.airflow.helpers import NEEDS
from intermodal_compilers.airflow.names import HELPERS
from intermodal_compilers.airflow.policies import bytes_of

NOTHING = python("def nothing():\n    pass\n")
DAILY = Schedule(triggers=(Cron(expression="0 6 * * *"),))


def one(**fields):
    return Pipeline(name="p", body=(Task(**{"id": "t", "action": NOTHING, **fields}),))


def errors(pipeline, version="3.3", **settings):
    result = compile_pipeline(pipeline, Target("airflow", version), Settings(**settings))
    found = errors_of(result.findings)
    assert bool(found) == (not result.files)
    return [finding.code for finding in found]


def test_every_feature_is_declared_for_every_version():
    for version in AirflowCompiler.versions:
        assert undeclared(capabilities(version)) == []


def test_tables_agree():
    assert tuple(DIALECTS) == AirflowCompiler.versions
    assert {*NEEDS, "runtime"} == HELPERS


@pytest.mark.parametrize(
    ("text", "version"),
    [("3", "3.3"), ("3.2", "3.2"), ("3.2.1", "3.2"), ("2", "2.11"), ("2.10", "2.10")],
)
def test_versions_are_resolved(text, version):
    assert AirflowCompiler().resolve_version(text) == version


@pytest.mark.parametrize("text", ["1", "2.9", "4", "x", "3.x", ""])
def test_unknown_versions_are_none(text):
    assert AirflowCompiler().resolve_version(text) is None


@pytest.mark.parametrize(
    ("retry", "version", "codes"),
    [
        (Retry(max=1, delay=1, factor=3), "3.3", []),
        (Retry(max=1, delay=1, factor=1.5), "3.2", []),
        (Retry(max=1, delay=1, factor=3), "3.1", ["PORT204"]),
        (Retry(max=1, delay=1, factor=3), "2.11", ["PORT204"]),
        (Retry(max=1, delay=1, factor=2), "2.10", []),
        (Retry(max=1, delay=1, factor=2, jitter=0.5), "3.3", []),
        (Retry(max=1, delay=1, jitter=0.5), "3.3", ["PORT204"]),
        (Retry(max=1, delay="2d", factor=2), "3.3", ["PORT204"]),
        (Retry(max=1, delay="2d"), "3.3", []),
    ],
)
def test_retries(retry, version, codes):
    assert errors(one(retry=retry), version) == codes


REFUSED = {
    "required with schedule": Pipeline(
        name="p", parameters={"n": Parameter(required=True)}, schedule=DAILY
    ),
    "catch up from no start": Pipeline(
        name="p", schedule=Schedule(triggers=(Interval(every=60),), catch_up=True)
    ),
    "gpu model": one(resources=Resources(gpu=1, gpu_type="t4")),
    "gpu for docker": one(action=Container(image="a"), resources=Resources(gpu=1)),
    "null byte in a command": one(action=Shell(command="echo \0")),
    "null byte in a variable": one(environment={"A": "\0"}),
    "return_value": one(
        action=python("def f():\n    return {}\n", unpack="items"),
        outputs={"return_value": StringType(), "b": StringType()},
    ),
}


@pytest.mark.parametrize("pipeline", REFUSED.values(), ids=REFUSED.keys())
def test_values_that_airflow_lacks(pipeline):
    assert errors(pipeline) == ["PORT204"]


def test_long_labels():
    assert errors(Pipeline(name="p", labels={"k": "x" * 99})) == ["PORT203"]


def test_bundles_are_not_there_yet():
    assert errors(one(), code="bundle") == ["PORT204"]


def source(function, **fields):
    captured = CapturedSource(function=function, **fields)
    return PythonCall(module="jobs", function="f", source=captured)


NOT_EMBEDDABLE = {
    "no source": PythonCall(module="jobs", function="f"),
    "a coroutine": source("async def f():\n    pass\n"),
    "another name": source("def g():\n    pass\n"),
    "not Python": source("def f(:\n"),
    "definitions that are not Python": source("def f():\n    pass\n", definitions=("x = (",)),
    "a global": source("def f():\n    global X\n    X = 1\n"),
    "no function of the top level": PythonCall(module="jobs", function="A.f"),
    "a helper's name": source("def f():\n    pass\n", imports=("import environment_variables",)),
}


@pytest.mark.parametrize("action", NOT_EMBEDDABLE.values(), ids=NOT_EMBEDDABLE.keys())
def test_what_cannot_be_embedded(action):
    assert errors(one(action=action, environment={"A": "1"})) == ["PORT120"]


@pytest.mark.parametrize("module", ["a b", "os;import x", "", "a..b"])
def test_modules_that_cannot_be_imported(module):
    action = PythonCall(module=module, function="f")
    assert errors(one(action=action), code="import") == ["PORT120"]


def test_inputs_cannot_smuggle_code():
    inputs = {"a=print(1),b": Literal_(value=1)}
    assert errors(one(action=python("def f(**x):\n    pass\n"), inputs=inputs)) != []


def test_project_modules_give_a_warning():
    action = source("def f():\n    pass\n", local_modules=("helpers",))
    result = compile_pipeline(one(action=action), Target("airflow", "3.3"), Settings())
    assert [finding.code for finding in result.findings] == ["PORT121"]


@pytest.mark.parametrize(
    ("quantity", "size"), [("1Gi", 2**30), ("1500m", 1), ("2k", 2000), ("12", 12)]
)
def test_quantities(quantity, size):
    assert bytes_of(quantity) == size


@pytest.mark.parametrize("version", AirflowCompiler.versions)
def test_schedules_mean_the_same_in_all_versions(version):
    """A run starts at each time of the schedule: data intervals would start one interval later."""
    cron = totals()
    text = compile_pipeline(cron, Target("airflow", version), Settings()).files["totals.py"]
    three = version.startswith("3")
    assert ('schedule="0 6 * * *"' in text) == three
    assert ('CronTriggerTimetable("0 6 * * *", timezone="Europe/Paris")' in text) == (not three)
    start = datetime(2026, 1, 1, 12, tzinfo=UTC)
    every = Pipeline(
        name="p", schedule=Schedule(triggers=(Interval(every="2h"),), start=start, catch_up=True)
    )
    text = compile_pipeline(every, Target("airflow", version), Settings()).files["p.py"]
    hour = 10 if version == "2.10" else 12
    assert f"pendulum.datetime(2026, 1, 1, {hour}, tz=" in text
    assert ("DeltaTriggerTimetable" in text) == (version == "2.11")


def test_times_that_occur_twice_say_which_they_are():
    start = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    schedule = Schedule(
        triggers=(Cron(expression="0 * * * *", timezone="Europe/Paris"),), start=start
    )
    text = compile_pipeline(
        Pipeline(name="p", schedule=schedule), Target("airflow", "3.3"), Settings()
    ).files["p.py"]
    assert 'pendulum.datetime(2026, 10, 25, 2, 30, tz="Europe/Paris", fold=0)' in text
