"""Waiting for something outside the run: polls and approvals."""

import os
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from local_pipelines import attempts, ref, states, task

from intermodal.findings import FindingsError
from intermodal.ir import (
    Approval,
    Arm,
    Branch,
    Compare,
    ForEach,
    Format,
    ItemRef,
    Items,
    Join,
    Literal_,
    Noop,
    OutputRef,
    PythonCall,
    Retry,
    Shell,
    Task,
    Wait,
)

SHORT = timedelta(seconds=0.01)
SOON = timedelta(seconds=0.3)
LONG = timedelta(seconds=60)


def literal(value):
    return Literal_(value=value)


def wait(id, check, interval=SHORT, timeout=None, soft_fail=False, **fields):
    if isinstance(check, str):
        check = PythonCall(module="local_tasks", function=check)
    action = Wait(check=check, interval=interval, timeout=timeout, soft_fail=soft_fail)
    return Task(id=id, action=action, **fields)


def come(id, path, calls, **fields):
    inputs = {"path": literal(str(path)), "calls": literal(calls)}
    return wait(id, "come", inputs=inputs, **fields)


def approval(id="approve", message="Go on?", timeout=None, **fields):
    text = literal(message) if isinstance(message, str) else message
    return Task(id=id, action=Approval(message=text, timeout=timeout), **fields)


def only(result):
    (failure,) = result.failures
    return failure


# --- polls


def test_many_looks_are_one_attempt(run, tmp_path):
    result = run(come("w", tmp_path / "calls", 4), task("one", "w"))
    assert states(result) == {"w": "succeeded", "one": "succeeded"}
    assert attempts(result) == {"w": 1, "one": 1}
    assert (tmp_path / "calls").read_text() == "xxxx"
    assert [p.state for p in run.told if p.instance == "w"] == ["running", "succeeded"]


def test_other_tasks_run_between_looks(run, tmp_path):
    """One worker: it has to be free while the task waits for what another one makes."""
    made = str(tmp_path / "made")
    result = run(
        wait("w", Shell(command=f"test -e {made}"), interval=SHORT),
        task("touch", inputs={"path": literal(made)}),
        options={"workers": 1},
    )
    assert states(result) == {"w": "succeeded", "touch": "succeeded"}


def test_a_wait_in_vain_fails_without_a_retry(run, tmp_path):
    result = run(
        come("w", tmp_path / "calls", 10**6, timeout=SOON, retry=Retry(max=3)),
        task("one", "w"),
        task("one", "w", id="clean", join=Join.ALL_DONE),
    )
    assert states(result) == {"w": "failed", "one": "upstream_failed", "clean": "succeeded"}
    assert attempts(result)["w"] == 1
    failure = only(result)
    assert failure.finding.code == "PORT601"
    assert failure.message == "waited in vain for 0.3 s"


def test_a_wait_that_may_fail_softly_is_skipped(run, tmp_path):
    result = run(
        come("w", tmp_path / "calls", 10**6, timeout=SOON, soft_fail=True),
        task("one", "w"),
        task("one", "w", id="anyway", join=Join.NONE_FAILED),
    )
    assert states(result) == {"w": "skipped", "one": "skipped", "anyway": "succeeded"}
    assert result.state == "succeeded"
    assert result.instances["w"].state == "skipped"


@pytest.mark.parametrize(("soft_fail", "state"), [(False, "failed"), (True, "skipped")])
def test_a_check_that_hangs_is_ended_when_the_time_is_over(run, soft_fail, state):
    result = run(wait("w", "hang", timeout=SOON, soft_fail=soft_fail, retry=Retry(max=2)))
    assert states(result) == {"w": state}
    assert attempts(result) == {"w": 1}


def test_a_long_interval_does_not_outlast_the_timeout(run, tmp_path):
    result = run(come("w", tmp_path / "calls", 2, interval=LONG, timeout=SOON))
    assert states(result) == {"w": "failed"}
    assert (tmp_path / "calls").read_text() == "x"


def test_the_tasks_timeout_is_for_each_look_and_is_retried(run):
    check = PythonCall(module="local_tasks", function="hang")
    action = Wait(check=check, interval=SHORT, timeout=LONG)
    result = run(Task(id="w", action=action, timeout=SOON, retry=Retry(max=1)))
    assert states(result) == {"w": "failed"}
    assert attempts(result) == {"w": 2}
    assert only(result).message == "ran longer than its timeout of 0.3 s"


def test_a_check_that_raises_fails_the_attempt(run, tmp_path):
    calls = {"path": literal(str(tmp_path / "calls"))}
    failed = run(wait("w", "fail_to_look", inputs=calls))
    assert only(failed).message == "cannot look"
    (tmp_path / "calls").unlink()
    result = run(wait("w", "fail_to_look", inputs=calls, retry=Retry(max=1)))
    assert states(result) == {"w": "succeeded"}
    assert attempts(result) == {"w": 2}


def test_a_check_whose_worker_dies(run):
    result = run(wait("w", "exit_hard", retry=Retry(max=1)))
    assert attempts(result) == {"w": 2}
    assert only(result).finding.code == "PORT605"


def test_waits_in_a_loop_wait_each_for_themselves(run, tmp_path):
    def loop(soft_fail):
        check = Shell(command="test -e $path")
        body = (
            wait(
                "w",
                check,
                timeout=SOON,
                soft_fail=soft_fail,
                inputs={"path": ItemRef(loop="each")},
            ),
            task("echo", "w", inputs={"value": ItemRef(loop="each")}),
        )
        items = Items(lists=(literal([str(tmp_path / "there"), str(tmp_path / "not")]),))
        return ForEach(id="each", items=items, body=body, outputs={"all": ref("echo")})

    (tmp_path / "there").touch()
    after = task("one", "each")
    assert states(run(loop(soft_fail=True), after)) == {
        "w[0]": "succeeded",
        "echo[0]": "succeeded",
        "w[1]": "skipped",
        "echo[1]": "skipped",
        "one": "succeeded",
    }
    hard = states(run(loop(soft_fail=False), after))
    assert (hard["w[1]"], hard["echo[1]"], hard["one"]) == ("failed",) + ("upstream_failed",) * 2


