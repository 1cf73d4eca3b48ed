"""Several trackers at one address: each gets everything, and none stops another."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import pytest
from tests.tracking.conftest import MemoryTracker

from intermodal import tracking
from intermodal.findings import FindingsError, warning
from intermodal.tracking import spool, tracker
from intermodal.tracking.records import Metric
from intermodal.tracking.registry import registry_of
from intermodal.tracking.session import DURATION, close_run, open_run, session
from intermodal.tracking.tracker import (
    NoTracker,
    Pages,
    TrackerError,
    addresses_of,
    is_off,
    resolve,
    unusable_address,
)

BOTH = "one://u:secret@host/a two:b"


@pytest.fixture
def two(monkeypatch):
    """Two kinds of memory, `one:` and `two:`."""

    def kind(name: str) -> type[MemoryTracker]:
        class Kind(MemoryTracker):
            schemes: ClassVar[tuple[str, ...]] = (name,)
            attempts: ClassVar[dict] = {}
            runs: ClassVar[dict] = {}
            fail: ClassVar[Exception | None] = None
            answers: ClassVar[list] = []
            page: ClassVar[str] = ""

            def pages(self, identity):
                return Pages(run=self.page and f"{self.page}/run", task=self.page)

        return Kind

    kinds = kind("one"), kind("two")

    @dataclasses.dataclass
    class Entry:
        cls: type
        name: str = "x"

        def load(self):
            return self.cls

    monkeypatch.setattr(tracker, "_installed", lambda: [Entry(cls) for cls in kinds])
    return kinds


def values(kind):
    return [m.value for m in kind.only().of(Metric) if m.name != DURATION]


def kept(folder):
    return sorted(folder.rglob("spool/*.jsonl"))


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("", []),
        (" none ", []),
        ("none NONE", []),
        ("jsonl:a", ["jsonl:a"]),
        ("http://m:5000 openlineage+file:/e", ["http://m:5000", "openlineage+file:/e"]),
        ("  one:a\n\ttwo:b  one:a ", ["one:a", "two:b"]),
        ("none one:a", ["one:a"]),
        ("one:a none two:b", ["one:a", "two:b"]),
        ("sqlite:////tmp/a folder/mlflow.db", ["sqlite:////tmp/a folder/mlflow.db"]),
        ("sqlite:////a b/m.db jsonl:my runs", ["sqlite:////a b/m.db", "jsonl:my runs"]),
        ("jsonl:C:\\x", ["jsonl:C:\\x"]),
    ],
)
def test_addresses_are_told_apart_at_spaces_before_a_scheme(text, addresses):
    assert addresses_of(text) == addresses
    assert is_off(text) == (not addresses)
    if not addresses:
        assert isinstance(resolve(text), NoTracker)


def test_each_gets_everything(two, identity, tmp_path):
    assert open_run(identity, BOTH) == []
    with session(identity, BOTH, tmp_path) as tracked:
        tracking.log_metric("m", 1.0)
    assert close_run(identity, "finished", BOTH, tmp_path) == []
    assert tracked.findings == []
    assert [values(kind) for kind in two] == [[1.0], [1.0]]
    assert [list(kind.runs.values()) for kind in two] == [["finished"], ["finished"]]
    assert kept(tmp_path) == []


@pytest.mark.parametrize(
    "problem",
    [
        TrackerError("no connection to u:secret@host"),
        unusable_address("x", "its package is missing"),
        RuntimeError("an error of its own"),
    ],
)
@pytest.mark.parametrize("which", [0, 1])
def test_one_that_is_away_stops_no_other(problem, which, two, identity, tmp_path):
    away, there = two[which], two[1 - which]
    away.fail = problem
    with session(identity, BOTH, tmp_path) as tracked:
        tracking.log_metric("m", 1.0)
    assert values(there) == [1.0]
    assert there.only().status.state == "finished"
    assert [f.code for f in tracked.findings if f.code == "PORT500"] == ["PORT500"]
    assert "secret" not in repr(tracked.findings)
    assert len(kept(tmp_path)) == 1

    away.fail = None
    assert spool.sync(tmp_path, BOTH) == []
    assert [values(kind) for kind in two] == [[1.0], [1.0]]
    assert away.only().status.state == "finished"
    assert kept(tmp_path) == []


def test_all_away_is_one_that_is_away(two, identity, tmp_path):
    for kind in two:
        kind.fail = TrackerError("gone")
    with session(identity, BOTH, tmp_path) as tracked:
        tracking.log_metric("m", 1.0)
    (finding,) = [f for f in tracked.findings if f.code == "PORT500"]
    assert finding.why.count("gone") == 2
    assert "secret" not in repr(finding)
    assert "PORT500" in [f.code for f in spool.sync(tmp_path, BOTH)]
    assert len(kept(tmp_path)) == 1


def test_one_that_fails_at_the_end_stops_no_other(two, identity, tmp_path, monkeypatch):
    def fail(*_):
        raise TrackerError("gone")

    monkeypatch.setattr(two[0], "end", fail)
    with session(identity, BOTH, tmp_path) as tracked:
        pass
    assert "PORT500" in [f.code for f in tracked.findings]
    assert two[1].only().status.state == "finished"
    assert len(kept(tmp_path)) == 1


def test_the_end_of_a_run_reaches_those_that_are_there(two, identity, tmp_path):
    two[0].fail = TrackerError("gone")
    assert "PORT500" in [f.code for f in open_run(identity, BOTH)]
    assert "PORT500" in [f.code for f in close_run(identity, "failed", BOTH, tmp_path)]
    assert list(two[1].runs.values()) == ["failed"]
    two[0].fail = None
    assert spool.sync(tmp_path, BOTH) == []
    assert list(two[0].runs.values()) == ["failed"]


def test_what_each_has_to_say_is_heard(two, identity, tmp_path):
    two[0].answers.append(warning("PORT504", "a"))
    two[1].answers.append(warning("PORT530", "b"))
    with session(identity, BOTH, tmp_path) as tracked:
        pass
    assert [f.code for f in tracked.findings] == ["PORT504", "PORT530"]


def test_parts_are_for_all_or_for_none(two):
    assert not resolve(BOTH).live
    two[0].live = True
    assert not resolve(BOTH).live
    two[1].live = True
    assert resolve(BOTH).live


def test_the_first_page_is_shown(two, identity, tmp_path):
    two[1].page = "http://pages"
    with session(identity, BOTH, tmp_path) as tracked:
        pass
    assert (tracked.url, tracked.run_url) == ("http://pages", "http://pages/run")


def test_one_that_nobody_knows_is_named(two):
    with pytest.raises(FindingsError) as raised:
        resolve("one:a three://u:secret@b")
    (finding,) = raised.value.findings
    assert finding.code == "PORT503"
    assert "three://***@b" in finding.what
    assert "secret" not in repr(finding)


def test_reading_and_registry_are_those_of_the_first_that_has_them(declared, identity, tmp_path):
    pytest.importorskip("openlineage.client")
    found = resolve(f"openlineage+file:{tmp_path}/e jsonl:{tmp_path}/j")
    found.open_run(identity.of_run, 1)
    assert [run.run_id for run in found.find_runs(identity.run_id)] == [identity.run_id]
    assert registry_of(found) is found.trackers[1]
