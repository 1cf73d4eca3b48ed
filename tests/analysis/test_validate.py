"""Checks of meaning: one broken pipeline each."""

from datetime import UTC, datetime

import pytest

from intermodal.analysis.uses import FIELDS, used_features
from intermodal.analysis.validate import validate
from intermodal.analysis.values import cron_problem
from intermodal.features import Feature
from intermodal.findings import Span
from intermodal.ir import (
    Arm,
    ArtifactType,
    Branch,
    Compare,
    Cron,
    FloatType,
    ForEach,
    Group,
    IntegerType,
    Interval,
    ItemRef,
    Items,
    Literal_,
    OutputRef,
    Pairing,
    Parameter,
    ParameterRef,
    Pipeline,
    PythonCall,
    RunFact,
    Schedule,
    StringType,
    Task,
)


def call(name, inputs=None, takes=None, gives=None, **more):
    return Task(
        id=name,
        action=PythonCall(module="m", function=name),
        inputs=inputs or {},
        input_types=takes or {},
        outputs={"return": gives} if gives else {},
        span=Span(file="p.py", line=more.pop("line", 1)),
        **more,
    )


def codes(*body, **more):
    return [finding.code for finding in validate(Pipeline(name="p", body=body, **more))]


def test_a_good_pipeline_has_no_findings():
    assert (
        codes(
            call("a", gives=IntegerType()),
            call("b", {"n": OutputRef(node="a")}, {"n": FloatType()}),
        )
        == []
    )


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ([call("a"), call("a", line=2)], ["PORT106"]),
        ([call("a", {"x": ParameterRef(name="gone")})], ["PORT105"]),
        ([call("a", {"x": OutputRef(node="gone")})], ["PORT105"]),
        ([call("a"), call("b", {"x": OutputRef(node="a")})], ["PORT105"]),
        ([call("a", after=("gone",))], ["PORT105"]),
        ([call("a", after=("b",)), call("b", after=("a",))], ["PORT104"]),
        ([call("a", after=("a",))], ["PORT104"]),
        ([call("a", {"x": ItemRef(loop="l")})], ["PORT108"]),
        ([call("a", {"x": RunFact(fact="state")})], ["PORT108"]),
        (
            [
                call("a", gives=StringType()),
                call("b", {"n": OutputRef(node="a")}, {"n": IntegerType()}),
            ],
            ["PORT107"],
        ),
        ([call("a", {"n": Literal_(value="x")}, {"n": IntegerType()})], ["PORT107"]),
        (
            [
                call("a", gives=ArtifactType(artifact="Dataset")),
                call("b", {"m": OutputRef(node="a")}, {"m": ArtifactType(artifact="Model")}),
            ],
            ["PORT107"],
        ),
    ],
)
def test_mistakes_in_a_body(body, expected):
    assert codes(*body) == expected


def loop(*body, **more):
    return ForEach(id="l", items=Items(lists=(Literal_(value=[1]),)), body=body, **more)


def test_loops_hide_what_is_inside_unless_it_is_collected():
    inner = call("a", {"x": ItemRef(loop="l")}, gives=IntegerType())
    assert codes(loop(inner), call("b", {"x": OutputRef(node="a")})) == ["PORT108"]
    collected = loop(inner, outputs={"all": OutputRef(node="a")})
    assert codes(collected, call("b", {"x": OutputRef(node="l", output="all")})) == []


def test_arms_do_not_see_each_other():
    condition = Compare(operator="==", left=Literal_(value=1), right=Literal_(value=1))
    arms = Branch(
        id="br",
        arms=(Arm(name="yes", condition=condition, body=(call("a", gives=IntegerType()),)),),
        otherwise=(call("b", {"x": OutputRef(node="a")}),),
    )
    assert codes(arms) == ["PORT108"]


def test_groups_are_transparent():
    group = Group(id="g", body=(call("a", gives=IntegerType()),))
    assert codes(group, call("b", {"x": OutputRef(node="a")})) == []


def test_cycles_through_a_region_are_found():
    group = Group(id="g", body=(call("a", after=("b",)),))
    assert codes(group, call("b", after=("g",))) == ["PORT104"]


