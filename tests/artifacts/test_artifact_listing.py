"""What `port artifacts` tells."""

from __future__ import annotations

import pytest

from artifacts.sample_keys import make_key
from intermodal.artifacts import LineageInput
from intermodal.artifacts.listing import find, lineage, versions
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


def test_lineage_is_a_tree_with_each_part_shown_once(store):
    raw = save(store, "raw", task="load")
    left = save(store, "left", task="left", inputs=[("rows", raw)])
    right = save(store, "right", task="right", inputs=[("rows", raw)])
    model = save(store, "model", inputs=[("a", left), ("b", right)])
    rows = lineage(store, store.record(model.uri))
    assert [(row.depth, row.name, row.record.key.task, row.repeated) for row in rows] == [
        (0, "", "train", False),
        (1, "a", "left", False),
        (2, "rows", "load", False),
        (1, "b", "right", False),
        (2, "rows", "load", True),
    ]


def test_lineage_ends_at_what_the_store_does_not_have(store):
    gone = LineageInput(name="x", uri="s3://elsewhere/p/r/t/-/1/o/content", sha256="0" * 64)
    ref, _ = store.save(1, make_key(), inputs=(gone,))
    changed = LineageInput(name="y", uri=ref.uri, sha256="1" * 64)
    top, _ = store.save(2, make_key("top"), inputs=(gone, changed))
    rows = lineage(store, store.record(top.uri))
    assert [(row.name, row.record is None) for row in rows] == [
        ("", False),
        ("x", True),
        ("y", True),
    ]


def test_a_long_chain_is_no_problem(local):
    ref = save(local, 0, "o0")
    for number in range(1, 150):
        ref = save(local, number, f"o{number}", inputs=[("before", ref)])
    rows = lineage(local, local.record(ref.uri))
    assert [row.depth for row in rows] == list(range(150))
