"""Real schedulers, servers and workers, as one would run them in production."""

import pytest

from intermodal.findings import FindingsError
from intermodal_backends.engines.environment import install
from intermodal_backends.engines.live_airflow import live_airflow
from intermodal_backends.engines.live_prefect import live_prefect

pytestmark = [pytest.mark.engine, pytest.mark.slow]

SUCCEEDED = {"one": "succeeded", "two": "succeeded", "last": "succeeded"}


def _three(case, name, folder):
    (folder / "local_module.py").write_text("FACTOR = 10\n")
    return case(
        name, "three", environment={"EVENTS": str(folder / "events")}, python_path=(folder,)
    )


@pytest.mark.parametrize("name", ["airflow@3.3", "airflow@2.11"])
def test_a_real_airflow_runs_a_triggered_dag(case, tmp_path, name):
    with live_airflow(install(name), _three(case, name, tmp_path)) as airflow:
        airflow.wait_for_dag("three")
        result = airflow.wait("three", airflow.trigger("three", {"n": 7}))
    assert result.succeeded, result.log
    assert result.states == SUCCEEDED
    assert (tmp_path / "events").read_text().split() == ["one=7", "two=70", "last=77"]


def test_a_real_airflow_scheduler_makes_runs_by_itself(case):
    with live_airflow(install("airflow@3.3"), case("airflow@3.3", "daily")) as airflow:
        airflow.wait_for_dag("daily")
        result = airflow.wait("daily", airflow.first_scheduled_run("daily"))
    assert result.succeeded, result.log


def test_a_real_airflow_tells_an_import_error(case):
    with live_airflow(install("airflow@2.11"), case("airflow@2.11", "broken")) as airflow:
        with pytest.raises(FindingsError) as caught:
            airflow.wait_for_dag("broken")
        (finding,) = caught.value.findings
    assert finding.code == "PORT704"
    assert "no_such_module" in finding.why


def test_a_real_prefect_deploys_plans_and_runs(case, tmp_path):
    with live_prefect(install("prefect@3")) as prefect:
        (deployment,) = prefect.deploy(_three(case, "prefect@3", tmp_path))
        assert deployment == "three/default"
        assert prefect.scheduled_runs(deployment)
        result = prefect.wait(prefect.trigger(deployment, {"n": 7}))
        assert result.succeeded, result.log
        assert (tmp_path / "events").read_text().split() == ["one=7", "two=70", "last=77"]
        with pytest.raises(FindingsError) as caught:
            prefect.deploy(case("prefect@3", "bad_cron"))
    assert "cron" in caught.value.findings[0].why