def test_exit_tasks_see_the_state():
    assert codes(exit_tasks=(call("x", {"s": RunFact(fact="state")}),)) == []


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (Schedule(triggers=(Cron(expression="0 6 * *"),)), ["PORT118"]),
        (Schedule(triggers=(Cron(expression="0 6 * * *", timezone="Mars/Base"),)), ["PORT118"]),
        (Schedule(triggers=(Cron(expression="0 6 * * *", timezone="../etc/passwd"),)), ["PORT118"]),
        (Schedule(triggers=(Interval(every=0),)), ["PORT118"]),
        (
            Schedule(
                triggers=(Interval(every=5),),
                start=datetime(2026, 2, 1, tzinfo=UTC),
                end=datetime(2026, 1, 1, tzinfo=UTC),
            ),
            ["PORT118"],
        ),
    ],
)
def test_schedules_that_mean_nothing(schedule, expected):
    assert codes(schedule=schedule) == expected


@pytest.mark.parametrize(
    ("parameter", "expected"),
    [
        (Parameter(type=IntegerType(), default="x"), ["PORT107"]),
        (Parameter(type=IntegerType(), default=True), ["PORT107"]),
        (Parameter(type=StringType(), default="c", choices=("a", "b")), ["PORT118"]),
        (Parameter(type=FloatType(), default=1), []),
        (Parameter(type=StringType(), required=True), []),
    ],
)
def test_parameters(parameter, expected):
    assert codes(parameters={"p": parameter}) == expected


@pytest.mark.parametrize(
    ("expression", "fine"),
    [
        ("0 6 * * *", True),
        ("*/15 0-6,22 1,15 jan-mar mon-fri", True),
        ("@daily", False),
        ("60 * * * *", False),
        ("* * 0 * *", False),
        ("*/0 * * * *", False),
        ("0 6 * * * *", False),
        ("", False),
    ],
)
def test_cron_expressions(expression, fine):
    assert (cron_problem(expression) == "") is fine


def test_every_field_of_the_ir_stands_in_the_table_of_features():
    from intermodal.ir import pipeline, policies, schedule

    for module in (pipeline, policies, schedule):
        for name, fields in FIELDS.items():
            model = getattr(module, name, None)
            if model is not None:
                assert set(model.field_names) - {"span"} == set(fields), name


def test_uses_name_the_subject_and_the_place():
    task = call("a", retry={"max": 1, "jitter": 0.5}, line=7)
    uses = {use.feature: use for use in used_features(Pipeline(name="p", body=(task,)))}
    assert set(uses) == {Feature.ACTION_PYTHON, Feature.RETRY, Feature.RETRY_JITTER}
    assert uses[Feature.RETRY_JITTER].subject == "task `a`"
    assert uses[Feature.RETRY_JITTER].span.line == 7


def test_validation_is_linear_in_depth_too():
    chain = [call("t0", gives=IntegerType())]
    chain += [
        call(f"t{i}", {"x": OutputRef(node=f"t{i - 1}")}, gives=IntegerType())
        for i in range(1, 3000)
    ]
    assert codes(*reversed(chain)) == []


def torn_down(after):
    setup = call("make", gives=IntegerType(), pairing=Pairing(role="setup"))
    work = ForEach(
        id="each",
        items=Items(lists=(Literal_(value=[1]),)),
        body=(call("work", {"n": OutputRef(node="make")}, {"n": IntegerType()}),),
    )
    pairing = Pairing(role="teardown", partners=("make",))
    drop = call("drop", {"n": OutputRef(node="make")}, after=after, pairing=pairing)
    later = call("later", {"n": OutputRef(node="make")}, after=("drop",))
    return validate(Pipeline(name="p", body=(setup, work, drop, later)))


def test_a_teardown_that_does_not_wait_for_the_work_is_told_of():
    [finding] = torn_down(after=())
    assert (finding.code, finding.severity) == ("PORT123", "warning")
    assert finding.what == "the teardown `drop` does not wait for `work`"
    assert torn_down(after=("each",)) == []
