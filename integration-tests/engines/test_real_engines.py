"""The drivers on real engines: success, failure, a hang, and what the engines' loaders say."""

from pathlib import Path

import pytest

pytestmark = pytest.mark.engine

ENGINES = ["airflow@3.3", "airflow@2.11", "airflow@2.10", "prefect@3", "kfp@2"]

all_engines = pytest.mark.parametrize("name", ENGINES)


@all_engines
def test_three_tasks_succeed_with_parameter_environment_and_python_path(
    engine, case, name, tmp_path
):
    (tmp_path / "local_module.py").write_text("FACTOR = 10\n")
    given = case(
        name,
        "three",
        parameters={"n": 7},
        environment={"EVENTS": str(tmp_path / "events")},
        python_path=(tmp_path,),
    )
    assert engine(name).load(given) == []
    result = engine(name).run(given)
    assert result.succeeded, result.log
    assert not result.timed_out
    assert result.states == {"one": "succeeded", "two": "succeeded", "last": "succeeded"}
    assert (tmp_path / "events").read_text().split() == ["one=7", "two=70", "last=77"]


# KFP's local runner stops at the first failure: it never gets to the last task.
AFTER_A_FAILURE = {"kfp@2": {}}


@all_engines
def test_a_raising_task_fails_the_run_and_what_follows(engine, case, name):
    result = engine(name).run(case(name, "raising"))
    assert not result.succeeded
    after = AFTER_A_FAILURE.get(name, {"last": "upstream_failed"})
    assert result.states == {"one": "succeeded", "two": "failed", **after}
    assert "boom" in result.log


@all_engines
def test_a_hanging_case_is_killed_at_its_timeout_and_the_next_one_runs(
    engine, case, name, tmp_path
):
    engine(name).load(case(name, "hanging"))
    environment = {"PID_FILE": str(tmp_path / "pid")}
    # Long enough for the task to have started on a busy machine; the case itself never ends.
    result = engine(name).run(case(name, "hanging", environment=environment, timeout=5))
    assert result.timed_out
    assert not result.succeeded
    assert not _runs(int((tmp_path / "pid").read_text()))
    assert engine(name).load(case(name, "three")) == []


WHAT_IS_BROKEN = {"kfp@2": "KeyError: 'components'"}


@all_engines
def test_output_that_cannot_be_imported_is_told(engine, case, name):
    lines = engine(name).load(case(name, "broken"))
    assert WHAT_IS_BROKEN.get(name, "No module named 'no_such_module'") in " ".join(lines)
    assert not engine(name).run(case(name, "broken")).succeeded


@pytest.mark.parametrize("name", ["airflow@3.3", "airflow@2.11"])
def test_a_real_dag_bag_tells_warnings(engine, case, name):
    lines = engine(name).load(case(name, "warning"))
    assert any("old way" in line for line in lines), lines


@pytest.mark.parametrize("name", ["airflow@3.3", "airflow@2.11", "airflow@2.10"])
def test_mapped_instances_are_told_by_their_index(engine, case, name):
    result = engine(name).run(case(name, "mapped"))
    assert result.states == {
        "items": "succeeded",
        "each[0]": "succeeded",
        "each[1]": "skipped",
        "last": "succeeded",
    }


@pytest.mark.parametrize(
    ("fixture", "words"),
    [("bad_cron", "cron"), ("bad_parameter", "unknown"), ("bad_entrypoint", "no_such_flow")],
)
def test_a_wrong_prefect_yaml_is_told(engine, case, fixture, words):
    lines = engine("prefect@3").load(case("prefect@3", fixture))
    assert words in " ".join(lines)


def test_a_wrong_parameter_fails_the_run(engine, case):
    for name in ("prefect@3", "kfp@2"):
        result = engine(name).run(case(name, "three", parameters={"no_such": 1}))
        assert not result.succeeded
        assert "no_such" in result.log


def _runs(pid):
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"
