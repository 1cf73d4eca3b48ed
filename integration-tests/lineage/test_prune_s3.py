"""Lineage and pruning in an object store: moto's S3, through s3fs."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta

import pytest

from intermodal.artifacts import ArtifactKey, ArtifactStore, LineageInput
from intermodal.artifacts.lineage import Lineage
from intermodal.artifacts.pruning import Policy, Use, carry_out, plan
from intermodal.artifacts.storage import TOMBSTONE

pytest.importorskip("s3fs")
pytest.importorskip("moto")

LATER = datetime(2036, 1, 1, tzinfo=UTC)
START_WAIT = 60  # seconds until the server must answer


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory):
    """The address of an S3 that is nobody else's."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number = free.getsockname()[1]
    log = tmp_path_factory.mktemp("moto") / "log"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(number)]
    with log.open("wb") as file:
        server = subprocess.Popen(command, stdout=file, stderr=file)
    address = f"http://127.0.0.1:{number}"
    deadline = time.monotonic() + START_WAIT
    try:
        while not answers(address):
            if server.poll() is not None or time.monotonic() > deadline:
                pytest.fail(log.read_text())
            time.sleep(0.1)
        yield address
    finally:
        server.kill()
        server.wait()


def answers(address):
    try:
        with urllib.request.urlopen(f"{address}/moto-api/", timeout=2):
            return True
    except (urllib.error.URLError, OSError):
        return False


@pytest.fixture
def store(endpoint, request, tmp_path):
    """A store in a bucket of its own."""
    import boto3

    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
    bucket = f"bucket-{abs(hash(request.node.name))}"
    boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", **keys).create_bucket(
        Bucket=bucket
    )
    options = {"key": "a", "secret": "b", "endpoint_url": endpoint}
    return ArtifactStore(f"s3://{bucket}/store", options, cache=tmp_path / "cache")


def fill(store, count):
    """A chain of versions, each made from the one before."""
    before = None
    for number in range(count):
        key = ArtifactKey(pipeline="p", run=f"r {number}", task="t", output="return")
        made_from = [LineageInput(name="x", uri=before.uri, sha256=before.sha256)] if before else []
        before, _ = store.save({"n": number}, key, inputs=made_from)
    return before


def objects(store):
    return sorted(store._storage.files())


def test_old_versions_go_and_their_lineage_stays(store):
    last = fill(store, 6)
    store.put_json(".cache/k.json", {"outputs": {"o": store.records()[0].ref.to_json()}})
    planned = plan(store, Policy(keep_last=2), Use(), LATER)
    assert [record.key.run for record in planned.removed] == ["r 0", "r 1", "r 2"]
    assert planned.cache == ("k.json",)
    carry_out(store, planned)
    assert len([name for name in objects(store) if "content" in name]) == 3
    assert len([name for name in objects(store) if name.endswith(TOMBSTONE)]) == 3
    assert store.names(".cache") == []
    assert store.load(last) == {"n": 5}
    lineage = Lineage(store.scan(pruned=True)[0])
    steps = list(lineage.walk(last.uri, "up"))
    assert [step.node.record.pruned_at is None for step in steps] == [True] * 3 + [False] * 3


def test_a_removal_that_was_cut_short_is_finished(store, monkeypatch):
    fill(store, 3)
    planned = plan(store, Policy(keep_inputs="none"), Use(), LATER)
    monkeypatch.setattr(store, "sweep", lambda _key: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        carry_out(store, planned)
    monkeypatch.undo()
    assert len(store.records()) == 2
    assert len([name for name in objects(store) if "content" in name]) == 3
    again = plan(store, Policy(keep_inputs="none"), Use(), LATER)
    assert [key.run for key in again.unswept] == ["r 0"]
    carry_out(store, again)
    assert len([name for name in objects(store) if "content" in name]) == 1
    gone = [record for record in store.scan(pruned=True)[0] if record.pruned_at]
    assert [record.key.run for record in gone] == ["r 0", "r 1"]


def test_a_pruned_key_is_written_again(store):
    ref = fill(store, 1)
    store.prune(store.record(ref.uri))
    assert fill(store, 1) == ref
    assert store.load(ref) == {"n": 0}
    assert plan(store, Policy(older_than=timedelta(1)), Use(), LATER).unswept == ()


def test_many_records_are_read(store):
    fill(store, 150)
    records, findings = store.scan(pruned=True)
    assert ([record.key.run for record in records], findings) == (
        [f"r {number}" for number in range(150)],
        [],
    )
