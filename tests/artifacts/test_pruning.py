"""Retention: what goes, what keeps it, and that nothing is left half."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from artifacts.sample_keys import make_key
from intermodal.artifacts import LineageInput
from intermodal.artifacts.lineage import Lineage
from intermodal.artifacts.pruning import Policy, Registered, Use, carry_out, plan
from intermodal.artifacts.storage import MARKER, TOMBSTONE
from intermodal.findings import FindingsError

BEGUN = datetime(2026, 1, 1, tzinfo=UTC)
LATER = BEGUN + timedelta(days=30)
NOTHING_KNOWN = Use()


def save(store, value, output="return", inputs=(), kind="Artifact", **place):
    made_from = tuple(LineageInput(name=n, uri=r.uri, sha256=r.sha256) for n, r in inputs)
    return store.save(value, make_key(output, **place), inputs=made_from, kind=kind)[0]


@pytest.fixture
def runs(store):
    """Five runs of load -> train, without anything between the runs."""
    refs = {}
    for number in range(1, 6):
        run = f"r{number}"
        refs[run, "load"] = save(store, f"rows {number}", task="load", run=run, kind="Dataset")
        rows = [("rows", refs[run, "load"])]
        refs[run, "train"] = save(store, f"model {number}", run=run, inputs=rows, kind="Model")
    return refs


def removed(planned):
    return [(record.key.run, record.key.task) for record in planned.removed]


def planned(store, use=NOTHING_KNOWN, now=LATER, **policy):
    return plan(store, Policy(**policy), use, now)


def test_the_newest_versions_of_each_output_stay(store, runs):
    found = planned(store, keep_last=2)
    assert removed(found) == [
        (run, task) for run in ("r1", "r2", "r3") for task in ("load", "train")
    ]
    assert found.total == 10
    assert found.size == sum(len(f"rows {n}model {n}") for n in (1, 2, 3))
    assert len(store.records()) == 10


def test_age_pipeline_run_and_kind_narrow_it(store, runs):
    now = BEGUN + timedelta(days=2, seconds=4)
    age = timedelta(days=2)
    assert removed(planned(store, now=now, keep_last=1, older_than=age)) == [
        ("r1", "load"),
        ("r1", "train"),
        ("r2", "load"),
        ("r2", "train"),
    ]
    assert removed(planned(store, keep_last=0, run="r5")) == [("r5", "load"), ("r5", "train")]
    assert removed(planned(store, keep_last=0, kind="Model", run="r5")) == [("r5", "train")]
    assert removed(planned(store, keep_last=0, pipeline="other")) == []


def test_inputs_of_what_stays_are_kept(store, runs):
    found = planned(store, keep_last=0, kind="Dataset")
    assert removed(found) == []
    assert found.kept[runs["r1", "load"].uri] == ("input of what stays", "diagnosis/train/return@1")
    found = planned(store, keep_last=0, kind="Dataset", keep_inputs="none")
    assert len(found.removed) == 5


def test_inputs_of_inputs_are_kept_if_asked_for(store):
    chain = [save(store, "0", task="t0", run="r0")]
    for number in range(1, 5):
        chain.append(
            save(store, str(number), task="t0", run=f"r{number}", inputs=[("x", chain[-1])])
        )
    assert [run for run, _ in removed(planned(store))] == ["r0", "r1", "r2"]
    assert removed(planned(store, keep_inputs="all")) == []
    carry_out(store, planned(store))
    assert removed(planned(store)) == []


def test_artifacts_inside_of_large_values_are_inputs(store):
    part = save(store, "part", "list[0]", run="r1")
    save(store, "newer part", "list[0]", run="r2")
    save(store, [part.to_json(), {"deep": {"er": [1, None]}}], "list", run="r1", kind="Value")
    found = planned(store)
    assert removed(found) == []
    assert part.uri in found.kept


def test_runs_that_have_not_ended_keep_their_versions(store, runs):
    soon = BEGUN + timedelta(hours=1)
    assert removed(planned(store, now=soon)) == []
    ended = Use(ended_runs=frozenset({("diagnosis", "r1")}))
    assert {run for run, _ in removed(planned(store, ended, soon))} == {"r1"}
    running = Use(open_runs=frozenset({("diagnosis", "r1")}))
    two_days = BEGUN + timedelta(days=2)
    found = planned(store, running, two_days)
    assert {run for run, _ in removed(found)} == {"r2", "r3", "r4"}
    assert found.kept[runs["r1", "train"].uri] == ("in a run that has not ended", "r1")
    assert ("r1", "train") in removed(planned(store, running, LATER))


def test_registered_models_stay_and_so_does_what_they_were_made_from(store, runs):
    model = runs["r2", "train"]
    for known in (
        Registered("m version 1", model.uri),
        Registered("m version 1", "s3://elsewhere/model", model.sha256),
        Registered("m version 1", model.uri.replace(store.root, "s3://before/it/moved")),
    ):
        found = planned(store, Use(models=[known]))
        assert ("r2", "load") not in removed(found)
        assert found.kept[model.uri] == ("registered as a model", "m version 1")
        assert found.findings == ()


def test_a_registered_model_that_is_gone_is_told(store, runs):
    model = runs["r1", "train"]
    store.prune(store.record(model.uri))
    known = [
        Registered("m version 1", model.uri),
        Registered("m version 2", f"{store.root}/a/b/c/-/1/o/content"),
        Registered("m version 3", "s3://elsewhere/x"),
    ]
    found = planned(store, Use(models=known))
    assert [(f.code, f.what.partition(" refers")[0]) for f in found.findings] == [
        ("PORT542", "m version 1"),
        ("PORT542", "m version 2"),
    ]


def test_cache_entries_go_first_or_keep_what_they_refer_to(store, runs):
    old, new = runs["r1", "train"], runs["r5", "train"]
    store.put_json(".cache/old.json", {"outputs": {"return": old.to_json()}})
    store.put_json(".cache/new.json", {"outputs": {"return": new.to_json()}})
    store.put_json(".cache/odd.json", ["not", "ours"])
    found = planned(store, keep_cached=True)
    assert found.cache == ()
    assert found.kept[old.uri] == ("in the cache", "")
    found = planned(store)
    assert found.cache == ("old.json",)
    carry_out(store, found)
    assert store.names(".cache") == ["new.json", "odd.json"]
    assert old.uri not in {record.ref.uri for record in store.records()}


def test_what_was_removed_leaves_a_record_and_no_content(store, runs):
    gone = runs["r1", "load"]
    carry_out(store, planned(store))
    assert [record.key.run for record in store.records()] == ["r5", "r5"]
    with pytest.raises(FindingsError) as caught:
        store.load(gone)
    assert [finding.code for finding in caught.value.findings] == ["PORT540"]
    assert store.names(store.scan(pruned=True)[0][0].key.path) == [TOMBSTONE]
    lineage = Lineage(store.scan(pruned=True)[0])
    assert [step.node.name for step in lineage.walk(runs["r1", "train"].uri, "up")] == [
        "diagnosis/train/return@1",
        "diagnosis/load/return@1",
    ]
    assert removed(planned(store)) == []


def test_a_pruned_key_can_be_written_again(store, runs):
    gone = runs["r1", "load"]
    store.prune(store.record(gone.uri))
    again = save(store, "rows 1", task="load", run="r1", kind="Dataset")
    assert again == gone
    assert store.load(again) == "rows 1"
    assert [record.pruned_at for record in store.scan(pruned=True)[0]] == [None] * 10
    assert plan(store, Policy(keep_last=9), Use(), LATER).unswept == ()


@pytest.mark.parametrize("step", range(4))
def test_a_fault_at_any_step_leaves_whole_versions_and_is_made_good(store, runs, monkeypatch, step):
    """After each step: what is listed can be loaded; doing it again removes the rest."""
    storage = store._storage
    steps = iter(range(100))

    def failing(method):
        def call(*arguments):
            if next(steps) == step:
                raise OSError("the disk is gone")
            return method(*arguments)

        return call

    wanted = planned(store)
    with monkeypatch.context() as patch:
        for name in ("replace", "delete"):
            patch.setattr(storage, name, failing(getattr(storage, name)))
        with pytest.raises(OSError, match="the disk is gone"):
            carry_out(store, wanted)
    for record in store.records():
        store.load(record.ref)
    assert len(store.scan(pruned=True)[0]) == 10
    assert store.scan(pruned=True)[1] == []
    carry_out(store, planned(store))
    assert len(store.records()) == 2
    places = [record.key.path for record in store.scan(pruned=True)[0] if record.pruned_at]
    assert [store.names(place) for place in places] == [[TOMBSTONE]] * 8


def test_the_marker_goes_before_the_content(store, runs, monkeypatch):
    deleted = []
    monkeypatch.setattr(
        store._storage,
        "delete",
        lambda path, real=store._storage.delete: (deleted.append(path), real(path)),
    )
    store.prune(store.record(runs["r1", "load"].uri))
    assert deleted[0].endswith(MARKER)
    assert "content" in deleted[1]
