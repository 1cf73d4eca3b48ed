"""A runner for each test, in a folder of its own."""

import pytest
from local_pipelines import Runner


@pytest.fixture
def run(tmp_path, monkeypatch):
    for name in ("INTERMODAL_EVENTS", "INTERMODAL_STORE", "INTERMODAL_TRACKING"):
        monkeypatch.delenv(name, raising=False)
    return Runner(tmp_path)
