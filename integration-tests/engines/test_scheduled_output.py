"""What compiling gives, run by a real Airflow scheduler at its own time: the trace is the local one."""

from pathlib import Path

import pytest

from intermodal import registry
from intermodal.ir import Interval, Schedule
from intermodal_backends.conformance.case import Case
from intermodal_backends.conformance.harness import run_engine, run_reference
from intermodal_backends.engines.environment import install
from intermodal_backends.engines.live_airflow import live_airflow

pytestmark = [pytest.mark.engine, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[2] / "tests" / "conformance"
HOURLY = Schedule(triggers=(Interval(every="1h"),), start="2026-01-01T00:00:00Z")


class ScheduledCase(Case):
    """A case whose pipeline has a schedule; the last interval is over, so a run of it is due."""

    def pipelines(self):
        main, *others = super().pipelines()
        return [main.model_copy(update={"schedule": HOURLY}), *others]


class SchedulersOwnRun:
    """As an engine for the harness: waits for the run that the scheduler makes by itself."""

    def __init__(self, environment):
        self.environment = environment

    def run(self, case):
        with live_airflow(self.environment, case) as airflow:
            airflow.wait_for_dag(case.pipeline)
            run_id = airflow.first_scheduled_run(case.pipeline)
            return airflow.wait(case.pipeline, run_id)


@pytest.mark.parametrize(
    ("name", "case"),
    [
        ("airflow@3.3", "artifacts/frames"),
        ("airflow@3.3", "interplay/loop_in_branch_with_exit"),
        ("airflow@2.11", "retries/second_attempt"),
        ("airflow@2.11", "branch/taken"),
    ],
)
def test_a_scheduled_run_of_compiled_output_does_what_the_local_engine_does(name, case, tmp_path):
    target, _ = registry.resolve_target(name)
    case = ScheduledCase(ROOT / case, ROOT)
    reference = run_reference(case, tmp_path / "local")
    assert reference.is_good, reference.differences
    engine = SchedulersOwnRun(install(name))
    outcome = run_engine(case, target, engine, tmp_path / name, reference.trace)
    assert outcome.is_good, "\n".join([*outcome.differences, outcome.log])
    assert outcome.trace.instances
