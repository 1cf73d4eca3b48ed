"""What is in use, told by the JSON-lines tracker and by the local engine's own folders."""

from __future__ import annotations

import json

import pytest

from intermodal.artifacts.pruning import Registered
from intermodal.findings import FindingsError
from intermodal.tracking.facts import UsageTracker
from intermodal.tracking.records import Model, Status
from intermodal.tracking.registry import ARTIFACT, REGISTRATION, SHA256
from intermodal.tracking.tracker import TaskIdentity, resolve
from intermodal.tracking.usage import usage

RUN = TaskIdentity("etl", "r1", "train", session="s")


@pytest.fixture
def address(declared, tmp_path):
    """A tracker with an open run, one that ended, and a registered model."""
    address = f"jsonl:{tmp_path}/tracked"
    tracker = resolve(address)
    tags = {ARTIFACT: "file:///store/x", SHA256: "a" * 64, REGISTRATION: "k"}
    tracker.begin(RUN, 1)
    tracker.replay(RUN, [Model("m", "", "s3://b/x", 2, ("champion",), tags), Status("finished", 3)])
    ended = TaskIdentity("etl", "r0", "")
    tracker.close_run(ended, Status("finished", 2))
    return address


def test_models_and_open_runs(address, tmp_path):
    assert isinstance(resolve(address), UsageTracker)
    for several in (address, f"{address} openlineage+file:{tmp_path}/events"):
        found = usage(several, str(tmp_path / "store"))
        assert found.models == [Registered("m version 1", "file:///store/x", "a" * 64)]
        assert found.open_runs == {("etl", "r1")}
        assert found.ended_runs == frozenset()


def test_runs_of_this_machine(tmp_path):
    for run, state in {"a b": "running", "r2": "succeeded", "r3": "failed"}.items():
        folder = tmp_path / "p" / run
        folder.mkdir(parents=True)
        text = json.dumps({"pipeline": "p", "run_id": run, "state": state})
        (folder / "run.json").write_text(text)
    (tmp_path / "p/r3/run.json").write_text("{")
    found = usage("", str(tmp_path))
    assert (found.open_runs, found.ended_runs) == ({("p", "a b")}, {("p", "r2")})


@pytest.mark.parametrize("address", ["http://127.0.0.1:9", "strange:x", "openlineage+file:/tmp/x"])
def test_a_tracker_that_does_not_tell(declared, address, tmp_path):
    with pytest.raises(FindingsError) as caught:
        usage(address, str(tmp_path))
    (finding,) = caught.value.findings
    assert finding.code == "PORT544"
    assert finding.why
