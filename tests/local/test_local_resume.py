"""Going on with a run that failed, was interrupted or was killed."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from local_pipelines import attempts, output, ref, states, task

from intermodal.findings import FindingsError
from intermodal.ir import (
    CapturedSource,
    ForEach,
    ItemRef,
    Items,
    Join,
    Literal_,
    Parameter,
    ParameterRef,
    Pipeline,
    PythonCall,
    Task,
)
from intermodal.running import RunOptions
from intermodal_backends.local import run_pipeline

HERE = Path(__file__).parent


def literal(value):
    return Literal_(value=value)


@pytest.fixture
def body(tmp_path):
    """A task that counts its calls, one that needs a file, and one that uses both."""
    calls, needed = str(tmp_path / "calls"), str(tmp_path / "needed")
    return (
        task("count_calls", inputs={"path": literal(calls)}),
        task("fail_unless", "count_calls", inputs={"path": literal(needed)}),
        task("add", inputs={"a": ref("count_calls"), "b": ref("fail_unless")}),
    )


def test_resume_runs_only_what_did_not_succeed(run, body, tmp_path):
    first = run(*body)
    assert states(first) == {
        "count_calls": "succeeded",
        "fail_unless": "failed",
        "add": "upstream_failed",
    }
    (tmp_path / "needed").touch()
    second = run(*body, options={"resume": first.run_id})
    assert second.state == "succeeded"
    assert second.run_id == first.run_id
    assert output(second, "add") == 8
    assert (tmp_path / "calls").read_text() == "x"
    assert attempts(second) == {"count_calls": 1, "fail_unless": 2, "add": 1}
    assert [p.instance for p in run.told if p.restored] == ["count_calls"]


def test_resume_of_a_run_that_succeeded_does_nothing(run):
    first = run(task("one"))
    second = run(task("one"), options={"resume": first.run_id})
    assert second.state == "succeeded"
    assert second.trace == first.trace


def test_resume_of_a_loop_runs_the_items_that_failed(run, tmp_path):
    def loop():
        body = task("fail_unless", inputs={"path": ItemRef(loop="each")})
        items = Items(lists=(literal([str(tmp_path / "a"), str(tmp_path / "b")]),))
        each = ForEach(id="each", items=items, body=(body,), outputs={"all": ref("fail_unless")})
        return each, task("total", inputs={"values": ref("each", "all")})

    (tmp_path / "a").touch()
    first = run(*loop())
    assert states(first)["fail_unless[1]"] == "failed"
    (tmp_path / "b").touch()
    second = run(*loop(), options={"resume": first.run_id})
    assert output(second, "total") == 14
    assert attempts(second) == {"fail_unless[0]": 1, "fail_unless[1]": 2, "total": 1}


def test_resume_takes_the_parameters_of_the_run(run, tmp_path):
    def again(**more):
        fields = {"parameters": {"path": Parameter(required=True)}}
        step = task("fail_unless", inputs={"path": ParameterRef(name="path")})
        given = more.pop("given", {})
        options = RunOptions(store=str(run.store), **more)
        return run_pipeline(Pipeline(name="p", body=(step,), **fields), given, options)

    path = tmp_path / "needed"
    first = again(given={"path": str(path)})
    path.touch()
    assert again(resume=first.run_id).state == "succeeded"
    with pytest.raises(FindingsError) as refused:
        again(resume=first.run_id, given={"path": "other"})
    assert refused.value.findings[0].code == "PORT607"


def test_resume_of_another_pipeline_is_refused(run):
    first = run(task("one"))
    with pytest.raises(FindingsError) as refused:
        run(task("one"), task("one", id="more"), options={"resume": first.run_id})
    assert refused.value.findings[0].code == "PORT607"


def test_resume_of_no_run_names_the_latest(run):
    first = run(task("one"))
    with pytest.raises(FindingsError) as refused:
        run(task("one"), options={"resume": "20200101T000000-abcdef"})
    (finding,) = refused.value.findings
    assert finding.code == "PORT602"
    assert first.run_id in finding.next


def test_resume_runs_again_what_follows_changed_code(run):
    def steps(text):
        source = CapturedSource(function=f"def give():\n    return {text}\n")
        call = PythonCall(module="gone", function="give", source=source)
        give = Task(id="give", action=call, outputs=task("one").outputs)
        return give, task("echo", inputs={"value": ref("give")}), task("one")

    first = run(*steps("1"))
    second = run(*steps("2"), options={"resume": first.run_id})
    assert output(second, "echo") == 2
    assert attempts(second) == {"give": 2, "echo": 2, "one": 1}


def test_an_interrupt_ends_the_workers_and_the_run_can_go_on(run, tmp_path):
    pid = os.getpid()

    def steps(function, **inputs):
        return (
            task("count_calls", inputs={"path": literal(str(tmp_path / "calls"))}),
            task(function, "count_calls", id="second", inputs=inputs),
            task("one", "second", id="third"),
        )

    before = signal.getsignal(signal.SIGINT)
    first = run(*steps("interrupt_engine", pid=literal(pid)))
    assert signal.getsignal(signal.SIGINT) is before
    assert first.state == "interrupted"
    assert [finding.code for finding in first.findings] == ["PORT604"]
    assert states(first) == {"count_calls": "succeeded", "second": "failed", "third": "not_started"}
    assert json.loads((first.folder / "run.json").read_text())["state"] == "interrupted"
    second = run(*steps("interrupt_engine", pid=literal(pid)), options={"resume": first.run_id})
    assert second.state == "interrupted"
    assert (tmp_path / "calls").read_text() == "x"
    assert attempts(second)["second"] == 2


def test_an_interrupt_does_not_wait_for_a_task_that_does_not_listen(run):
    def interrupt(progress):
        if progress.state == "running":
            os.kill(os.getpid(), signal.SIGTERM)

    result = run(task("hang_stubbornly"), options={"on_event": interrupt})
    assert result.state == "interrupted"
    assert result.failures[0].kind == "interrupted"


def test_exit_tasks_do_not_run_after_an_interrupt(run):
    result = run(
        task("interrupt_engine", inputs={"pid": literal(os.getpid())}), exit_tasks=(task("one"),)
    )
    assert states(result)["one"] == "not_started"


def test_a_run_whose_engine_was_killed_can_go_on(run, tmp_path):
    """SIGKILL leaves the engine no time to write anything, or to end its workers."""
    calls, needed = str(tmp_path / "calls"), str(tmp_path / "needed")
    code = f"""
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {str(HERE)!r})
from intermodal.ir import Literal_
from local_pipelines import Runner, task

