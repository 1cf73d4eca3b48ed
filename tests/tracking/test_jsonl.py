"""The JSON-lines tracker: what lies in its folder, and that nothing lies there twice."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest

from intermodal import tracking
from intermodal.findings import FindingsError
from intermodal.tracking.facts import OutputFact, ReadableTracker
from intermodal.tracking.jsonl import JsonlTracker
from intermodal.tracking.jsonl_files import Folder
from intermodal.tracking.records import (
    Artifact,
    Metric,
    Model,
    Param,
    Reference,
    Status,
    Tag,
    Text,
    Used,
)
from intermodal.tracking.registry import Promotion, Registry
from intermodal.tracking.session import close_run, open_run, session
from intermodal.tracking.tracker import TaskIdentity

RUN = TaskIdentity("diagnosis", "run/1", "train", parameters={"trees": 50}, tags={"team": "a"})


def attempt(tracker, identity, *records, started=1000, end=None):
    identity = replace(identity, session=identity.session or f"{identity.task}{identity.attempt}")
    tracker.begin(identity, started)
    findings = tracker.replay(identity, iter([*records, end] if end else records))
    if end:
        tracker.end(identity, end)
    return findings


def tree(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.relative_to(folder).parts[0].startswith(".")
    }


def lines(folder: Path, pattern: str) -> list[dict]:
    (path,) = folder.glob(f"runs/*/*/tasks/{pattern}")
    return [json.loads(line) for line in path.read_text().splitlines()]


def run_of(folder: Path) -> dict:
    (path,) = folder.glob("runs/*/*/run.json")
    return json.loads(path.read_text())


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "tracked"


@pytest.fixture
def tracker(folder):
    return JsonlTracker(f"jsonl:{folder}")


def test_a_task_is_lines_and_files_that_anybody_can_read(declared, folder, tmp_path):
    (tmp_path / "plot.png").write_bytes(b"png")
    assert open_run(RUN, f"jsonl:{folder}") == []
    with session(RUN, f"jsonl:{folder}", tmp_path) as tracked:
        tracking.log_metric("loss", 0.5)
        tracking.log_metric("loss", 0.25)
        tracking.log_param("lr", 0.1)
        tracking.log_text("# Report", "report/summary.md")
        tracking.log_artifact(tmp_path / "plot.png", "figures")
    assert tracked.findings == []
    assert close_run(RUN, "finished", f"jsonl:{folder}", tmp_path) == []

    run = run_of(folder)
    assert (run["pipeline"], run["run_id"], run["state"]) == ("diagnosis", "run/1", "finished")
    assert (run["parameters"], run["tags"]) == ({"trees": 50}, {"team": "a"})
    assert run["started"] <= run["ended"]
    found = lines(folder, "train/-/1-*.jsonl")
    assert [v["type"] for v in found[:5]] == ["attempt", "metric", "metric", "param", "text"]
    assert [(v["step"], v["value"]) for v in found if v.get("name") == "loss"] == [
        (0, 0.5),
        (1, 0.25),
    ]
    assert found[-1]["state"] == "finished"
    stored = {v["type"]: folder / v["path"] for v in found if v["type"] in ("text", "artifact")}
    assert stored["text"].read_text() == "# Report"
    assert stored["text"].as_posix().endswith("/files/report/summary.md")
    assert stored["artifact"].as_posix().endswith("/files/figures/plot.png")
    assert stored["artifact"].read_bytes() == b"png"


def test_parts_of_a_log_end_as_the_whole_does(tmp_path):
    metrics = [Metric("loss", 1 / n, 1000 + n, n) for n in range(1, 7)]
    other = [
        Tag("k", "1", 1001),
        Tag("k", "2", 1001),
        Tag("k", "1", 1001),
        Text("a.txt", "x", 1002),
    ]
    whole, parts = JsonlTracker(f"jsonl:{tmp_path}/whole"), JsonlTracker(f"jsonl:{tmp_path}/parts")
    end = Status("finished", 2000)
    attempt(whole, RUN, *metrics[:3], *other, *metrics[3:], end=end)
    attempt(parts, RUN, *metrics[:2])
    attempt(parts, RUN, metrics[2], other[0])
    attempt(parts, RUN, *other, *metrics[3:], end=end)
    facts = whole.find_runs("run/1")
    assert lines(tmp_path / "whole", "train/-/*.jsonl") == lines(
        tmp_path / "parts", "train/-/*.jsonl"
    )
    before = tree(tmp_path / "parts")
    attempt(parts, RUN, *metrics[:3], *other, *metrics[3:], end=end)
    assert tree(tmp_path / "parts") == before
    assert facts[0].tasks[0].metrics == {"loss": 1 / 6}


def test_a_torn_line_is_closed_and_left_out(tracker, folder):
    attempt(tracker, RUN, Metric("loss", 1.0, 1, 0))
    (path,) = folder.glob("runs/*/*/tasks/train/-/*.jsonl")
    path.write_bytes(path.read_bytes()[:-5])
    attempt(tracker, RUN, Metric("loss", 1.0, 1, 0), end=Status("finished", 2))
    (facts,) = tracker.find_runs("run/1")
    assert (facts.tasks[0].metrics, facts.tasks[0].state) == ({"loss": 1.0}, "finished")


def test_workers_that_start_together_make_one_run(folder):
    def work(number: int) -> None:
        tracker = JsonlTracker(f"jsonl:{folder}")
        identity = replace(RUN, task="predict", index=(number,), session=f"s{number}")
        attempt(tracker, identity, Metric("n", number, 1, 0), end=Status("finished", 2))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(16)))
    (facts,) = JsonlTracker(f"jsonl:{folder}").find_runs("run/1")
    assert [(t.index, t.metrics) for t in facts.tasks] == [((n,), {"n": n}) for n in range(16)]


def test_the_newest_attempt_stands_for_the_task_and_older_ones_do_not_run_on(tracker):
    attempt(tracker, RUN, Metric("loss", 9.0, 1, 0), started=1)
    attempt(tracker, replace(RUN, attempt=2), started=5, end=Status("finished", 6))
    (facts,) = tracker.find_runs("run/1")
    (task,) = facts.tasks
    assert (task.attempt, task.state, task.metrics) == (2, "finished", {})
    killed = lines(tracker_folder(tracker), "train/-/1-*.jsonl")[-1]
    assert (killed["type"], killed["state"], killed["time"]) == ("status", "killed", 5)
    attempt(tracker, RUN, Metric("loss", 9.0, 1, 0), started=1, end=Status("failed", 3, "OSError"))
    assert lines(tracker_folder(tracker), "train/-/1-*.jsonl")[-1]["error"] == "OSError"
    assert tracker.find_runs("run/1")[0].tasks == facts.tasks


def tracker_folder(tracker) -> Path:
    return Path(tracker._folder.root.removeprefix("file://"))


def test_reading_back_gives_the_facts(tracker):
    identity = replace(RUN, code_hash="c" * 64, target="kfp", pipeline_hash="p")
    attempt(
        tracker,
        identity,
        Param("lr", "0.1", 1),
        Param("lr", "0.2", 1),
        Metric("loss", 2.0, 1, 7),
        Metric("loss", 3.0, 2, 5),
        Tag("intermodal.cached", "true", 1),
        Used("rows", "s3://b/rows", "a" * 64, "Dataset", 1),
        Reference("model", "s3://b/model", "b" * 64, "Model", 2),
        end=Status("failed", 9, "ValueError"),
    )
    assert isinstance(tracker, ReadableTracker)
    (run,) = tracker.find_runs("run/1", "diagnosis")
    assert (run.target, run.state, run.parameters, run.started) == (
        "kfp",
        "running",
        {"trees": "50"},
        1000,
    )
    (task,) = run.tasks
    assert (task.state, task.ended, task.cached, task.code_hash) == ("failed", 9, True, "c" * 64)
    assert (task.parameters, task.metrics) == ({"lr": "0.1"}, {"loss": 2.0})
    assert task.inputs == {"rows": OutputFact("s3://b/rows", "a" * 64, "Dataset")}
    assert task.outputs == {"model": OutputFact("s3://b/model", "b" * 64, "Model")}
    assert [r.run_id for r in tracker.find_runs("run")] == ["run/1"]
    assert tracker.find_runs("run/1", "other") == tracker.find_runs("run/2") == []


def test_the_runs_state_follows_from_its_tasks_where_no_engine_tells_it(tracker, folder):
    first = replace(RUN, task="load", last=False)
    attempt(tracker, first, end=Status("finished", 5))
    assert run_of(folder)["state"] == "running"
    last = replace(RUN, last=True)
    attempt(tracker, last, end=Status("failed", 6))
    assert (run_of(folder)["state"], run_of(folder)["ended"]) == ("failed", 6)
    attempt(tracker, replace(last, attempt=2), started=2000)
    assert (run_of(folder)["state"], run_of(folder)["ended"]) == ("running", None)
    attempt(tracker, replace(last, attempt=2), started=2000, end=Status("finished", 9))
    assert (run_of(folder)["state"], run_of(folder)["ended"]) == ("finished", 9)


def test_a_late_log_does_not_set_an_ended_run_running_again(tracker, folder):
    """The tracker was away when `load` ended, and its log came with a sync after the run's end."""
    attempt(tracker, replace(RUN, last=True), end=Status("finished", 9))
    attempt(tracker, replace(RUN, task="load", last=False), end=Status("finished", 5))
    assert (run_of(folder)["state"], run_of(folder)["ended"]) == ("finished", 9)
    attempt(tracker, replace(RUN, task="other", last=False), end=Status("finished", 12))
    assert (run_of(folder)["state"], run_of(folder)["ended"]) == ("running", None)


