"""Folders of data for one test: the working directory, and the copies of what was fetched."""

import pytest


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    place = tmp_path / "data"
    place.mkdir()
    monkeypatch.setenv("INTERMODAL_DATA", str(place))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return place


@pytest.fixture
def copies(tmp_path):
    """Where copies are kept."""
    return tmp_path / "cache/intermodal/data"
