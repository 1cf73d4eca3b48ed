"""`port artifacts prune`: a dry run first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from intermodal.artifacts import ArtifactKey, ArtifactStore


@pytest.fixture
def stored(project):
    """Three old versions of one output."""
    (project / "intermodal.toml").write_text('store = "kept"\n')
    days = count()
    clock = lambda: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=next(days))  # noqa: E731
    store = ArtifactStore(project / "kept", clock=clock)
    for number in range(3):
        key = ArtifactKey(pipeline="etl", run=f"r{number}", task="fetch", output="return")
        store.save("x" * 1000, key)
    return store


def test_without_yes_nothing_changes(call, stored):
    done = call("artifacts", "prune", "--keep-last", "2")
    assert done.code == 0
    assert done.out.splitlines() == [
        "would remove 1 of 3 versions, 1000 B",
        "  etl/fetch/return  Artifact  1000 B  2026-01-01 00:00  r0",
        "nothing was changed; do it with --yes",
    ]
    assert len(stored.records()) == 3


def test_with_yes_they_go_and_numbers_stay(call, stored):
    done = call("artifacts", "prune", "--keep-last", "1", "--yes")
    assert done.out.splitlines()[0] == "removed 2 of 3 versions, 2.0 KiB"
    assert "etl/fetch/return@3" in call("artifacts").out
    assert "@1" not in call("artifacts").out.replace("as @1", "")
    assert "etl/fetch/return@1 (pruned)" in call("artifacts", "list", "--pruned").out
    assert "error[PORT540]" in call("artifacts", "get", "etl/fetch/return@1").err
    assert "(pruned 20" in call("lineage", "etl/fetch/return@1").out
    assert call("artifacts", "prune", "--keep-last", "1").out == "nothing to remove of 1 version\n"


def test_json(call, stored):
    data = call("artifacts", "prune", "--run", "r1", "--json").json
    assert (data["done"], data["versions"], data["bytes"]) == (False, 3, 1000)
    assert [one["run"] for one in data["removed"]] == ["r1"]


@pytest.mark.parametrize(
    "arguments", [[], ["--pipeline", "etl"], ["--older-than", "a while"], ["--older-than", "30"]]
)
def test_wrong_usage(call, stored, arguments):
    done = call("artifacts", "prune", *arguments)
    assert done.code == 2
    assert len(stored.records()) == 3


@pytest.mark.parametrize(
    ("option", "code"), [("--run", "PORT541"), ("--pipeline", "PORT400"), ("--kind", "PORT400")]
)
def test_a_name_that_nothing_has_is_told(call, stored, option, code):
    done = call("artifacts", "prune", "--keep-last", "0", option, "nope")
    assert f"warning[{code}]: the store has no artifact of {option[2:]} `nope`" in done.err
    assert done.out == "nothing to remove of 3 versions\n"


def test_a_tracker_that_is_away_stops_it(call, stored):
    asked = ["artifacts", "prune", "--keep-last", "1", "--yes", "--tracking", "http://127.0.0.1:9"]
    done = call(*asked)
    assert done.code == 3
    assert "error[PORT544]" in done.err
    assert len(stored.records()) == 3
    assert call(*asked, "--without-tracker").code == 0
    assert len(stored.records()) == 1


def test_who_was_asked_what_is_in_use_is_told(call, stored, project):
    tracker = f"jsonl:{project}/runs"
    asked = call("artifacts", "prune", "--keep-last", "1", "--tracking", tracker)
    assert asked.out.splitlines()[-1] == f"what is in use was asked of {tracker}"
    nobody = call(
        "artifacts", "prune", "--keep-last", "1", "--tracking", tracker, "--without-tracker"
    )
    assert "was asked of" not in nobody.out


def test_what_keeps_versions_is_told(call, stored, project):
    new = ArtifactStore(project / "kept")
    new.save("y", ArtifactKey(pipeline="etl", run="r2", task="late", output="return"))
    new.save("z", ArtifactKey(pipeline="etl", run="r2", task="late", attempt=2, output="return"))
    lines = call("artifacts", "prune", "--keep-last", "0").out.splitlines()
    assert lines[-3:-1] == [
        "kept, though the rules would let them go: 3",
        "  3  in a run that has not ended: r2",
    ]
