"""What users call inside a task: what is recorded, what is noted, and to which task it belongs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from hashlib import sha256
from pathlib import Path

import pytest

from intermodal import tracking
from intermodal.tracking.log import EventLog
from intermodal.tracking.records import (
    Artifact,
    Metric,
    Model,
    Note,
    Param,
    Reference,
    Tag,
    Text,
)
from intermodal.tracking.session import DURATION, session


class Awkward:
    def __str__(self):
        raise RuntimeError("no text")

    __repr__ = __str__

    def __float__(self):
        raise RuntimeError("no number")


def metrics(attempt):
    return [(m.name, m.value, m.step) for m in attempt.of(Metric) if m.name != DURATION]


def log_one_of_each(tmp_path):
    file = tmp_path / "model.txt"
    file.write_text("weights")
    tracking.log_metric("loss", 0.5)
    tracking.log_metrics({"a": 1, "b": 2.5}, step=7)
    tracking.log_param("trees", 50)
    tracking.log_params({"shape": [1, 2], "flag": True})
    tracking.set_tag("team", "core")
    tracking.log_artifact(file, "files")
    tracking.log_text("# Report", "reports/summary.md")
    tracking.register_model(
        "diagnosis", file, ("champion",), tags={"stage": 1}, metrics={"auc": 0.75}
    )


def test_each_call_makes_its_record(memory, identity, tmp_path):
    with session(identity, "memory:", tmp_path) as tracked:
        log_one_of_each(tmp_path)
    attempt = memory.only()
    assert tracked.findings == []
    assert metrics(attempt) == [("loss", 0.5, 0), ("a", 1.0, 7), ("b", 2.5, 7)]
    assert [(p.name, p.value) for p in attempt.of(Param)] == [
        ("trees", "50"),
        ("shape", "[1, 2]"),
        ("flag", "True"),
    ]
    assert [(t.name, t.value) for t in attempt.of(Tag)] == [("team", "core")]
    assert [(t.name, t.text) for t in attempt.of(Text)] == [("reports/summary.md", "# Report")]
    (artifact,) = attempt.of(Artifact)
    assert (artifact.folder, Path(artifact.path).name) == ("files", "model.txt")
    (model,) = attempt.of(Model)
    assert (model.name, model.aliases) == ("diagnosis", ("champion",))
    assert (model.tags["stage"], model.tags["intermodal.metric.auc"]) == ("1", "0.75")
    assert model.tags["intermodal.sha256"] == sha256(b"weights").hexdigest()
    assert model.uri == ""


def test_outside_a_task_nothing_happens(tmp_path):
    log_one_of_each(tmp_path)
    tracking.log_metric("bad", float("nan"))
    assert tracking.carry(log_one_of_each) is log_one_of_each
    assert [path.name for path in tmp_path.iterdir()] == ["model.txt"]


@pytest.mark.parametrize("uri", ["", "none", " None "])
def test_with_tracking_off_nothing_is_kept(uri, identity, tmp_path):
    with session(identity, uri, tmp_path / "attempt") as tracked:
        log_one_of_each(tmp_path)
        tracked.record_metrics("", {"accuracy": 1.0})
    assert tracked.findings == []
    assert [path.name for path in tmp_path.iterdir()] == ["model.txt"]


@pytest.mark.parametrize(
    ("name", "value", "step", "reason"),
    [
        ("m", float("nan"), None, "nan"),
        ("m", float("inf"), None, "inf"),
        ("m", -float("inf"), 3, "-inf"),
        ("m", 10**400, None, "too large"),
        ("m", "0.5", None, "of type str"),
        ("m", None, None, "of type NoneType"),
        ("m", Awkward(), None, "of type Awkward"),
        ("", 1.0, None, "name is empty"),
        (" ", 1.0, None, "name is empty"),
        (None, 1.0, None, "of type NoneType"),
        ([1], 1.0, None, "of type list"),
        (Awkward(), 1.0, None, "of type Awkward"),
        ("m", 1.0, "3", "step is not an integer"),
        ("m", 1.0, 1.5, "step is not an integer"),
        ("m", 1.0, 2**63, "64 bits"),
        ("m", 1.0, Awkward(), "step is of type Awkward"),
    ],
)
def test_a_metric_that_cannot_be_recorded_becomes_a_note(
    name, value, step, reason, memory, identity, tmp_path
):
    with session(identity, "memory:", tmp_path) as tracked:
        tracking.log_metric("m", 0.25, 1)  # the name is known to the fast way
        tracking.log_metric(name, value, step)
    assert metrics(memory.only()) == [("m", 0.25, 1)]
    (finding,) = tracked.findings
    assert finding.code == "PORT501"
    assert finding.severity == "warning"
    assert reason in finding.what
    assert [note.what for note in memory.only().of(Note)] == [finding.what]


@pytest.mark.parametrize(
    "call",
    [
        lambda: tracking.log_metrics(None),
        lambda: tracking.log_metrics([("a", 1)]),
        lambda: tracking.log_param("", 1),
        lambda: tracking.log_param("p", Awkward()),
        lambda: tracking.log_params("p=1"),
        lambda: tracking.set_tag("intermodal.run_id", "other"),
        lambda: tracking.set_tag(7, "x"),
        lambda: tracking.log_artifact("/no/such/file"),
        lambda: tracking.log_artifact(None),
        lambda: tracking.log_artifact(__file__, "../up"),
        lambda: tracking.log_artifact(Awkward()),
        lambda: tracking.log_text("x", "/etc/passwd"),
        lambda: tracking.log_text("x", "a/../../b"),
        lambda: tracking.log_text("x", ""),
        lambda: tracking.log_text(Awkward(), "a.txt"),
        lambda: tracking.register_model("", __file__),
        lambda: tracking.register_model("m", "/no/such/model"),
        lambda: tracking.register_model("m", None),
        lambda: tracking.register_model("m", __file__, aliases=5),
        lambda: tracking.register_model("m", __file__, tags=5),
    ],
)
def test_wrong_use_never_raises_and_is_noted(call, memory, identity, tmp_path):
    with session(identity, "memory:", tmp_path) as tracked:
        call()
    assert [finding.code for finding in tracked.findings] == ["PORT501"]
    assert memory.only().status.state == "finished"
    kept = [r for r in memory.only().records if isinstance(r, (Param, Tag, Artifact, Text, Model))]
    assert kept == []


def test_the_same_note_again_is_counted_not_repeated(memory, identity, tmp_path):
    with session(identity, "memory:", tmp_path) as tracked:
        for _ in range(1000):
            tracking.log_metric("loss", float("nan"))
    first, count = tracked.findings
    assert count.what == f"{first.what} (1000 times)"


def test_numbers_of_other_kinds_are_taken(memory, identity, tmp_path):
    import numpy as np

    with session(identity, "memory:", tmp_path) as tracked:
        tracking.log_metric("m", 3)
        tracking.log_metric("m", True)
        tracking.log_metric("m", Decimal("0.5"))
        tracking.log_metric("m", np.float32(0.25), step=np.int64(9))
        tracking.log_metric("m", np.array([2.0]).sum(), step=-(2**63))
    assert tracked.findings == []
    assert metrics(memory.only()) == [
        ("m", 3.0, 0),
        ("m", 1.0, 1),
        ("m", 0.5, 2),
        ("m", 0.25, 9),
        ("m", 2.0, -(2**63)),
    ]


def test_values_without_a_step_count_up_by_name(memory, identity, tmp_path):
    with session(identity, "memory:", tmp_path):
        for value in (1.0, 2.0):
            tracking.log_metric("a", value)
            tracking.log_metric("b", value)
        tracking.log_metric("a", 3.0, step=10)
        tracking.log_metric("a", 4.0)
    assert metrics(memory.only()) == [
        ("a", 1.0, 0),
        ("b", 1.0, 0),
        ("a", 2.0, 1),
        ("b", 2.0, 1),
        ("a", 3.0, 10),
        ("a", 4.0, 11),
    ]


def test_odd_texts_come_back_as_they_were(memory, identity, tmp_path):
    names = ['quote"', "new\nline", "snow ☃", "lone \udc80", "{{ }}", "a" * 5000]
    with session(identity, "memory:", tmp_path):
        for number, name in enumerate(names):
            tracking.log_metric(name, float(number))
            tracking.log_param(name, name)
    assert [m[0] for m in metrics(memory.only())] == names
    assert [p.value for p in memory.only().of(Param)] == names


def test_an_artifact_is_copied_when_it_is_logged(memory, identity, tmp_path, monkeypatch):
    file = tmp_path / "report.txt"
    file.write_text("as logged")
    seen = []

    def read(self, _identity, records):
        seen.extend(Path(r.path).read_text() for r in records if isinstance(r, Artifact))
        return []

    monkeypatch.setattr(memory, "replay", read)
    with session(identity, "memory:", tmp_path / "attempt"):
        tracking.log_artifact(file)
        file.write_text("changed later")
        tracking.log_artifact(str(file))
        file.unlink()
    assert seen == ["as logged", "changed later"]


def test_a_folder_that_holds_the_spool_can_be_logged(memory, identity, tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.txt").write_text("b")
    with session(identity, "memory:", tmp_path) as tracked:
        tracking.log_artifact(tmp_path)
        kept = sorted(p.name for p in (tmp_path / "spool").rglob("*.txt"))
    assert tracked.findings == []
    assert kept == ["b.txt"]


def test_a_model_in_a_store_is_registered_where_it_is(memory, identity, tmp_path):
    class Handle:
        uri = "s3://bucket/model"

    with session(identity, "memory:", tmp_path):
        tracking.register_model("by_uri", "s3://bucket/model", aliases="champion")
        tracking.register_model("by_handle", Handle())
    assert [(m.uri, m.path, m.aliases) for m in memory.only().of(Model)] == [
        ("s3://bucket/model", "", ("champion",)),
        ("s3://bucket/model", "", ()),
    ]


def test_what_the_runtime_records(memory, identity, tmp_path):
    with session(identity, "memory:", tmp_path) as tracked:
        tracked.record_inputs({"trees": 50})
        tracked.record_metrics("", {"accuracy": 0.9, "by": {"a": 1}})
        tracked.record_metrics("test", {"accuracy": 0.8, "label": "x"})
        tracked.record_reference("model", "s3://b/m", "abc", "Model")
        tracked.set_tag("intermodal.code", "123")
    attempt = memory.only()
    assert metrics(attempt) == [("accuracy", 0.9, 0), ("by.a", 1.0, 0), ("test.accuracy", 0.8, 0)]
    assert [(r.output, r.uri, r.sha256, r.kind) for r in attempt.of(Reference)] == [
        ("model", "s3://b/m", "abc", "Model")
    ]
    assert [t.name for t in attempt.of(Tag)] == ["intermodal.code"]
    assert [f.what for f in tracked.findings] == [
        "metric `test.label` was not recorded: its value is of type str, not a number"
    ]
    (duration,) = [m for m in attempt.of(Metric) if m.name == DURATION]
    assert duration.value >= 0


# Which task a record belongs to


def test_threads_of_one_task_need_nothing(memory, identity, tmp_path):
    with session(identity, "memory:", tmp_path), ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda i: tracking.log_metric("m", float(i), i), range(2000)))
    assert sorted(metrics(memory.only())) == [("m", float(i), i) for i in range(2000)]


def run_two_tasks(memory, identity, tmp_path, work):
    """Run `work(name)` in two tasks at once, both active while it runs; the attempts by task."""
    together = threading.Barrier(2)
    tracked = {}

    def run(name):
        mine = replace(identity, task=name)
        with session(mine, "memory:", tmp_path / name) as tracked[name]:
            together.wait()
            work(name)
            together.wait()

    threads = [threading.Thread(target=run, args=(name,)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {a.identity.task: a for a in memory.attempts.values()}, tracked


def test_two_tasks_in_threads_do_not_mix(memory, identity, tmp_path):
    def work(name):
        for number in range(500):
            tracking.log_metric(name, float(number))

    attempts, _ = run_two_tasks(memory, identity, tmp_path, work)
    for name, attempt in attempts.items():
        assert metrics(attempt) == [(name, float(n), n) for n in range(500)]


def test_a_thread_that_belongs_to_nobody_is_noted_not_guessed(memory, identity, tmp_path):
    def work(name):
        if name == "a":
            thread = threading.Thread(target=tracking.log_metric, args=("stray", 1.0))
            thread.start()
            thread.join()

    attempts, tracked = run_two_tasks(memory, identity, tmp_path, work)
    assert [metrics(attempt) for attempt in attempts.values()] == [[], []]
    assert {f.code for t in tracked.values() for f in t.findings} == {"PORT502"}


def test_carry_takes_the_task_into_a_thread(memory, identity, tmp_path):
    def work(name):
        thread = threading.Thread(target=tracking.carry(tracking.log_metric), args=(name, 1.0))
        thread.start()
        thread.join()

    attempts, tracked = run_two_tasks(memory, identity, tmp_path, work)
    assert {n: metrics(a) for n, a in attempts.items()} == {
        "a": [("a", 1.0, 0)],
        "b": [("b", 1.0, 0)],
    }
    assert [t.findings for t in tracked.values()] == [[], []]


def test_what_comes_after_the_end_is_dropped(memory, identity, tmp_path):
    with session(identity, "memory:", tmp_path):
        late = tracking.carry(tracking.log_metric)
    with session(replace(identity, task="next"), "memory:", tmp_path):
        late("late", 1.0)
    assert [metrics(attempt) for attempt in memory.attempts.values()] == [[], []]


def test_an_untracked_task_does_not_log_into_a_tracked_one(memory, identity, tmp_path):
    with session(identity, "memory:", tmp_path):
        with session(identity, "none", tmp_path):
            tracking.log_metric("inner", 1.0)
        tracking.log_metric("outer", 1.0)
    assert metrics(memory.only()) == [("outer", 1.0, 0)]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_signal_handler_may_log_while_a_record_is_written(tmp_path, monkeypatch):
    """As one that saves a checkpoint and says so; it runs in the midst of whatever the thread does."""
    log = EventLog(tmp_path / "spool" / "s.jsonl")
    write, handled = os.write, []

    def interrupted(descriptor, data):
        if not handled:
            handled.append(True)
            log.metric("preempted", 1.0)
        return write(descriptor, data)

    monkeypatch.setattr(os, "write", interrupted)
    thread = threading.Thread(target=log.metric, args=("m", 1.0), daemon=True)
    thread.start()
    thread.join(10)
    assert not thread.is_alive()
    names = [json.loads(line)["name"] for line in log.path.read_text().splitlines()]
    assert names == ["preempted", "m"]
    log.close()


def test_a_forked_child_logs_and_does_not_end_the_task(memory, identity, tmp_path):
    try:
        with session(identity, "memory:", tmp_path):
            child = os.fork()
            if not child:
                tracking.log_metric("child", 1.0)
                sys.exit(0)  # leaves the block in the child
            os.waitpid(child, 0)
            tracking.log_metric("parent", 1.0)
            assert len(list(tmp_path.rglob("*.jsonl"))) == 1
    except SystemExit:
        os._exit(0)
    assert sorted(metrics(memory.only())) == [("child", 1.0, 0), ("parent", 1.0, 0)]


def test_importing_is_light():
    code = (
        "import sys; from intermodal import tracking; tracking.log_metric('m', 1.0); "
        "heavy = {'mlflow', 'pydantic', 'urllib', 'inspect', 'fsspec', 'importlib.metadata'};"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    root = Path(tracking.__file__).parents[2]
    subprocess.run([sys.executable, "-S", "-c", code], check=True, env={"PYTHONPATH": str(root)})


def test_a_tracked_task_imports_no_tracker_before_its_end(tmp_path):
    code = (
        "import os, sys; from pathlib import Path; from intermodal import tracking\n"
        "from intermodal.tracking.session import session\n"
        "from intermodal.tracking.tracker import TaskIdentity\n"
        "with session(TaskIdentity('p', 'r', 't'), 'sqlite:///x.db', Path(sys.argv[1])):\n"
        "    tracking.log_metric('m', 1.0)\n"
        "    assert not {'mlflow', 'pydantic', 'sqlalchemy'} & set(sys.modules)\n"
        "    os._exit(0)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