def test_an_end_that_comes_late_does_not_end_a_resumed_run(tracker, folder):
    tracker.close_run(replace(RUN, session="resumed"), Status("finished", 9))
    tracker.close_run(replace(RUN, session="late"), Status("failed", 5))
    assert (run_of(folder)["state"], run_of(folder)["ended"]) == ("finished", 9)


def test_a_task_that_nobody_ended_is_killed_with_its_run(tracker, folder):
    attempt(tracker, RUN)
    attempt(tracker, replace(RUN, task="load"), end=Status("finished", 5))
    tracker.close_run(RUN, Status("failed", 9))
    (run,) = tracker.find_runs("run/1")
    assert [(task.task, task.state) for task in run.tasks] == [
        ("load", "finished"),
        ("train", "killed"),
    ]


def test_promotions_stay_in_their_order(tracker):
    def register(task: str, time: int) -> None:
        tags = {"intermodal.registration": task * 8, "intermodal.sha256": task}
        model = Model("churn", "", f"s3://b/{task}", time, ("champion",), tags)
        attempt(tracker, replace(RUN, task=task), model, end=Status("finished", time))

    register("a", 10)
    register("b", 20)
    register("a", 10)
    assert isinstance(tracker, Registry)
    champion = tracker.find_version("churn", alias="champion")
    assert (champion.version, champion.uri, champion.aliases) == ("2", "s3://b/b", ("champion",))
    assert tracker.find_version("churn", tags={"intermodal.sha256": "a"}).version == "1"
    assert tracker.find_version("churn", version="3") is None
    assert tracker.find_version("other", alias="champion") is None
    assert not tracker.promote("churn", "1", Promotion("champion", 15, "k"))
    assert tracker.promote("churn", "1", Promotion("champion", 30, "k2"))
    assert tracker.promote("churn", "1", Promotion("champion", 30, "k2"))
    register("b", 20)
    assert tracker.find_version("churn", alias="champion").version == "1"


