"""OpenLineage events: what they tell, that the official classes take them, and that none comes twice."""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from importlib.metadata import version

import pytest

from intermodal.findings import FindingsError
from intermodal.tracking.openlineage import OpenLineageTracker
from intermodal.tracking.openlineage_events import FACETS, SPEC, dataset, run_id
from intermodal.tracking.records import (
    Dataset,
    Environment,
    Metric,
    Param,
    Reference,
    Status,
    Tag,
    Used,
)
from intermodal.tracking.tracker import TaskIdentity, resolve

pytest.importorskip("openlineage.client")

ATTEMPT = TaskIdentity(
    "diagnosis",
    "run/1",
    "train",
    (0,),
    parameters={"trees": 50},
    tags={"team": "a"},
    code_hash="c" * 64,
    pipeline_hash="d" * 64,
    session="s1",
    link="http://user:secret@host/x",
    target="prefect",
)
RECORDS = [
    Param("lr", "0.1", 1),
    Metric("loss", 1.0, 1, 0),
    Tag("k", "v", 1),
    Used("rows", "s3://user:secret@bucket/rows.csv", "a" * 64, "Dataset", 1),
    Reference("model", "file:///store/model.pkl", "b" * 64, "Model", 2),
    Dataset(
        "iris",
        "abc",
        "http",
        "https://host/iris.csv",
        '{"mlflow_colspec": [{"type": "double", "name": "x", "required": true}]}',
        "",
        "training",
        1,
    ),
    Environment({"git_url": "https://user:secret@host/a/b", "git_commit": "1" * 40}, 1),
]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a folder" / "events.jsonl"


def tell(path, status=None, attempt=ATTEMPT, records=RECORDS):
    """A whole run, told to a file by a tracker of its own."""
    status = status or Status("failed", 3000, "ValueError")
    tracker = OpenLineageTracker(f"openlineage+file://{path}")
    tracker.open_run(attempt.of_run, 1000)
    tracker.begin(attempt, 2000)
    assert tracker.replay(attempt, iter(records)) == []
    tracker.end(attempt, status)
    tracker.close_run(attempt.of_run, Status(status.state, 4000))


def events(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_run_is_told_with_its_tasks(path):
    tell(path)
    found = events(path)
    assert [(e["eventType"], e["job"]["name"], e["eventTime"]) for e in found] == [
        ("START", "diagnosis", "1970-01-01T00:00:01.000Z"),
        ("START", "diagnosis.train", "1970-01-01T00:00:02.000Z"),
        ("FAIL", "diagnosis.train", "1970-01-01T00:00:03.000Z"),
        ("FAIL", "diagnosis", "1970-01-01T00:00:04.000Z"),
    ]
    parent, _, end, _ = found
    facets = end["run"]["facets"]
    assert facets["parent"]["run"]["runId"] == parent["run"]["runId"] == run_id(ATTEMPT.of_run)
    assert facets["parent"]["job"] == {"namespace": "intermodal", "name": "diagnosis"}
    assert facets["errorMessage"]["message"] == "ValueError"
    assert facets["processing_engine"]["name"] == "prefect"
    assert facets["executionParameters"]["parameters"] == [{"key": "lr", "value": "0.1"}]
    assert end["job"]["facets"]["intermodal_code"]["sha256"] == "c" * 64
    assert end["job"]["facets"]["sourceCodeLocation"]["url"] == "https://host/a/b"
    assert [(d["namespace"], d["name"]) for d in end["inputs"]] == [
        ("s3://bucket", "rows.csv"),
        ("https://host", "iris.csv"),
    ]
    assert end["inputs"][0]["facets"]["version"]["datasetVersion"] == "a" * 64
    assert end["inputs"][1]["facets"]["schema"]["fields"] == [{"name": "x", "type": "double"}]
    assert [(d["namespace"], d["name"]) for d in end["outputs"]] == [("file", "/store/model.pkl")]
    assert "secret" not in path.read_text()


@pytest.mark.parametrize(
    ("state", "kind"), [("finished", "COMPLETE"), ("failed", "FAIL"), ("killed", "ABORT")]
)
def test_each_end_has_its_event(state, kind, path):
    tell(path, Status(state, 3000))
    assert [e["eventType"] for e in events(path)][2:] == [kind, kind]


def test_replays_add_nothing_to_the_file(path):
    tell(path)
    before = path.read_bytes()
    tell(path)
    assert path.read_bytes() == before
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: tell(path), range(8)))
    assert path.read_bytes() == before


def test_the_parts_of_a_long_task_do_not_tell_its_start_again(path, monkeypatch):
    tracker = OpenLineageTracker(f"openlineage+file://{path}")
    tracker.begin(ATTEMPT, 2000)
    told = []
    monkeypatch.setattr(tracker._sink, "send", told.append)
    tracker.begin(ATTEMPT, 2000)
    assert told == []


def test_many_workers_begin_one_run(path):
    def begin(number):
        tracker = OpenLineageTracker(f"openlineage+file://{path}")
        attempt = replace(ATTEMPT, index=(number,), session=f"s{number}")
        tracker.begin(attempt, 2000 + number)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(begin, range(16)))
    starts = [e["job"]["name"] for e in events(path)]
    assert (starts.count("diagnosis"), starts.count("diagnosis.train")) == (1, 16)


def test_a_run_that_is_resumed_starts_again(path):
    tell(path)
    OpenLineageTracker(f"openlineage+file://{path}").open_run(ATTEMPT.of_run, 9000)
    assert events(path)[-1]["eventType"] == "START"


