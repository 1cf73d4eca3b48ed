"""Failures: the user's own, timeouts, dead workers; retries; and what is said about them."""

import os
import signal
import time
from datetime import timedelta
from pathlib import Path

import pytest
from local_pipelines import attempts, output, ref, shell, states, task

from intermodal.ir import Join, Literal_, PythonCall, Retry, Task
from intermodal_backends.local.retries import pause_before


def literal(value):
    return Literal_(value=value)


def only(result):
    (failure,) = result.failures
    return failure


def test_a_failure_is_told_with_the_users_own_frames(run):
    result = run(task("fail"), task("echo", inputs={"value": ref("fail")}))
    failure = only(result)
    assert result.state == "failed"
    assert states(result) == {"fail": "failed", "echo": "upstream_failed"}
    assert (failure.kind, failure.exception) == ("user", "ZeroDivisionError")
    assert failure.finding.code == "PORT600"
    assert failure.log_tail == "before the fall"
    lines = failure.traceback.splitlines()
    assert [line.split(", in ")[1] for line in lines if ", in " in line] == ["fail", "_divide"]
    assert "intermodal" not in failure.traceback
    assert lines[-1] == "ZeroDivisionError: integer division or modulo by zero"


def test_of_a_library_only_the_frame_that_raised_is_shown(run):
    trace = only(run(task("fail_inside_library"))).traceback
    functions = [line.split(", in ")[1] for line in trace.splitlines() if ", in " in line]
    assert functions[0] == "fail_inside_library"
    assert len(functions) == 2


def test_of_our_own_message_only_the_users_frames_are_shown(run):
    failure = only(run(task("fail_as_we_do")))
    lines = failure.traceback.splitlines()
    assert [line.split(", in ")[1] for line in lines if ", in " in line] == ["fail_as_we_do"]
    assert "ConnectionRefusedError" not in failure.traceback
    assert "direct cause" not in failure.traceback
    assert failure.finding.what == "`fail_as_we_do`: InfrastructureError: the registry is away"
    assert failure.finding.next == "`port explain PORT560` tells what to do"


def test_what_never_reached_the_users_code_has_no_traceback(run):
    failure = only(run(task("wrong_type")))
    assert failure.traceback == ""
    assert failure.finding.next == "see its log"


def test_independent_tasks_go_on_after_a_failure(run):
    result = run(task("fail"), task("one"), task("one", "fail", id="clean", join=Join.ALL_DONE))
    assert states(result) == {"fail": "failed", "one": "succeeded", "clean": "succeeded"}


def test_a_wrong_return_type_is_the_users_error(run):
    failure = only(run(task("wrong_type")))
    assert failure.kind == "user"
    assert failure.message == "what `wrong_type` returns is 'three' (str), not int"


def test_a_wrong_index_fails_the_task_before_it_starts(run):
    from intermodal.ir import Index

    result = run(
        task("one"), task("echo", inputs={"value": Index(base=ref("one"), key=literal(0))})
    )
    assert only(result).attempt == 0
    assert states(result)["echo"] == "failed"
    assert attempts(result)["echo"] == 0


def test_a_missing_module_is_told(run):
    call = PythonCall(module="no_such_module", function="f")
    failure = only(run(Task(id="t", action=call)))
    assert failure.message == "No module named 'no_such_module'"


def test_sys_exit_is_a_failure(run):
    assert only(run(task("exit_softly"))).exception == "SystemExit"


def test_a_retry_succeeds_on_the_second_attempt(run, tmp_path):
    result = run(
        task("mark_and_fail_first", inputs={"folder": literal(str(tmp_path))}, retry=Retry(max=2))
    )
    assert result.state == "succeeded"
    assert output(result, "mark_and_fail_first") == "second"
    assert attempts(result) == {"mark_and_fail_first": 2}
    assert [p.state for p in run.told] == ["running", "retrying", "running", "succeeded"]
    assert run.told[1].error == "RuntimeError: first"


def test_retries_run_out(run):
    result = run(task("fail", retry=Retry(max=2)))
    assert attempts(result) == {"fail": 3}
    assert only(result).attempt == 3


def test_other_tasks_run_while_one_waits_for_its_retry(run, tmp_path):
    result = run(
        task(
            "mark_and_fail_first",
            inputs={"folder": literal(str(tmp_path))},
            retry=Retry(max=1, delay=timedelta(seconds=0.3)),
        ),
        *(task("one", id=f"t{n}") for n in range(5)),
        options={"workers": 1},
    )
    assert result.state == "succeeded"
    ended = [p.instance for p in run.told if p.state == "succeeded"]
    assert ended[-1] == "mark_and_fail_first"


