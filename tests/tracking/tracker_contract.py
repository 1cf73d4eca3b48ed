"""What every tracker must do, as tests; a test module imports them and has a fixture `place`.

`place` has `uri`, an address that holds nothing yet; `state()`, all that a replay could change; `metrics()`, the
set of (task instance, attempt, name, step, value) that it holds, or None if it keeps no metrics.
"""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from hashlib import sha256

import pytest

from intermodal.findings import Finding
from intermodal.tracking import records as record_types
from intermodal.tracking import spool
from intermodal.tracking.log import EventLog
from intermodal.tracking.records import (
    Artifact,
    Dataset,
    Environment,
    LoggedModel,
    Metric,
    Model,
    Note,
    Param,
    Record,
    Reference,
    Status,
    Tag,
    Text,
    Used,
)
from intermodal.tracking.registry import REGISTRATION, SHA256, registry_of
from intermodal.tracking.tracker import TaskIdentity, Tracker, resolve

BEGAN = 1_700_000_000_000
DONE = Status("finished", BEGAN + 9_000)
FAILED = Status("failed", BEGAN + 9_000, "ValueError")
UNDELIVERED = "PORT500"


@pytest.fixture
def attempt(request):
    """An attempt of a pipeline that nobody else has; not all places are new for each test."""
    return TaskIdentity(
        request.node.name,
        "run/1 #ä",
        "train",
        (0, 2),
        parameters={"trees": 50, "limit": float("inf")},
        tags={"team": "a"},
        code_hash="c" * 64,
        session="s1",
    )


@pytest.fixture
def payload(tmp_path):
    """One record of each type, their files in a payload folder as a log has them."""
    folder = tmp_path / "payload"
    for name in ("1/plots/a.png", "2/model.bin"):
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_bytes(name.encode())
    found: list[Record] = [
        Metric("loss", 0.5, BEGAN + 1, 0),
        Param("lr", "0.1", BEGAN + 1),
        Tag("stage", "dev", BEGAN + 1),
        Artifact(str(folder / "1" / "plots"), "figures", BEGAN + 2),
        Reference("model", "s3://bucket/model.pkl", "b" * 64, "Model", BEGAN + 2),
        Used("rows", "s3://bucket/rows.csv", "a" * 64, "Dataset", BEGAN + 1),
        Dataset("iris", "abc", "http", "https://host/iris.csv", "", "", "training", BEGAN + 1),
        LoggedModel("forest", "", "s3://bucket/model.pkl", BEGAN + 2),
        Environment({"python": "3.11"}, BEGAN + 1, {"pandas": "2.2"}),
        Text("report/summary.md", "# Report", BEGAN + 2),
        Model(
            "churn",
            str(folder / "2" / "model.bin"),
            "",
            BEGAN + 3,
            ("champion",),
            {REGISTRATION: "f" * 16, SHA256: sha256(b"2/model.bin").hexdigest()},
        ),
        Note("PORT501", "a note", BEGAN + 3),
        Metric("loss", 0.25, BEGAN + 4, 1),
    ]
    assert {type(record) for record in found} | {Status} == set(record_types.TYPES.values())
    return found


def send(tracker: Tracker, attempt: TaskIdentity, *records: Record, end: Status) -> list[Finding]:
    """A whole log, as it is sent at its end."""
    tracker.begin(attempt, BEGAN)
    findings = tracker.replay(attempt, iter([*records, end]))
    tracker.end(attempt, end)
    return findings


def of(attempt: TaskIdentity, *values: tuple[str, int, float]) -> set:
    return {(attempt.instance_name, attempt.attempt, *value) for value in values}


def test_every_record_is_taken_and_a_replay_changes_nothing(place, attempt, payload):
    tracker = resolve(place.uri)
    tracker.open_run(attempt.of_run, BEGAN)
    assert send(tracker, attempt, *payload, end=DONE) == []
    tracker.close_run(attempt.of_run, Status("finished", BEGAN + 10_000))
    before = place.state()
    assert before
    if place.metrics() is not None:
        assert place.metrics() == of(attempt, ("loss", 0, 0.5), ("loss", 1, 0.25))
    for again in (tracker, resolve(place.uri, patient=True)):
        assert send(again, attempt, *payload, end=DONE) == []
        again.close_run(attempt.of_run, Status("finished", BEGAN + 10_000))
        assert place.state() == before


def test_two_processes_may_replay_at_once(place, attempt, payload):
    send(resolve(place.uri), attempt, *payload, end=DONE)
    before = place.state()
    other = replace(attempt, index=(1, 1), session="s9")
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: send(resolve(place.uri), attempt, *payload, end=DONE), range(2)))
        list(pool.map(lambda _: send(resolve(place.uri), other, payload[0], end=DONE), range(2)))
    if place.metrics() is not None:
        both = of(attempt, ("loss", 0, 0.5), ("loss", 1, 0.25)) | of(other, ("loss", 0, 0.5))
        assert place.metrics() == both
    assert all(part in place.state() for part in before)