def test_an_interrupt_ends_a_wait_and_the_run_can_go_on(run, tmp_path):
    def steps():
        return (
            come("w", tmp_path / "calls", 2, interval=LONG if first else SHORT),
            task("one", "w"),
        )

    def interrupt(progress):
        if progress.state == "running":
            threading.Timer(0.3, os.kill, (os.getpid(), 2)).start()

    first = True
    stopped = run(*steps(), options={"on_event": interrupt})
    assert stopped.state == "interrupted"
    again = run(*steps(), options={"resume": stopped.run_id})
    assert states(again) == {"w": "succeeded", "one": "succeeded"}


# --- approvals


@pytest.mark.parametrize(
    ("answer", "state", "after"),
    [("approve", "succeeded", "succeeded"), ("reject", "failed", "upstream_failed")],
)
def test_an_answer_given_beforehand(run, answer, state, after):
    result = run(
        approval(retry=Retry(max=3)),
        task("one", "approve"),
        options={"approvals": {"approve": answer}},
    )
    assert states(result) == {"approve": state, "one": after}
    assert attempts(result)["approve"] == 1


def test_a_rejection_is_told(run):
    failure = only(run(approval(), options={"approvals": {"approve": "reject"}}))
    assert (failure.kind, failure.exception, failure.message) == (
        "user",
        "Rejected",
        "was not approved",
    )


@pytest.mark.parametrize("where", ["action", "task"])
def test_nobody_answers_in_time(run, where):
    timeouts = {"timeout": SOON} if where == "action" else {}
    node = approval(**timeouts, retry=Retry(max=2))
    if where == "task":
        node = node.model_copy(update={"timeout": SOON})
    result = run(node, options={"approvals": {"approve": "nobody"}})
    assert states(result) == {"approve": "failed"}
    assert attempts(result) == {"approve": 1}
    assert only(result).message == "was not answered for 0.3 s"


@pytest.mark.parametrize(
    ("said", "state"), [(True, "succeeded"), (False, "failed"), (None, "failed")]
)
def test_somebody_is_asked_while_other_tasks_run(run, said, state):
    asked = []
    others = threading.Event()

    def ask(instance, message):
        asked.append((instance, message))
        others.wait(10)
        return said

    def listen(progress):
        if (progress.instance, progress.state) == ("one", "succeeded"):
            others.set()

    message = Format(parts=(literal("Publish "), OutputRef(node="echo"), literal("?")))
    result = run(
        task("echo", inputs={"value": literal([1, 2])}),
        approval(message=message),
        task("one", "echo"),
        options={"ask": ask, "on_event": listen, "workers": 1},
    )
    assert asked == [("approve", "Publish [1, 2]?")]
    assert states(result)["approve"] == state


def test_approvals_in_a_loop_and_in_an_arm_not_taken(run):
    body = approval(), task("echo", "approve", inputs={"value": ItemRef(loop="each")})
    each = ForEach(
        id="each",
        items=Items(lists=(literal(["a", "b"]),)),
        body=body,
        outputs={"all": ref("echo")},
    )
    never = Branch(
        id="fork",
        arms=(
            Arm(
                name="yes",
                condition=Compare(operator="==", left=literal(1), right=literal(2)),
                body=(approval("other"),),
            ),
        ),
    )
    answers = {"approve": "approve", "approve[1]": "reject", "other": "reject"}
    result = run(each, never, options={"approvals": answers})
    assert states(result) == {
        "approve[0]": "succeeded",
        "echo[0]": "succeeded",
        "approve[1]": "failed",
        "echo[1]": "upstream_failed",
        "other": "skipped",
    }


def test_an_approval_without_anybody_to_ask_is_refused_beforehand(run):
    with pytest.raises(FindingsError) as refused:
        run(task("one"), approval())
    (finding,) = refused.value.findings
    assert finding.code == "PORT608"
    assert finding.next == "give `--approve approve` or `--reject approve`"
    assert not run.store.exists()
    with pytest.raises(FindingsError) as refused:
        run(approval(), options={"approvals": {"approve": "nobody"}})
    assert "has no timeout" in refused.value.findings[0].why


def test_an_open_approval_does_not_hold_up_an_interrupt(run):
    def interrupt(progress):
        if progress.state == "running":
            os.kill(os.getpid(), 2)

    result = run(
        approval(timeout=LONG), options={"approvals": {"approve": "nobody"}, "on_event": interrupt}
    )
    assert result.state == "interrupted"
    again = run(
        approval(timeout=LONG),
        options={"approvals": {"approve": "approve"}, "resume": result.run_id},
    )
    assert states(again) == {"approve": "succeeded"}
    assert attempts(again) == {"approve": 2}


def test_an_approved_task_is_not_asked_again_when_the_run_goes_on(run, tmp_path):
    def steps():
        needed = {"path": literal(str(tmp_path / "needed"))}
        return approval(), task("fail_unless", "approve", inputs=needed)

    first = run(*steps(), options={"approvals": {"approve": "approve"}})
    Path(tmp_path / "needed").touch()
    options = {"approvals": {"approve": "reject"}, "resume": first.run_id}
    assert states(run(*steps(), options=options)) == {
        "approve": "succeeded",
        "fail_unless": "succeeded",
    }


def test_nothing_is_a_check_too(run):
    assert states(run(wait("w", Noop()))) == {"w": "succeeded"}
