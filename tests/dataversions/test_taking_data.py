"""Tasks that take data: as what, and what is recorded of it."""

import json
from pathlib import Path

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from intermodal import Metrics, runtime
from intermodal.artifacts import ArtifactStore
from intermodal.dataversions.digests import digest_of
from intermodal.dataversions.marker import MARK, Wanted, is_data, marker_of
from intermodal.dataversions.reading import load_data
from intermodal.findings import FindingsError
from intermodal.runtime import stored
from intermodal.runtime.problems import InfrastructureError, WrongValue

FRAME = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})
WRITTEN = {
    "rows.csv": lambda path: FRAME.to_csv(path, index=False),
    "rows.tsv": lambda path: FRAME.to_csv(path, index=False, sep="\t"),
    "rows.csv.gz": lambda path: FRAME.to_csv(path, index=False),
    "rows.parquet": FRAME.to_parquet,
    "rows.pq": FRAME.to_parquet,
    "rows.PARQUET": FRAME.to_parquet,
    "rows.json": lambda path: FRAME.to_json(path, orient="records"),
    "rows.jsonl": lambda path: FRAME.to_json(path, orient="records", lines=True),
    "rows.feather": FRAME.to_feather,
}


@pytest.fixture
def store(tmp_path, monkeypatch):
    stored.open_store.cache_clear()
    monkeypatch.setenv("INTERMODAL_STORE", str(tmp_path / "store"))
    monkeypatch.delenv("INTERMODAL_TRACKING", raising=False)
    return ArtifactStore(tmp_path / "store")


@pytest.mark.parametrize("name", WRITTEN)
def test_tables_of_pandas(tmp_path, name):
    WRITTEN[name](tmp_path / name)
    value, is_json = load_data(tmp_path / name, pd.DataFrame, "it")
    pd.testing.assert_frame_equal(value, FRAME, check_dtype=False)
    assert not is_json


@pytest.mark.parametrize("name", sorted(set(WRITTEN) - {"rows.csv.gz"}))
def test_tables_of_polars(tmp_path, name):
    WRITTEN[name](tmp_path / name)
    assert load_data(tmp_path / name, pl.DataFrame, "it")[0]["a"].to_list() == [1, 2]


@pytest.mark.parametrize("name", ["rows.csv", "rows.parquet"])
def test_tables_of_arrow(tmp_path, name):
    WRITTEN[name](tmp_path / name)
    assert load_data(tmp_path / name, pa.Table, "it")[0]["a"].to_pylist() == [1, 2]


def test_other_values(tmp_path):
    path = tmp_path / "m.json"
    path.write_text('{"a": 1}')
    assert load_data(path, Metrics, "it") == (Metrics(a=1), False)
    assert load_data(path, dict[str, int], "it") == ({"a": 1}, True)
    assert load_data(path, bytes, "it") == (b'{"a": 1}', False)
    assert load_data(path, Path | None, "it") == (path, False)
    assert load_data(path, None, "it") == (path, False)
    assert load_data(path, str, "it") == (str(path), False)
    lines = tmp_path / "m.jsonl"
    lines.write_text('{"a": 1}\n{"a": 2}\n')
    assert load_data(lines, list[dict[str, int]], "it") == ([{"a": 1}, {"a": 2}], True)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("a.json", dict),
        ("a.csv", list),
        ("a.parquet", pd.DataFrame),
        ("a.xyz", pd.DataFrame),
        ("a.csv", int | list),
    ],
)
def test_what_cannot_be_read(tmp_path, name, hint):
    (tmp_path / name).write_text("{")
    with pytest.raises(FindingsError) as caught:
        load_data(tmp_path / name, hint, "input `rows` of `load`")
    [finding] = caught.value.findings
    assert finding.code == "PORT557"
    assert "`rows` of `load`" in finding.what


def test_markers_are_not_mistaken_for_values():
    marker = marker_of(Wanted("a", "", "", ""))
    assert is_data(json.loads(json.dumps(marker)))
    for other in (
        {},
        {MARK: {}},
        {MARK: "a"},
        {**marker, "b": 1},
        {MARK: {**marker[MARK], "x": 1}},
    ):
        assert not is_data(other)
    assert not is_data({MARK: {**marker[MARK], "uri": 1}})


