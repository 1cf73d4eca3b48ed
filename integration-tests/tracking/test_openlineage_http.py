"""OpenLineage over HTTP, to a receiver that listens on loopback."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from tests.tracking.conftest import declared  # noqa: F401

from intermodal import tracking
from intermodal.tracking import spool
from intermodal.tracking.session import close_run, open_run, session
from intermodal.tracking.tracker import TaskIdentity

ATTEMPT = TaskIdentity("diagnosis", "run/1", "train", (0,), parameters={"trees": 50})


class Receiver:
    """Takes events, and answers as it is told to."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, str]] = []  # path, authorization, body
        self.answers: list[int] = []  # 201 once they are used up
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                answer = outer.answers.pop(0) if outer.answers else 201
                if answer < 400:
                    key = self.headers.get("Authorization", "")
                    outer.requests.append((self.path, key, body))
                self.send_response(answer)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args) -> None:
                """Nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.uri = f"openlineage+http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    @property
    def events(self) -> list[dict]:
        return [json.loads(body) for _, _, body in self.requests]

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def receiver(declared):  # noqa: F811
    found = Receiver()
    yield found
    found.stop()


def run(uri, folder, attempt=ATTEMPT):
    """A pipeline run of one task."""
    findings = open_run(attempt, uri)
    with session(attempt, uri, folder) as tracked:
        tracking.log_metric("loss", 0.5)
        tracked.record_reference("model", "s3://bucket/model.pkl", "b" * 64, "Model")
    return findings + tracked.findings + close_run(attempt, "finished", uri, folder)


def test_a_run_arrives_in_order(receiver, tmp_path):
    assert run(receiver.uri, tmp_path) == []
    assert [(e["eventType"], e["job"]["name"]) for e in receiver.events] == [
        ("START", "diagnosis"),
        ("START", "diagnosis.train"),
        ("COMPLETE", "diagnosis.train"),
        ("COMPLETE", "diagnosis"),
    ]
    assert {path for path, _, _ in receiver.requests} == {"/api/v1/lineage"}
    parent, _, end, _ = receiver.events
    assert end["run"]["facets"]["parent"]["run"]["runId"] == parent["run"]["runId"]
    assert [o["name"] for o in end["outputs"]] == ["model.pkl"]


def test_path_and_key_are_those_that_were_given(receiver, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENLINEAGE_API_KEY", "hunter2")
    monkeypatch.setenv("OPENLINEAGE_NAMESPACE", "team")
    assert run(f"{receiver.uri}/deep/lineage?x=1", tmp_path) == []
    assert {(path, key) for path, key, _ in receiver.requests} == {
        ("/deep/lineage?x=1", "Bearer hunter2")
    }
    assert {e["job"]["namespace"] for e in receiver.events} == {"team"}
    assert "hunter2" not in json.dumps(receiver.events)


def test_a_replay_sends_the_same_again(receiver, tmp_path, monkeypatch):
    monkeypatch.setattr(spool, "discard", lambda _: None)
    assert run(receiver.uri, tmp_path) == []
    first = sorted(body for _, _, body in receiver.requests[1:])
    receiver.requests.clear()
    assert spool.sync(tmp_path, receiver.uri) == []
    assert sorted(body for _, _, body in receiver.requests) == first


@pytest.mark.parametrize("answers", [[503] * 8, [429] * 8, [401] * 4])
def test_a_receiver_that_refuses_gets_it_later(answers, receiver, tmp_path):
    receiver.answers = list(answers)
    with session(ATTEMPT, receiver.uri, tmp_path) as tracked:
        tracked.record_reference("model", "s3://bucket/model.pkl", "b" * 64, "Model")
    assert "PORT500" in [f.code for f in tracked.findings]
    assert len(list(tmp_path.rglob("spool/*.jsonl"))) == 1
    receiver.answers = []
    assert spool.sync(tmp_path, receiver.uri) == []
    assert [e["eventType"] for e in receiver.events] == ["START", "COMPLETE"]
    assert list(tmp_path.rglob("spool/*.jsonl")) == []


def test_one_refusal_is_tried_again_at_once(receiver, tmp_path):
    receiver.answers = [503]
    assert run(receiver.uri, tmp_path) == []
    assert len(receiver.events) == 4


def test_a_receiver_that_is_away_stops_no_other_tracker(receiver, tmp_path):
    receiver.stop()
    both = f"jsonl:{tmp_path}/runs {receiver.uri}"
    findings = run(both, tmp_path / "work", replace(ATTEMPT, session="s1"))
    assert {f.code for f in findings} >= {"PORT500"}
    assert all(receiver.uri in f.what + f.why for f in findings if f.code == "PORT500")
    (log,) = (tmp_path / "runs").rglob("tasks/**/*.jsonl")
    assert '"state":"finished"' in log.read_text().splitlines()[-1]
    receiver.__init__()
    before = log.read_bytes()
    assert spool.sync(tmp_path / "work", f"jsonl:{tmp_path}/runs {receiver.uri}") == []
    assert [e["eventType"] for e in receiver.events] == ["START", "COMPLETE", "COMPLETE"]
    assert log.read_bytes() == before
