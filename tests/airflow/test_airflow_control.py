"""Control flow and policies as the Airflow compiler writes them; that they run so is tested on engines."""

from __future__ import annotations

from pathlib import Path

import pytest
from airflow_cases import INTEGER, python
from airflow_control_cases import CONTROL, FLOOR, approvals, branches, loops, step
from test_airflow_output import compiled, dag_text

from intermodal.compile import compile_pipeline
from intermodal.compiling import Settings, Target
from intermodal.findings import errors_of
from intermodal.ir import (
    ArtifactType,
    Cron,
    ForEach,
    Interval,
    ItemRef,
    Items,
    Join,
    Literal_,
    Notification,
    OnData,
    OutputRef,
    Parameter,
    ParameterRef,
    Pipeline,
    Schedule,
    Task,
    Wait,
)
from intermodal_compilers.airflow import AirflowCompiler
from intermodal_compilers.airflow.structure import plan_of

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("version", ["3.3", "2.11"])
@pytest.mark.parametrize("name", CONTROL)
def test_output_is_as_before(name, version, golden):
    pipeline = CONTROL[name]()
    for file, text in compiled(pipeline, version).files.items():
        if file != "manifest.json":
            golden(GOLDEN / version / file, text)


def test_approvals_are_as_before(golden):
    golden(GOLDEN / "3.3" / "approvals.py", dag_text(approvals()))


@pytest.mark.parametrize("version", AirflowCompiler.versions)
@pytest.mark.parametrize("name", CONTROL)
def test_every_version_gets_python(name, version):
    compile(dag_text(CONTROL[name](), version), "dag.py", "exec")


@pytest.mark.parametrize("name", CONTROL)
def test_the_same_input_gives_the_same_bytes(name):
    assert compiled(CONTROL[name]()).files == compiled(CONTROL[name]()).files


def plan(pipeline, version="3.3"):
    return plan_of(pipeline, Target("airflow", version))


def test_a_rule_in_an_arm_counts_what_the_user_wrote_only():
    units = plan(branches()).units
    assert units["again__join"].rule is Join.ALL_DONE
    assert units["again__join"].waits == ("retrain",)
    assert set(units["again"].waits) == {"either", "again__join"}


def test_helpers_never_take_a_users_id():
    body = (step("a"), step("a__guard", guard=Literal_(value=False), after=("a",)))
    guarded = step("b", after=("a", "a__guard"), guard=Literal_(value=False))
    taken = (*body, guarded, step("b__guard"))
    units = plan(Pipeline(name="p", body=taken)).units
    assert {"b__guard", "b__guard_"} < set(units)


def test_names_are_those_of_the_users_tasks():
    names = compiled(loops()).names
    assert names["double"] == "double"
    assert not [name for name in names if "__" in name]


def loop(items, body=(), **more):
    body = body or (step("t", x=ItemRef(loop="l")),)
    return ForEach(id="l", items=Items(lists=(items,)), body=body, **more)


def nested(inner, outer):
    deep = ForEach(id="m", items=Items(lists=(inner,)), body=(step("t", x=ItemRef(loop="m")),))
    return loop(outer, (deep,))


NUMBERS = {"n": Parameter(default=[1])}
GIVEN = ParameterRef(name="n")


def schedule(*triggers):
    return Pipeline(name="p", schedule=Schedule(triggers=triggers), body=(step("t"),))