@pytest.mark.parametrize(
    ("retry", "pauses"),
    [
        (Retry(max=3, delay=10), [10, 10, 10]),
        (Retry(max=3, delay=10, factor=2), [10, 20, 40]),
        (Retry(max=3, delay=10, factor=3, ceiling=25), [10, 25, 25]),
        (Retry(max=1000, delay=1, factor=10, ceiling=60), [1, 10, 60]),
    ],
)
def test_pauses(retry, pauses):
    assert [pause_before(number, retry, lambda: 0.5) for number in (2, 3, 4)] == pauses


def test_pauses_of_many_attempts_stay_finite():
    assert pause_before(1000, Retry(max=1000, delay=1, factor=10, ceiling=60), lambda: 0.5) == 60
    assert pause_before(900, Retry(max=1000, factor=10), lambda: 0.5) == 0


def test_jitter_varies_the_pause_by_its_share():
    retry = Retry(max=1, delay=10, jitter=0.2)
    assert pause_before(2, retry, lambda: 0.0) == pytest.approx(8)
    assert pause_before(2, retry, lambda: 1.0) == pytest.approx(12)


TIMEOUT = timedelta(seconds=0.4)


def test_a_timeout_ends_a_hung_task(run):
    result = run(task("hang", timeout=TIMEOUT), task("one", "hang", join=Join.ALL_DONE))
    failure = only(result)
    assert failure.kind == "timeout"
    assert failure.finding.code == "PORT601"
    assert failure.message == "ran longer than its timeout of 0.4 s"
    assert "time.sleep(60)" in failure.traceback
    assert states(result) == {"hang": "failed", "one": "succeeded"}


def test_a_timeout_ends_a_task_that_does_not_listen(run):
    result = run(
        task("hang_stubbornly", timeout=TIMEOUT), task("one", "hang_stubbornly", join="all_done")
    )
    assert only(result).kind == "timeout"
    assert states(result) == {"hang_stubbornly": "failed", "one": "succeeded"}
    assert attempts(result) == {"hang_stubbornly": 1, "one": 1}


def test_a_timeout_ends_the_processes_of_the_task(run, tmp_path):
    path = tmp_path / "child"
    run(task("hang_with_child", inputs={"path": literal(str(path))}, timeout=TIMEOUT))
    assert is_gone(int(path.read_text()))


def test_a_timeout_ends_a_shell_command(run, tmp_path):
    command = f"trap '' TERM; sleep 60 & echo $! > {tmp_path}/child; wait; sleep 60"
    assert only(run(shell("sh", command, timeout=TIMEOUT))).kind == "timeout"
    assert is_gone(int((tmp_path / "child").read_text()))


def test_a_timeout_is_retried_like_any_failure(run):
    assert attempts(run(task("hang", timeout=TIMEOUT, retry=Retry(max=1)))) == {"hang": 2}


@pytest.mark.parametrize(
    ("function", "how"),
    [("exit_hard", "ended with exit code 3"), ("kill_itself", "was killed by SIGKILL")],
)
def test_a_worker_that_dies_fails_its_attempt_and_is_replaced(run, function, how):
    result = run(
        task(function, retry=Retry(max=1)),
        task("one", function, join=Join.ALL_DONE),
        options={"workers": 1},
    )
    failure = only(result)
    assert failure.finding.code == "PORT605"
    assert failure.message == f"the worker process {how}"
    assert attempts(result) == {function: 2, "one": 1}
    assert states(result)["one"] == "succeeded"


def test_processes_of_a_dead_worker_are_ended(run, tmp_path):
    path = tmp_path / "child"
    later = task("one", "exit_hard_with_child", join=Join.ALL_DONE)
    run(task("exit_hard_with_child", inputs={"path": literal(str(path))}), later)
    assert is_gone(int(path.read_text()))


def test_a_failing_command_is_told_with_its_output(run):
    failure = only(run(shell("sh", "echo out; echo err >&2; exit 3")))
    assert failure.message == "the command ended with exit code 3"
    assert set(failure.log_tail.splitlines()) == {"out", "err"}


def test_all_processes_are_gone_after_a_run(run):
    result = run(task("process_id"), task("process_id", id="again"))
    assert is_gone(output(result, "process_id"))
    assert is_gone(output(result, "again"))


def is_gone(pid):
    """Whether a process has ended; the one that reaps it may need a moment."""
    until = time.monotonic() + 5
    while time.monotonic() < until:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        if is_zombie(pid):
            return True
    os.kill(pid, signal.SIGKILL)
    return False


def is_zombie(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True