def kill(progress):
    if progress.instance == "second" and progress.state == "running":
        os.kill(os.getpid(), signal.SIGKILL)

Runner(Path({str(run.folder)!r}))(
    task("count_calls", inputs={{"path": Literal_(value={calls!r})}}),
    task("fail_unless", "count_calls", id="second", inputs={{"path": Literal_(value={needed!r})}}),
    options={{"on_event": kill, "run_id": "r1"}},
)
"""
    ended = subprocess.run([sys.executable, "-c", code], check=False)
    assert ended.returncode == -signal.SIGKILL
    folder = run.store / "p" / "r1"
    assert json.loads((folder / "run.json").read_text())["state"] == "running"
    Path(needed).touch()
    result = run(
        task("count_calls", inputs={"path": literal(calls)}),
        task("fail_unless", "count_calls", id="second", inputs={"path": literal(needed)}),
        options={"resume": "r1"},
    )
    assert result.state == "succeeded"
    assert Path(calls).read_text() == "x"


def test_a_torn_journal_line_counts_as_not_done(run):
    first = run(task("one"), task("one", "one", id="two", join=Join.ALL_DONE))
    journal = first.folder / "journal.jsonl"
    journal.write_text(journal.read_text()[:-10])
    second = run(
        task("one"),
        task("one", "one", id="two", join=Join.ALL_DONE),
        options={"resume": first.run_id},
    )
    assert attempts(second) == {"one": 1, "two": 2}
