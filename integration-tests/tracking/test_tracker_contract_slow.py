"""The contract of trackers, for those that start a process or a database: W&B, MLflow, and all at once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

pytest.register_assert_rewrite("tests.tracking.tracker_contract")

from tests.tracking.conftest import declared  # noqa: E402, F401
from tests.tracking.test_tracker_contract import Jsonl, OpenLineage  # noqa: E402
from tests.tracking.tracker_contract import *  # noqa: E402, F403
from tests.tracking.tracker_contract import DONE, of, send  # noqa: E402
from tests.tracking.wandb_files import config, history, stored  # noqa: E402

from intermodal.tracking.tracker import resolve  # noqa: E402


class Wandb:
    """Offline folders of W&B."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "wandb"
        self.uri = "wandb:contract"

    def runs(self) -> list[Path]:
        return sorted(self.folder.glob("offline-run-*"))

    def state(self) -> list:
        return [
            (path.relative_to(self.folder).as_posix(), path.read_bytes())
            for run in self.runs()
            for path in sorted(run.rglob("*"))
            if path.is_file()
        ]

    def metrics(self) -> set | None:
        found = set()
        for records in map(stored, self.runs()):
            own = config(records)["intermodal"]
            name = own["task"] + "".join(f"[{part}]" for part in own["index"])
            for step, _, values in history(records):
                found |= {(name, own["attempt"], key, step, v) for key, v in values.items()}
        return found


class Mlflow:
    """MLflow's runs in a SQLite file; they are found by the pipeline's name."""

    def __init__(self, folder: Path, pipeline: str, read) -> None:
        self.uri = f"sqlite:///{folder}/mlflow.db"
        self.pipeline = pipeline
        self.read = read

    def state(self) -> list:
        return self.read(self.uri, self.pipeline).everything()

    def metrics(self) -> set | None:
        tree = self.read(self.uri, self.pipeline)
        return {
            (run.info.run_name, int(run.data.tags["intermodal.attempt"]), name, step, value)
            for run in tree.runs
            for name in run.data.metrics
            for step, value in tree.history(run, name)
        }


class Several:
    """Several trackers at one address."""

    def __init__(self, places: list) -> None:
        self.places = places
        self.uri = "\n".join(place.uri for place in places)

    def state(self) -> list:
        return [part for place in self.places for part in place.state()]

    def metrics(self) -> set | None:
        first, *others = [m for place in self.places if (m := place.metrics()) is not None]
        assert all(other == first for other in others)
        return first


@pytest.fixture
def mlflow(request, tmp_path, migrated, read):
    (tmp_path / "mlflow.db").write_bytes(migrated.read_bytes())
    return Mlflow(tmp_path, request.node.name, read)


@pytest.fixture(autouse=True)
def offline(monkeypatch, tmp_path, declared):  # noqa: F811
    for name in list(os.environ):
        if name.startswith("WANDB_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_DIR", str(tmp_path))


@pytest.fixture(params=["wandb", "several"])
def place(request, tmp_path, mlflow):
    if request.param == "wandb":
        return Wandb(tmp_path)
    return Several([Jsonl(tmp_path), mlflow, OpenLineage(tmp_path)])


def test_all_of_them_hold_the_same(tmp_path, mlflow, attempt, payload):
    place = Several([Jsonl(tmp_path), mlflow, OpenLineage(tmp_path), Wandb(tmp_path)])
    tracker = resolve(place.uri)
    assert not tracker.live
    assert send(tracker, attempt, *payload, end=DONE) == []
    assert place.metrics() == of(attempt, ("loss", 0, 0.5), ("loss", 1, 0.25))
    before = place.state()
    assert send(resolve(place.uri), attempt, *payload, end=DONE) == []
    assert place.state() == before
