"""Runs of other pipelines that tasks trigger."""

import json
import os
import threading
from datetime import timedelta

import pytest
from local_pipelines import attempts, output, ref, states, task
from local_tasks import count_calls  # noqa: F401 - workers are forked with it

from intermodal.findings import FindingsError, Severity
from intermodal.ir import (
    Approval,
    ForEach,
    ItemRef,
    Items,
    Literal_,
    OutputRef,
    Parameter,
    ParameterRef,
    Pipeline,
    Retry,
    Task,
    TriggerRun,
)


def literal(value):
    return Literal_(value=value)


def trigger(pipeline, wait=True, id="start", parameters=None, **fields):
    action = TriggerRun(pipeline=pipeline, wait=wait, parameters=parameters or {})
    return Task(id=id, action=action, **fields)


def other(*body, name="other", **parameters):
    given = {key: Parameter(**fields) for key, fields in parameters.items()}
    return Pipeline(name=name, body=body, parameters=given)


def known(*pipelines):
    return {"pipelines": {pipeline.name: pipeline for pipeline in pipelines}}


def runs_of(run, name):
    """`run.json` of each run of a pipeline."""
    paths = sorted((run.store / name).glob("*/run.json"))
    return [json.loads(path.read_text()) for path in paths]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_run_that_is_waited_for(run, workers):
    inner = other(task("echo", inputs={"value": ParameterRef(name="n")}), n={"required": True})
    result = run(
        task("one"),
        trigger("other", parameters={"n": OutputRef(node="one")}),
        task("one", "start", id="after"),
        options={**known(inner), "workers": workers},
    )
    assert states(result) == dict.fromkeys(("one", "start", "after"), "succeeded")
    (inside,) = runs_of(run, "other")
    assert inside["state"] == "succeeded"
    assert inside["parameters"] == {"n": 1}
    assert inside["run_id"] != result.run_id
    log = (result.folder / ".logs" / "start.1.log").read_text()
    assert f"run `{inside['run_id']}` of `other` succeeded" in log


def test_a_run_that_fails_fails_the_task_that_waits(run):
    result = run(
        trigger("other", retry=Retry(max=1)),
        task("one", "start"),
        options=known(other(task("fail"))),
    )
    assert states(result) == {"start": "failed", "one": "upstream_failed"}
    assert attempts(result) == {"start": 2, "one": 0}
    failure = result.failures[0]
    assert failure.exception == "TriggeredRunFailed"
    assert "`fail`: ZeroDivisionError" in failure.message
    assert len(runs_of(run, "other")) == 2


@pytest.mark.parametrize("workers", [1, 2])
def test_a_run_that_nobody_waits_for_ends_before_this_one_does(run, tmp_path, workers):
    """It needs what a later task makes, so it cannot have been waited for."""
    made = literal(str(tmp_path / "made"))
    needs = task("fail_unless", inputs={"path": made}, retry=Retry(max=500, delay=0.02))
    result = run(
        trigger("other", wait=False),
        task("touch", "start", inputs={"path": made}),
        options={**known(other(needs)), "workers": workers},
    )
    assert states(result) == {"start": "succeeded", "touch": "succeeded"}
    (inside,) = runs_of(run, "other")
    assert inside["state"] == "succeeded"


def test_a_run_behind_that_fails_is_told_and_fails_nothing(run):
    result = run(trigger("other", wait=False), options=known(other(task("fail"))))
    assert result.state == "succeeded"
    (finding,) = result.findings
    assert finding.severity is Severity.WARNING
    assert "`other`, triggered by `start`, did not succeed" in finding.what
    assert "ZeroDivisionError" in finding.why
    died = run(trigger("other", wait=False), options=known(other(task("exit_hard"))))
    assert "exit code 3" in died.findings[0].why


def test_triggers_in_a_loop_have_runs_of_their_own(run):
    inner = other(
        task("fail_for", inputs={"item": ParameterRef(name="n"), "bad": literal(2)}), n={}
    )
    body = trigger("other", parameters={"n": ItemRef(loop="each")})
    each = ForEach(id="each", items=Items(lists=(literal([1, 2, 3]),)), body=(body,))
    result = run(each, options=known(inner))
    assert states(result) == {
        "start[0]": "succeeded",
        "start[1]": "failed",
        "start[2]": "succeeded",
    }
    assert sorted(r["parameters"]["n"] for r in runs_of(run, "other")) == [1, 2, 3]


