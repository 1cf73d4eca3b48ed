"""Real engines for the tests: installed once, one warm driver per engine and session."""

from contextlib import ExitStack
from pathlib import Path

import pytest

from intermodal_backends.engines.airflow import AirflowEngine
from intermodal_backends.engines.driver import EngineCase
from intermodal_backends.engines.environment import install
from intermodal_backends.engines.kfp import KfpEngine
from intermodal_backends.engines.prefect import PrefectEngine

DRIVERS = {"airflow": AirflowEngine, "kfp": KfpEngine, "prefect": PrefectEngine}

# Where the hand-made output for an engine is, in `fixtures/`.
FIXTURES = {
    "airflow@3.3": "airflow3",
    "airflow@2.11": "airflow2",
    "airflow@2.10": "airflow2",
    "prefect@3": "prefect",
    "kfp@2": "kfp",
}


@pytest.fixture(scope="session")
def engine():
    """Get the warm driver of an engine by its name."""
    started = {}
    with ExitStack() as stack:

        def get(name):
            if name not in started:
                driver = DRIVERS[name.partition("@")[0]](install(name))
                started[name] = stack.enter_context(driver)
            return started[name]

        yield get


@pytest.fixture
def case():
    """Make a case from an engine's name, a fixture's name and the case's fields."""

    def make(engine_name, fixture, **fields):
        folder = Path(__file__).parent / "fixtures" / FIXTURES[engine_name] / fixture
        return EngineCase(folder, fixture, **fields)

    return make