@pytest.mark.parametrize("name", ["churn", "отток/клиентов " * 5])
def test_all_versions_are_listed_however_long_their_models_names(name, tracker):
    model = Model(name, "", "s3://b/model", 10, ("champion",))
    attempt(tracker, RUN, model, end=Status("finished", 11))
    (version,) = tracker.find_versions()
    assert (version.name, version.version, version.aliases) == (name, "1", ("champion",))


def test_a_registered_file_can_be_fetched_again(tracker, tmp_path):
    payload = tmp_path / "payload" / "1" / "weights.bin"
    payload.parent.mkdir(parents=True)
    payload.write_bytes(b"w")
    model = Model("churn", str(payload), "", 5)
    attempt(tracker, RUN, Artifact(str(payload), "", 4), model, end=Status("finished", 6))
    payload.unlink()
    version = tracker.find_version("churn", version="1")
    copy = tracker.download(version, tmp_path)
    assert copy.read_bytes() == b"w"
    assert Path(version.uri.removeprefix("file://")).read_bytes() == b"w"


def test_a_file_that_cannot_be_stored_keeps_the_log_and_loses_nothing_else(tracker, folder):
    findings = attempt(
        tracker,
        RUN,
        Text("a", "x", 1),
        Text("a/b", "y", 2),
        Text("c", "z", 3),
        end=Status("failed", 4),
    )
    assert [f.code for f in findings] == ["PORT500"]
    assert sorted(p.rsplit("/", 1)[1] for p in tree(folder) if "/files/" in p) == ["a", "c"]