def test_wrong_parameters_at_run_time_are_the_tasks_failure(run):
    from intermodal.ir import IntegerType

    inner = other(task("one"), n={"type": IntegerType(), "default": 0})
    result = run(trigger("other", parameters={"n": literal("x")}), options=known(inner))
    assert "could not begin" in result.failures[0].message


def test_what_stands_against_a_triggered_run_is_said_beforehand(run):
    inner = other(Task(id="ok", action=Approval(message=literal("?"))), n={"required": True}, m={})

    def refused(*body, options):
        with pytest.raises(FindingsError) as problem:
            run(*body, options=options)
        assert not run.store.exists()
        return [(f.code, f.what) for f in problem.value.findings if f.severity == "error"]

    assert refused(trigger("nothing"), options=known(inner)) == [
        ("PORT609", "there is no pipeline `nothing` to trigger")
    ]
    asked = {"ask": lambda *_: True}
    assert refused(
        trigger("other", parameters={"k": literal(1)}), options=known(inner) | asked
    ) == [
        ("PORT609", "`other` needs a value for its parameter `n`"),
        ("PORT609", "`other` has no parameter `k`"),
        ("PORT608", "nobody can approve `ok`"),
    ]


def test_answers_reach_triggered_runs(run):
    inner = other(Task(id="ok", action=Approval(message=literal("?"))))
    options = {**known(inner), "approvals": {"ok": "approve"}}
    assert states(run(trigger("other"), options=options)) == {"start": "succeeded"}


def test_pipelines_that_trigger_each_other_for_ever_come_to_an_end(run, monkeypatch):
    monkeypatch.setattr("intermodal_backends.local.triggered.DEEPEST", 3)
    inner = other(trigger("other"))
    result = run(trigger("other"), options=known(inner))
    assert result.state == "failed"
    assert "3 runs have triggered each other" in result.failures[0].message
    assert len(runs_of(run, "other")) == 3


def test_a_timeout_ends_the_triggered_run(run):
    limit = timedelta(seconds=0.5)
    result = run(trigger("other", timeout=limit), options=known(other(task("hang"))))
    assert result.failures[0].kind == "timeout"
    assert [r["state"] for r in runs_of(run, "other")] == ["interrupted"]


@pytest.mark.parametrize("wait", [True, False])
def test_an_interrupt_ends_triggered_runs_too(run, wait):
    def interrupt(progress):
        if (progress.instance, progress.state) == ("start", "running" if wait else "succeeded"):
            threading.Timer(0.5, os.kill, (os.getpid(), 2)).start()

    options = {**known(other(task("hang"))), "on_event": interrupt}
    result = run(trigger("other", wait=wait), options=options)
    assert result.state == "interrupted"
    assert [r["state"] for r in runs_of(run, "other")] == ["interrupted"]


def test_a_triggered_run_writes_its_own_events(run):
    result = run(trigger("other"), task("one"), options=known(other(task("one", id="inside"))))
    assert set(result.trace.instances) == {"start", "one"}
    assert "inside" not in (result.folder / "events.jsonl").read_text()


def test_secrets_as_parameters_stay_secret(run):
    from intermodal.ir import SecretRef

    inner = other(task("use_secret", inputs={"token": ParameterRef(name="token")}), token={})
    result = run(
        trigger("other", parameters={"token": SecretRef(name="token")}),
        options={**known(inner), "environment": {"INTERMODAL_SECRET_TOKEN": "hunter22"}},
    )
    assert result.state == "succeeded"
    files = [path for path in run.store.rglob("*") if path.is_file()]
    assert not any(b"hunter22" in path.read_bytes() for path in files)


def test_outputs_of_the_triggering_run_do_not_change(run):
    result = run(
        task("one"),
        trigger("other"),
        options=known(other(task("one"))),
        outputs={"n": ref("one")},
    )
    assert result.outputs == {"n": 1}
    assert output(result, "one") == 1
