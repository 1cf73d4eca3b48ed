"""Pools, priorities and what has no effect on this machine."""

from datetime import timedelta

import pytest
from local_pipelines import output, states, task

from intermodal.features import Feature, Lowered, Native, Refused, undeclared
from intermodal.findings import FindingsError, Severity
from intermodal.ir import (
    Concurrency,
    ForEach,
    ItemRef,
    Items,
    Literal_,
    Noop,
    Resources,
    Retry,
    Task,
    TriggerRun,
    Wait,
)
from intermodal_backends.local import LocalBackend


def literal(value):
    return Literal_(value=value)


def together(result):
    """How many ran at the same time, at most."""
    return max(
        instance.outputs["return"]
        for name, instance in result.trace.instances.items()
        if name.startswith("h")
    )


@pytest.fixture
def holding(tmp_path):
    folder = tmp_path / "held"
    folder.mkdir()

    def make(number, **fields):
        return task("hold", id=f"h{number}", inputs={"path": literal(str(folder))}, **fields)

    return make


@pytest.mark.parametrize(("slots", "size", "most"), [(1, 2, 2), (1, 1, 1), (2, 3, 1)])
def test_a_pool_limits_what_runs_at_once(run, holding, slots, size, most):
    body = [holding(n, pool="db", pool_slots=slots) for n in range(6)]
    result = run(*body, options={"workers": 4, "pools": {"db": size}})
    assert result.state == "succeeded"
    assert together(result) <= most


def test_a_full_pool_holds_up_nobody_else(run):
    order = []
    body = [
        task("nothing", id="slow1", pool="db", outputs={}),
        task("nothing", id="slow2", pool="db", outputs={}),
        task("nothing", id="free", outputs={}),
    ]

    def listen(progress):
        if progress.state == "running":
            order.append(progress.instance)

    run(*body, options={"workers": 2, "pools": {"db": 1}, "on_event": listen})
    assert order.index("free") < 2
    assert sorted(order) == ["free", "slow1", "slow2"]


def test_priority_counts_within_a_pool(run):
    order = []
    body = [
        task("one", id=f"t{n}", pool="db", priority=n, pool_slots=2 if n == 3 else 1)
        for n in range(5)
    ]

    def listen(progress):
        if progress.state == "running":
            order.append(progress.instance)

    run(*body, options={"workers": 1, "pools": {"db": 2}, "on_event": listen})
    assert order == ["t4", "t3", "t2", "t1", "t0"]


def test_slots_are_free_again_after_failures_deaths_and_retries(run):
    body = [
        task("fail", id="a", pool="db", retry=Retry(max=2)),
        task("exit_hard", id="b", pool="db", retry=Retry(max=1)),
        task("echo", id="c", pool="db", inputs={"value": ItemRef(loop="each")}),
    ]
    each = ForEach(id="each", items=Items(lists=(literal([1, 2]),)), body=(body[2],))
    result = run(*body[:2], each, options={"pools": {"db": 1}})
    assert states(result) == {
        "a": "failed",
        "b": "failed",
        "c[0]": "succeeded",
        "c[1]": "succeeded",
    }


def test_max_active_tasks(run, holding):
    body = [holding(n) for n in range(6)]
    result = run(*body, concurrency=Concurrency(max_active_tasks=1), options={"workers": 4})
    assert together(result) == 1


def test_a_pool_without_a_size_is_said_and_limits_nothing(run):
    result = run(task("one", pool="db"), task("one", id="two", pool="db"))
    assert result.state == "succeeded"
    (finding,) = result.findings
    assert (finding.code, finding.severity) == ("PORT611", Severity.NOTE)


def test_a_task_that_needs_more_than_its_pool_has_is_refused(run):
    with pytest.raises(FindingsError) as refused:
        run(task("one", pool="db", pool_slots=3), options={"pools": {"db": 2}})
    assert [f.code for f in refused.value.findings] == ["PORT611"]


def test_what_has_no_effect_is_said_once(run):
    limits = Resources(memory="2Gi", cpu=1)
    result = run(
        task("one", resources=limits, owners=("ann",)),
        task("one", id="two", resources=limits),
        labels={"team": "a"},
    )
    assert output(result, "two") == 1
    said = [f.what for f in result.findings]
    assert all(f.severity is Severity.NOTE and f.code == "PORT201" for f in result.findings)
    assert len(said) == 4
    for feature in ("resources.cpu", "resources.memory", "task.owners", "pipeline.labels"):
        assert sum(f"`{feature}`" in text for text in said) == 1


def test_a_plain_pipeline_is_silent(run):
    assert run(task("one")).findings == ()


def test_what_cannot_run_is_refused_with_its_reason(run):
    check = TriggerRun(pipeline="other")
    call = Task(id="get", action=Wait(check=check, interval=timedelta(seconds=1)))
    with pytest.raises(FindingsError) as refused:
        run(call, Task(id="n", action=Noop()))
    (finding,) = refused.value.findings
    assert finding.code == "PORT606"
    assert "kind `trigger`" in finding.what
    assert finding.why


def test_every_feature_is_declared_and_every_refusal_has_a_reason():
    capabilities = LocalBackend().capabilities()
    assert undeclared(capabilities) == []
    assert set(capabilities) == set(Feature)
    for support in capabilities.values():
        match support:
            case Refused(why=why, hint=hint):
                assert why
                assert hint
            case Lowered(how=how):
                assert how
            case _:
                assert isinstance(support, Native)