# in a task


def double(rows: pd.DataFrame, more: list[Path]) -> pd.DataFrame:
    return pd.concat([rows, *(pd.read_csv(path) for path in more)])


def pinned(folder, name, algorithm="sha256", **fields):
    if not (folder / name).exists():
        FRAME.to_csv(folder / name, index=False)
    return marker_of(Wanted(name, digest=digest_of(folder / name, algorithm), **fields))


def context(**fields):
    return runtime.Context(pipeline="p", run_id="r", task="double", **fields)


def run(inputs, function=double, cache=None, attempt=1):
    tag = {"return": "Dataset"}
    return runtime.run(
        function, context=context(attempt=attempt), inputs=inputs, outputs=tag, cache=cache
    )


def test_lineage_names_the_version_and_the_hash_of_the_content(folder, store):
    rows, more = pinned(folder, "rows.csv"), pinned(folder, "more.csv", "md5")
    run({"rows": rows, "more": [more]})
    [record] = store.records()
    sha = digest_of(folder / "rows.csv", "sha256").partition(":")[2]
    md5 = digest_of(folder / "more.csv", "md5")
    assert [(i.name, i.uri, i.sha256) for i in record.inputs] == [
        ("rows", "rows.csv", sha),
        ("more", f"more.csv#{md5}", sha),
    ]
    assert record.parameters == {"rows": "rows.csv", "more": [f"more.csv#{md5}"]}


def test_the_tracker_is_told(folder, store, tmp_path, monkeypatch):
    address = f"jsonl:{tmp_path}/tracked"
    monkeypatch.setenv("INTERMODAL_TRACKING", address)
    monkeypatch.setenv("INTERMODAL_WORK", str(tmp_path / "work"))
    run({"rows": pinned(folder, "rows.csv"), "more": []})
    [log] = (tmp_path / "tracked").rglob("1-*.jsonl")
    told = [json.loads(line) for line in log.read_text().splitlines()]
    sha = digest_of(folder / "rows.csv", "sha256").partition(":")[2]
    assert any(line.get("sha256") == sha and line.get("uri") == "rows.csv" for line in told)
    assert '"rows.csv"' in json.dumps([line for line in told if line["type"] == "param"])
    assert MARK not in log.read_text()


def test_a_mismatch_is_the_users_and_names_both_hashes(folder, store):
    rows = pinned(folder, "rows.csv")
    (folder / "rows.csv").write_text("changed")
    with pytest.raises(WrongValue) as caught:
        run({"rows": rows, "more": []})
    assert "PORT555" in str(caught.value)
    assert rows[MARK]["digest"] in str(caught.value)
    assert digest_of(folder / "rows.csv", "sha256") in str(caught.value)


def test_what_cannot_be_had_is_trouble_of_the_surroundings(folder, store):
    rows = pinned(folder, "rows.csv")
    (folder / "rows.csv").unlink()
    with pytest.raises(InfrastructureError, match="PORT556"):
        run({"rows": rows, "more": []})


def test_a_marker_that_nobody_checked_is_checked(store):
    with pytest.raises(InfrastructureError, match="PORT550"):
        run({"rows": marker_of(Wanted("s3://bucket/rows.csv")), "more": []})
    with pytest.raises(InfrastructureError, match="PORT552") as caught:
        run({"rows": marker_of(Wanted("s3://k:hunter2@bucket/rows.csv", "1")), "more": []})
    assert "hunter2" not in str(caught.value)


def test_the_cache_goes_by_content(folder, store):
    calls = []

    def count(rows: pd.DataFrame) -> pd.DataFrame:
        calls.append(len(rows))
        return rows

    policy = {"key": None, "ttl": None, "code": "c"}
    (folder / "sub").mkdir()
    first = pinned(folder, "rows.csv")
    elsewhere = pinned(folder, "sub/rows.csv")
    for number, marker in enumerate([first, first, elsewhere], 1):
        run({"rows": marker}, count, policy, number)
    assert calls == [2]
    (folder / "rows.csv").write_text("a,b\n1,2\n")
    run({"rows": pinned(folder, "rows.csv")}, count, policy, 4)
    assert calls == [2, 1]
