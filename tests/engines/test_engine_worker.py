"""The warm process: forks per request, kills what hangs with all it started, and tells who died."""

import os
import sys
from pathlib import Path

import pytest

import intermodal
import intermodal_backends
from intermodal.findings import FindingsError
from intermodal_backends.engines.driver import EngineCase
from intermodal_backends.engines.environment import EngineEnvironment
from intermodal_backends.engines.warm import WarmWorker, lines_of, result_of
from intermodal_backends.engines.workers.airflow_words import instance_states
from intermodal_backends.engines.workers.prefect_words import state_word, task_name
from intermodal_backends.engines.workers.serve import number_repeats

TOY = """
import os, pathlib, subprocess, sys
from intermodal_backends.engines.workers.prefect_words import state_word, task_name
from intermodal_backends.engines.workers.serve import serve

STATE = []

def echo(request):
    print("chatter on standard output")
    print("\\x1b[31mred\\x1b[0m", file=sys.stderr)
    STATE.append(1)
    return {
        "parameters": request["parameters"], "calls": len(STATE), "cwd": os.getcwd(),
        "colour": os.environ.get("COLOUR"), "path": sys.path[0],
        "python_path": os.environ["PYTHONPATH"], "secret": os.environ.get("PREFECT_API_KEY"),
    }

def hang(request):
    # As an engine's shell task: a session of its own, which a group's signal does not reach.
    child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"], start_new_session=True)
    pathlib.Path(request["folder"], "child.pid").write_text(str(child.pid))
    child.wait()

def leave_orphan(request):
    code = "import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()'], start_new_session=True, stdout=-3, stderr=-3).pid)"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout

def fail(request):
    raise ValueError("boom")

serve({"echo": echo, "hang": hang, "leave_orphan": leave_orphan, "fail": fail, "exit": lambda request: os._exit(3)})
"""


@pytest.fixture(scope="module")
def worker(tmp_path_factory):
    home = tmp_path_factory.mktemp("worker")
    with _start(home, TOY) as started:
        yield started


def _start(home, source):
    packages = home / "packages"
    packages.mkdir()
    (packages / "toy_worker.py").write_text(source)
    for package in (intermodal, intermodal_backends):
        (packages / package.__name__).symlink_to(Path(package.__file__).parent)
    environment = EngineEnvironment("kfp@2", home, Path(sys.executable), packages)
    return WarmWorker(environment, "toy_worker", {}, home)


def _case(folder, **fields):
    return EngineCase(folder, "p", **fields)


def test_a_case_gets_its_parameters_variables_and_python_path(worker, tmp_path):
    case = _case(
        tmp_path,
        parameters={"n": [1, "ä"]},
        environment={"COLOUR": "blue"},
        python_path=(tmp_path,),
    )
    answer = worker.call("echo", case, {"COLOUR": "green"})
    assert answer.value["parameters"] == {"n": [1, "ä"]}
    assert answer.value["colour"] == "blue"
    assert answer.value["path"] == str(tmp_path)
    assert answer.value["python_path"].split(os.pathsep)[0] == str(tmp_path)
    assert answer.value["cwd"] != str(tmp_path)
    assert not Path(answer.value["cwd"]).exists()


def test_output_goes_to_the_log_without_colours(worker, tmp_path):
    assert worker.call("echo", _case(tmp_path), {}).log == "chatter on standard output\nred\n"


def test_cases_do_not_see_each_other(worker, tmp_path):
    answers = [worker.call("echo", _case(tmp_path), {}) for _ in range(2)]
    assert [answer.value["calls"] for answer in answers] == [1, 1]


def test_the_users_settings_of_an_engine_do_not_leak_in(monkeypatch, tmp_path):
    monkeypatch.setenv("PREFECT_API_KEY", "hunter2")
    with _start(tmp_path, TOY) as worker:
        assert worker.call("echo", _case(tmp_path), {}).value["secret"] is None


def test_a_hanging_case_is_killed_with_what_it_started(worker, tmp_path):
    answer = worker.call("hang", _case(tmp_path, timeout=0.5), {})
    result = result_of(answer)
    assert (result.succeeded, result.timed_out, result.states) == (False, True, {})
    _assert_gone(int((tmp_path / "child.pid").read_text()))


def test_orphans_of_a_case_are_killed(worker, tmp_path):
    _assert_gone(int(worker.call("leave_orphan", _case(tmp_path), {}).value))


def test_a_raising_case_is_a_failure_with_its_traceback(worker, tmp_path):
    answer = worker.call("fail", _case(tmp_path), {})
    assert not result_of(answer).succeeded
    assert "ValueError: boom" in answer.log
    assert "ValueError: boom" in lines_of(answer)[0]


def test_a_crashing_case_is_a_failure_and_the_next_one_runs(worker, tmp_path):
    answer = worker.call("exit", _case(tmp_path), {})
    assert answer.value is None
    assert lines_of(answer) == ["the engine's process died while it loaded the output"]
    assert worker.call("echo", _case(tmp_path), {}).value["calls"] == 1


def test_a_worker_that_cannot_start_is_a_finding_with_its_last_words(tmp_path):
    with _start(tmp_path, "raise RuntimeError('no engine here')") as worker:
        with pytest.raises(FindingsError) as caught:
            worker.call("run", _case(tmp_path), {})
        (finding,) = caught.value.findings
        assert finding.code == "PORT704"
        assert "no engine here" in finding.why


def test_repeated_names_are_numbered():
    runs = [("a", "succeeded"), ("b", "failed"), ("a", "skipped")]
    assert number_repeats(runs) == {"a[0]": "succeeded", "b": "failed", "a[1]": "skipped"}


def test_airflow_rows_become_instances():
    rows = [("a", -1, "success"), ("m", 1, "upstream_failed"), ("w", -1, None)]
    assert instance_states(rows) == {"a": "succeeded", "m[1]": "upstream_failed", "w": "none"}


def test_prefect_states_become_ours():
    assert state_word("Cached", "COMPLETED") == "cached"
    assert state_word("Skipped", "COMPLETED") == "skipped"
    assert state_word("NotReady", "PENDING") == "upstream_failed"
    assert state_word("TimedOut", "FAILED") == "failed"
    assert state_word("Running", "RUNNING") == "running"
    assert task_name("load-data-1b2", "1b2c3d") == "load-data"
    assert task_name("chosen", "0") == "chosen"


def _assert_gone(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return
    assert state == "Z", f"process {pid} is still there"
