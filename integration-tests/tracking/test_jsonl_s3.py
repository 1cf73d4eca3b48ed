"""The JSON-lines tracker in an S3 bucket, by moto's server."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from intermodal.tracking.jsonl import JsonlTracker
from intermodal.tracking.records import Artifact, Metric, Model, Status, Text
from intermodal.tracking.tracker import TaskIdentity

WORKERS = 6
ATTEMPT = TaskIdentity("diagnosis", "run/1", "predict", parameters={"trees": 50})
DONE = Status("finished", 9)


@pytest.fixture
def uri(monkeypatch):
    """A folder in a bucket that everybody may write to."""
    import boto3
    import s3fs
    from moto.server import ThreadedMotoServer

    s3fs.S3FileSystem.clear_instance_cache()  # one of another test asks that test's server

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    port = server.get_host_and_port()[1]
    for name, value in {
        "AWS_ACCESS_KEY_ID": "valid",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
    }.items():
        monkeypatch.setenv(name, value)
    boto3.client("s3").create_bucket(Bucket="tracked")
    yield "jsonl+s3://tracked/team/runs"
    server.stop()


def test_workers_write_one_run_into_a_bucket(uri, tmp_path):
    file = tmp_path / "model.bin"
    file.write_bytes(b"weights")

    def work(number: int) -> None:
        tracker = JsonlTracker(uri)
        attempt = replace(ATTEMPT, index=(number,), session=f"s{number}")
        key = {"intermodal.registration": f"r{number}", "intermodal.sha256": str(number)}
        records = [
            Metric("n", number, 1, 0),
            Text("report/a.md", "x", 2),
            Artifact(str(file), "files", 3),
            Model("churn", str(file), "", 4 + number, ("champion",), key),
        ]
        for _ in range(2):
            tracker.begin(attempt, 1)
            assert tracker.replay(attempt, iter([*records, DONE])) == []
            tracker.end(attempt, DONE)

    JsonlTracker(uri).open_run(ATTEMPT, 1)
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(work, range(WORKERS)))
    tracker = JsonlTracker(uri)
    tracker.close_run(ATTEMPT, DONE)

    (run,) = tracker.find_runs("run/1")
    assert (run.state, run.started, run.ended) == ("finished", 1, 9)
    assert [(task.index, task.metrics) for task in run.tasks] == [
        ((n,), {"n": n}) for n in range(WORKERS)
    ]
    numbers = [str(n) for n in range(1, WORKERS + 2)]
    made = [tracker.find_version("churn", version=number) for number in numbers]
    assert [version is not None for version in made] == [True] * WORKERS + [False]
    champion = tracker.find_version("churn", alias="champion")
    assert champion.sha256 == str(WORKERS - 1)
    (tmp_path / "copy").mkdir()
    assert tracker.download(champion, tmp_path / "copy").read_bytes() == b"weights"