def test_a_growing_log_ends_as_the_whole_one(place, attempt, payload):
    tracker = resolve(place.uri)
    if not tracker.live:
        pytest.skip("takes a log whole, at its end")
    for part in (payload[:1], payload[1:3]):
        tracker.begin(attempt, BEGAN)
        tracker.replay(attempt, iter(part))
    assert send(tracker, attempt, *payload[1:], end=DONE) == []
    before = place.state()
    if place.metrics() is not None:
        assert place.metrics() == of(attempt, ("loss", 0, 0.5), ("loss", 1, 0.25))
    assert send(resolve(place.uri), attempt, *payload, end=DONE) == []
    assert place.state() == before


def test_a_retry_is_told_apart_from_what_it_replaces(place, attempt):
    tracker = resolve(place.uri)
    send(tracker, attempt, Metric("loss", 9.0, BEGAN, 0), Param("lr", "1", BEGAN), end=FAILED)
    retry = replace(attempt, attempt=2, session="s2")
    findings = send(
        tracker, retry, Metric("loss", 1.0, BEGAN, 0), Param("lr", "2", BEGAN), end=DONE
    )
    assert findings == []
    late = send(tracker, attempt, Metric("loss", 9.0, BEGAN, 0), end=FAILED)
    assert late == []
    if place.metrics() is not None:
        assert place.metrics() == of(attempt, ("loss", 0, 9.0)) | of(retry, ("loss", 0, 1.0))


def test_the_log_of_a_killed_process_is_taken(place, attempt, tmp_path):
    log = EventLog(tmp_path / "work" / spool.FOLDER / "s1.jsonl")
    log.begin(attempt, BEGAN)
    log.metric("loss", 0.5)
    log.close()
    assert spool.sync(tmp_path / "work", place.uri) == []
    assert list((tmp_path / "work").rglob("*.jsonl")) == []
    assert place.state()
    if place.metrics() is not None:
        assert place.metrics() == of(attempt, ("loss", 0, 0.5))


def test_a_model_is_registered_once_and_only_by_a_success(place, attempt, payload):
    models = [record for record in payload if isinstance(record, Model)]
    name = re.sub(r"\W", "_", attempt.pipeline)
    models = [replace(model, name=name) for model in models]
    tracker = resolve(place.uri)
    findings = send(tracker, attempt, *models, end=FAILED)
    retry = replace(attempt, attempt=2, session="s2")
    registry = registry_of(tracker)
    if registry is None:
        assert send(tracker, retry, *models, end=DONE) == []
        return
    assert {(f.code, "not registered" in f.what) for f in findings} == {("PORT504", True)}
    assert registry.find_version(name, version="1") is None
    for _ in range(2):
        assert send(tracker, retry, *models, end=DONE) == []
    version = registry.find_version(name, alias="champion")
    assert (version.version, version.aliases) == ("1", ("champion",))
    assert registry.find_version(name, version="2") is None


def test_a_record_type_that_comes_later_is_not_lost_in_silence(place, attempt, monkeypatch):
    @dataclass(frozen=True)
    class Novelty:
        what: str
        time: int = BEGAN

    monkeypatch.setitem(record_types.NAMES, Novelty, "novelty")
    try:
        findings = send(resolve(place.uri), attempt, Novelty("wonder"), end=DONE)
    except AssertionError:  # `assert_never`: then the log is kept
        return
    is_told = any("Novelty" in f.what + f.why for f in findings)
    assert is_told or "wonder" in repr(place.state())


@pytest.mark.parametrize("text", ["\ud800 \x00", "=[..]", "ä" * 300, "/x/../y", "a" * 20_000])
def test_whatever_users_write_is_delivered(place, attempt, text):
    name = text[:1000]
    findings = send(
        resolve(place.uri),
        replace(attempt, task="t" + name[:20]),
        Metric(name, 1.0, BEGAN, 0),
        Param(name, text, BEGAN),
        Tag(name, text, BEGAN),
        Reference(name, "s3://bucket/x", "a" * 64, "Model", BEGAN),
        Used(name, "s3://bucket/x", "a" * 64, "Dataset", BEGAN),
        Environment({name: text}, BEGAN, {name: text}),
        Note("PORT501", text, BEGAN),
        end=DONE,
    )
    assert not [f for f in findings if f.code == UNDELIVERED]
    assert place.state()


__all__ = [name for name in dir() if name.startswith("test_")] + [
    "attempt",
    "payload",
]
