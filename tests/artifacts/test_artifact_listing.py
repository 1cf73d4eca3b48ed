"""What `port artifacts` tells."""

from __future__ import annotations

import pytest

from artifacts.sample_keys import make_key
from intermodal.artifacts import LineageInput
from intermodal.artifacts.listing import find, versions
from intermodal.findings import FindingsError


def save(store, value, output="result", inputs=(), **place):
    made_from = tuple(LineageInput(name=n, uri=r.uri, sha256=r.sha256) for n, r in inputs)
    return store.save(value, make_key(output, **place), inputs=made_from)[0]


@pytest.fixture
def history(store):
    for run, value in [("r1", "a"), ("r2", "b"), ("r3", "a")]:
        save(store, value, run=run)
    save(store, b"", "other", run="r2")
    return store


def test_versions_are_counted_over_runs(history):
    rows, findings = versions(history)
    assert [(row.run, row.output, row.version, row.same_as) for row in rows] == [
        ("r1", "result", 1, None),
        ("r2", "result", 2, None),
        ("r3", "result", 3, 1),
        ("r2", "other", 1, None),
    ]
    assert findings == []
    assert rows[0].size == 1


def test_a_filter_does_not_change_the_numbers(history):
    rows, _ = versions(history, run="r2")
    assert [(row.output, row.version) for row in rows] == [("result", 2), ("other", 1)]
    assert [row.version for row in versions(history, output="result", run="r3")[0]] == [3]
    assert versions(history, kind="Model") == ([], [])
    assert versions(history, pipeline="nothing") == ([], [])


def test_loop_instances_have_versions_of_their_own(store):
    for index in (0,), (1,):
        save(store, index[0], index=index)
    assert [(row.index, row.version) for row in versions(store)[0]] == [((0,), 1), ((1,), 1)]


def test_an_artifact_is_found_in_any_way_a_user_would_ask(history):
    rows, _ = versions(history)
    first, second, third, other = rows
    asked = {
        first.uri: first,
        make_key(run="r1").path: first,
        "diagnosis/train/result": third,
        "diagnosis/train/result@2": second,
        other.sha256: other,
        second.sha256[:12]: second,
        first.sha256: third,
    }
    for wanted, row in asked.items():
        assert find(history, wanted).ref.uri == row.uri


@pytest.mark.parametrize(
    "wanted",
    [
        "",
        "x",
        "a/b",
        "//",
        "diagnosis/train/result@4",
        "diagnosis/train/result@x",
        "f" * 64,
        "diagnosis/train/none",
        "diagnosis/train/@1",
        "a/b/c/d",
        "file:///x",
        "../../../../../x/y",
    ],
)
def test_what_is_not_found_is_a_finding(history, wanted):
    with pytest.raises(FindingsError) as caught:
        find(history, wanted)
    assert {finding.code for finding in caught.value.findings} <= {"PORT400", "PORT406"}


def test_a_task_in_a_loop_is_named_with_its_index(store):
    refs = [save(store, number, index=(number, 2)) for number in range(3)]
    assert find(store, "diagnosis/train[1,2]/result").ref.uri == refs[1].uri
    with pytest.raises(FindingsError):
        find(store, "diagnosis/train/result")


def test_numbers_count_versions_that_were_pruned(history):
    _, second, third, _ = versions(history)[0]
    history.prune(history.record(second.uri))
    rows, _ = versions(history, output="result")
    assert [(row.run, row.version) for row in rows] == [("r1", 1), ("r3", 3)]
    rows, _ = versions(history, output="result", pruned=True)
    assert [row.pruned_at is None for row in rows] == [True, False, True]
    assert find(history, "diagnosis/train/result").ref.uri == third.uri
    for wanted in ("diagnosis/train/result@2", second.uri, second.sha256):
        with pytest.raises(FindingsError) as caught:
            find(history, wanted)
        assert [finding.code for finding in caught.value.findings] == ["PORT540"]