def test_retries_are_runs_of_the_same_job(path):
    tell(path)
    tell(path, attempt=replace(ATTEMPT, attempt=2, session="s2"))
    tasks = [e for e in events(path) if e["job"]["name"] == "diagnosis.train"]
    assert len({e["run"]["runId"] for e in tasks}) == 2


def test_a_torn_line_is_closed(path):
    tell(path)
    path.write_bytes(path.read_bytes()[:-20])
    tell(path)
    lines = path.read_text().splitlines()
    assert len(lines) == 5
    assert json.loads(lines[-1])["eventTime"] == "1970-01-01T00:00:04.000Z"


def test_where_no_engine_tells_it_the_run_ends_with_its_last_task(path):
    tracker = OpenLineageTracker(f"openlineage+file://{path}")
    for task, last in (("load", False), ("train", True)):
        attempt = replace(ATTEMPT, task=task, last=last, session=task)
        tracker.begin(attempt, 2000)
        tracker.replay(attempt, iter([]))
        tracker.end(attempt, Status("finished", 3000))
    assert [e["eventType"] for e in events(path) if e["job"]["name"] == "diagnosis"] == [
        "START",
        "COMPLETE",
    ]


def test_a_record_type_that_nobody_thought_of_is_reported(path):
    @dataclass(frozen=True)
    class Novelty:
        time: int = 1

    tracker = OpenLineageTracker(f"openlineage+file://{path}")
    (finding,) = tracker.replay(ATTEMPT, iter([Novelty(), Novelty()]))
    assert (finding.code, finding.severity) == ("PORT530", "warning")
    assert "Novelty" in finding.what


NEWEST = pytest.mark.skipif(
    tuple(map(int, version("openlineage-python").split(".")[:2])) < (1, 54),
    reason="an older openlineage-python has classes of older facets",
)


@NEWEST
def test_the_classes_made_from_the_official_schema_take_every_event(path):
    tell(path)
    classes = official_classes()
    for event in events(path):
        check(event, classes)


@NEWEST
def test_every_facet_is_of_the_version_that_the_package_has():
    known = set(official_classes())
    assert {SPEC + place for place in FACETS.values() if "/facets/" in SPEC + place} <= known


def official_classes():
    """The generated classes of openlineage-python by the address of their schema."""
    from openlineage.client import generated

    found = {}
    for module in pkgutil.iter_modules(generated.__path__):
        loaded = importlib.import_module(f"{generated.__name__}.{module.name}")
        for _, cls in inspect.getmembers(loaded, inspect.isclass):
            if hasattr(cls, "_get_schema"):
                found[cls._get_schema()] = cls
    return found


def check(event, classes):
    """Make the package's own objects of an event: they check names, required fields and formats."""
    from openlineage.client.event_v2 import (
        InputDataset,
        Job,
        OutputDataset,
        Run,
        RunEvent,
        RunState,
    )

    def facets(given):
        for value in given.values():
            fields = {k: v for k, v in value.items() if not k.startswith("_")}
            assert value["_producer"].startswith("urn:intermodal:")
            if "/facets/" in value["_schemaURL"]:
                if "parent" in value["_schemaURL"].lower():
                    Run(**fields["run"])
                    Job(**fields["job"])
                classes[value["_schemaURL"]](**fields)
            else:
                assert value["_schemaURL"] in classes
        return given

    def datasets(cls, given):
        return [cls(d["namespace"], d["name"], facets(d["facets"])) for d in given]

    run, job = event["run"], event["job"]
    RunEvent(
        eventTime=event["eventTime"],
        run=Run(run["runId"], facets(run["facets"])),
        job=Job(job["namespace"], job["name"], facets(job["facets"])),
        eventType=RunState(event["eventType"]),
        inputs=datasets(InputDataset, event["inputs"]),
        outputs=datasets(OutputDataset, event["outputs"]),
        producer=event["producer"],
    )
    wanted = {"eventTime", "run", "job", "eventType", "inputs", "outputs", "producer", "schemaURL"}
    assert set(event) == wanted


@pytest.mark.parametrize(
    ("uri", "namespace", "name"),
    [
        ("s3://bucket/a/b.csv", "s3://bucket", "a/b.csv"),
        ("gs://bucket/a", "gs://bucket", "a"),
        ("file:///a/b#c%20d", "file", "/a/b#c%20d"),
        ("/a/b", "file", "/a/b"),
        (
            "abfss://box@account.dfs.core.windows.net/a",
            "abfss://box@account.dfs.core.windows.net",
            "a",
        ),
        ("https://u:p@host/x?token=1", "https://host", "x"),
        ("postgresql://host:5432/db", "postgresql://host:5432", "db"),
        ("s3://bucket", "s3://bucket", "/"),
        ("s3://u:p@bucket/a#b?c", "s3://bucket", "a#b?c"),
    ],
)
def test_datasets_are_named_by_openlineages_rules(uri, namespace, name):
    found = dataset(uri, {})
    assert (found["namespace"], found["name"]) == (namespace, name)


def test_without_the_package_it_is_a_finding(declared, monkeypatch, tmp_path):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(FindingsError) as raised:
        resolve(f"openlineage+file://{tmp_path}/e").open_run(ATTEMPT, 1)
    assert raised.value.findings[0].code == "PORT503"
    assert "intermodal[openlineage]" in raised.value.findings[0].next
