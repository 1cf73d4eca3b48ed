"""Stores to test with: a folder, and fsspec's memory."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from artifacts.sample_keys import make_key
from intermodal.artifacts import ArtifactKey, ArtifactStore

_NUMBERS = itertools.count()


def ticking():
    """A clock that goes on by a second at each look."""
    seconds = itertools.count()
    return lambda: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=next(seconds))


@pytest.fixture
def local(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "store", clock=ticking())


@pytest.fixture
def memory(tmp_path: Path) -> ArtifactStore:
    root = f"memory://store-{next(_NUMBERS)}"
    return ArtifactStore(root, cache=tmp_path / "cache", clock=ticking())


@pytest.fixture(params=["local", "memory"])
def store(request: pytest.FixtureRequest) -> ArtifactStore:
    return request.getfixturevalue(request.param)


@pytest.fixture
def key() -> ArtifactKey:
    return make_key()