@pytest.mark.parametrize("name", ["x" * 300, "a:b?.txt", ".hidden", "\ud800", "../up", "a/../../b"])
def test_names_that_filesystems_refuse_are_encoded(name, tracker, folder):
    assert attempt(tracker, RUN, Text(name, "x", 1), end=Status("finished", 2)) == []
    (file,) = [p for p in tree(folder) if "/files/" in p]
    assert ".." not in file.split("/")


def test_an_object_store_takes_the_same(tmp_path):
    import fsspec

    tracker = JsonlTracker("jsonl+memory://tracked/team")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "f.txt").write_text("f")
    for _ in range(2):
        fresh = JsonlTracker("jsonl+memory://tracked/team")
        attempt(
            fresh,
            RUN,
            Metric("loss", 1.0, 1, 0),
            Artifact(str(tmp_path / "folder"), "", 1),
            end=Status("finished", 2),
        )
    (run,) = tracker.find_runs("run/1")
    assert run.tasks[0].metrics == {"loss": 1.0}
    files = fsspec.filesystem("memory").find("/tracked/team")
    assert [f.rsplit("/", 3)[1:] for f in files if "/files/" in f] == [["files", "folder", "f.txt"]]
    fsspec.filesystem("memory").rm("/tracked", recursive=True)


def test_values_that_json_does_not_know_are_texts(tracker, folder):
    identity = replace(RUN, parameters={"limit": float("inf"), "n": (1, None)})
    attempt(tracker, identity, end=Status("finished", 2))
    assert run_of(folder)["parameters"] == {"limit": "inf", "n": [1, None]}


def test_a_password_in_the_address_is_refused_and_not_shown():
    with pytest.raises(FindingsError) as raised:
        JsonlTracker("jsonl+s3://user:secret@bucket/x")
    (finding,) = raised.value.findings
    assert finding.code == "PORT503"
    assert "secret" not in str(finding.to_data())


def test_a_replay_does_not_take_back_an_alias_that_somebody_moved_by_hand(tracker, folder):
    def register(task: str) -> None:
        tags = {"intermodal.registration": task * 8, "intermodal.sha256": task}
        model = Model("churn", "", f"s3://b/{task}", 10, ("champion",), tags)
        attempt(tracker, replace(RUN, task=task), model, end=Status("finished", 10))

    register("a")
    register("b")
    (folder / "models/churn/aliases/champion.json").write_text('{"version": "1"}')
    register("b")
    assert tracker.find_version("churn", alias="champion").version == "1"


def test_two_that_write_one_file_wait_for_each_other(tracker, folder, monkeypatch):
    records = [Metric("loss", 1.0, 1, 0), Param("lr", "0.1", 1)]
    attempt(tracker, RUN)
    write = Folder._append
    others = []

    def append(self, *args):
        if (
            not others
        ):  # the first writer lets another one begin between its reading and its writing
            other = JsonlTracker(f"jsonl:{folder}")
            others.append(Thread(target=attempt, args=(other, RUN, *records)))
            others[0].start()
            others[0].join(0.3)
        write(self, *args)

    monkeypatch.setattr(Folder, "_append", append)
    attempt(tracker, RUN, *records)
    others[0].join()
    assert [v["type"] for v in lines(folder, "train/-/*.jsonl")] == ["attempt", "metric", "param"]