CRON = Cron(expression="0 6 * * *")
REFUSED = {
    "long list": (Pipeline(name="p", body=(loop(Literal_(value=[*range(1025)])),)), "PORT203"),
    "many copies": (
        Pipeline(
            name="p", parameters=NUMBERS, body=(nested(GIVEN, Literal_(value=[*range(101)])),)
        ),
        "PORT203",
    ),
    "nested lists of parameters": (
        Pipeline(name="p", parameters=NUMBERS, body=(nested(GIVEN, GIVEN),)),
        "PORT204",
    ),
    "retries of a pipeline": (
        Pipeline(name="p", notifications=(Notification(on="retry", channel="log"),)),
        "PORT204",
    ),
    "check with an artifact": (
        Pipeline(
            name="p",
            body=(
                step("a", type_=ArtifactType()),
                Task(
                    id="w",
                    action=Wait(check=python("def f(x):\n    return x\n"), interval=1),
                    inputs={"x": OutputRef(node="a")},
                    input_types={"x": ArtifactType()},
                ),
            ),
        ),
        "PORT204",
    ),
    "cron and interval": (schedule(CRON, Interval(every=60)), "PORT204"),
    "two zones": (schedule(CRON, Cron(expression="0 7 * * *", timezone="Europe/Paris")), "PORT204"),
    "asset of no name": (schedule(OnData(assets=(" ",))), "PORT203"),
    "asset beyond ASCII": (schedule(OnData(assets=("s3://\u00e9",))), "PORT203"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_airflow_cannot_do_is_refused(name):
    pipeline, code = REFUSED[name]
    compiled = compile_pipeline(pipeline, Target("airflow", "3.3"), Settings())
    assert [finding.code for finding in errors_of(compiled.findings)] == [code]


def test_airflow_2_has_no_timetable_of_several_crons():
    pipeline = schedule(CRON, Cron(expression="0 7 * * *"))
    refused = compile_pipeline(pipeline, Target("airflow", "2.11"), Settings())
    assert [finding.code for finding in errors_of(refused.findings)] == ["PORT204"]
    assert "MultipleCronTriggerTimetable(" in dag_text(pipeline)


@pytest.mark.parametrize("version", ["3.0", "2.11"])
def test_approvals_need_airflow_3_1(version):
    refused = compile_pipeline(approvals(), Target("airflow", version), Settings())
    assert [finding.code for finding in errors_of(refused.findings)] == ["PORT200"]


def test_a_limit_of_iterations_is_said_to_be_one_of_tasks():
    body = (step("a", x=ItemRef(loop="l")), step("b", x=OutputRef(node="a")))
    pipeline = Pipeline(name="p", body=(loop(Literal_(value=[1, 2, 3]), body, max_parallel=2),))
    found = compile_pipeline(pipeline, Target("airflow", "3.3"), Settings())
    assert [f.code for f in found.findings if f.severity == "warning"] == ["PORT204"]
    assert found.files["p.py"].count("@task(max_active_tis_per_dagrun=2)") == 1


def test_before_3_3_rules_in_loops_are_decided_by_states():
    body = (
        step("a", x=ItemRef(loop="l")),
        step("b", x=OutputRef(node="a"), join=Join.ONE_FAILED),
    )
    pipeline = Pipeline(name="p", body=(loop(Literal_(value=[1]), body),))
    assert plan(pipeline).units["b"].rule is Join.ONE_FAILED
    older = plan(pipeline, "3.2").units
    assert (older["b__join"].rule, older["b"].waits) == (Join.ALL_DONE, ("b__join",))


def test_exit_tasks_wait_for_everything_and_hide_no_failure():
    body = (step("a"), step("b"), step("c", after=("a", "b")))
    pipeline = Pipeline(name="p", body=body, exit_tasks=(step("tidy"),))
    units = plan(pipeline).units
    assert set(units["tidy"].waits) == {"a", "b", "c"}
    assert units["tidy"].rule is Join.ALL_DONE
    assert (units["p__outcome"].waits, units["p__outcome"].rule) == (("c",), Join.NONE_FAILED)


def test_a_thousand_tasks_in_an_arm_compile_fast():
    from intermodal.ir import Arm, Branch, Compare

    chain = [step("t0")]
    chain += [step(f"t{n}", x=OutputRef(node=f"t{n - 1}")) for n in range(1, 1000)]
    condition = Compare(operator=">", left=FLOOR, right=Literal_(value=1))
    branch = Branch(id="b", arms=(Arm(name="yes", condition=condition, body=tuple(chain)),))
    parameters = {"floor": Parameter(type=INTEGER, default=1)}
    text = dag_text(Pipeline(name="p", parameters=parameters, body=(branch,)))
    assert text.count(".override(") >= 999
