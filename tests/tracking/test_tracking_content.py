"""What is recorded of tables, figures, mappings, data and models, and what is only noted."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

from intermodal import tracking
from intermodal.tracking import figures, surroundings
from intermodal.tracking.datasets import without_credentials
from intermodal.tracking.mlflow_entries import made_by, model_name
from intermodal.tracking.records import (
    Artifact,
    Dataset,
    Environment,
    LoggedModel,
    Note,
    Text,
    from_json,
    to_line,
)
from intermodal.tracking.session import session
from intermodal.tracking.tables import Table, table_of


class Awkward:
    def __str__(self):
        raise RuntimeError("no text")

    __repr__ = __str__


class Figure:
    """Draws its own name, as Matplotlib's do: by `savefig`."""

    def savefig(self, path):
        Path(path).write_text("drawn")


class Axes:
    figure = Figure()


class Page:
    """As Plotly's figures."""

    def write_html(self, path, **_options):
        Path(path).write_text("page")

    def write_image(self, path):
        Path(path).write_text("image")


class Broken:
    def savefig(self, path):
        raise RuntimeError("no backend")


@pytest.fixture
def logged(memory, identity, tmp_path, monkeypatch):
    """Run a block in a session; its records of these kinds, payload still there."""
    monkeypatch.setattr("intermodal.tracking.spool.discard", lambda *_given: None)

    def run(block, *kinds):
        with session(identity, "memory:", tmp_path / "run"):
            block()
        return [record for record in memory.only().records if isinstance(record, kinds)]

    return run


def test_mappings_are_written_as_json_or_yaml(logged):
    value = {"a": [1, float("inf")], "when": datetime(2026, 1, 1, tzinfo=UTC), "who": Awkward()}

    def block():
        tracking.log_dict(value, "a.json")
        tracking.log_dict({"b": "☃"}, "deep/b.yml")
        tracking.log_dict([1, 2], "c.txt")

    one, two, three = logged(block, Text, Note)
    assert json.loads(one.text) == {
        "a": [1, None],
        "when": "2026-01-01T00:00:00+00:00",
        "who": "[its Awkward value has no text form]",
    }
    assert (two.name, two.text) == ("deep/b.yml", "b: ☃\n")
    assert json.loads(three.text) == [1, 2]


@pytest.mark.parametrize(
    "name", ["", "../up.json", "/abs.json", "a\\b.json", "a\x00.json", None, 7]
)
def test_names_that_leave_the_run_are_noted(name, logged):
    def block():
        tracking.log_dict({}, name)
        tracking.log_table({"a": [1]}, name)
        tracking.log_figure(Figure(), name)

    assert {type(r) for r in logged(block, Text, Artifact, Note)} == {Note}


@pytest.mark.parametrize(
    "given",
    [
        pd.DataFrame({"a": [1.5, float("nan")], "b": ["x", None]}),
        pl.DataFrame({"a": [1.5, None], "b": ["x", None]}),
        pl.DataFrame({"a": [1.5, float("-inf")], "b": ["x", None]}).to_arrow(),
        {"a": np.array([1.5, np.nan]), "b": ["x", None]},
        [{"a": 1.5, "b": "x"}, {"a": float("nan")}],
        ({"a": np.float32(1.5), "b": "x"}, {"a": pd.NA, "b": None}),
    ],
    ids=["pandas", "polars", "arrow", "columns", "rows", "odd rows"],
)
def test_tables_of_any_kind_are_the_same(given):
    assert table_of(given) == Table(["a", "b"], [[1.5, "x"], [None, None]])


def test_cells_hold_what_json_can_hold():
    cells = {
        "text": "<b>&</b>",
        "big": 2**70,
        "flag": np.bool_(True),
        "sum": Decimal("1.5"),
        "when": pd.Timestamp("2026-01-01"),
        "never": pd.NaT,
        "list": [float("nan"), {"k": np.int64(3)}],
        "half": "\ud800",
        "who": Awkward(),
    }
    table = table_of([cells])
    (row,) = json.loads(table.to_json())["data"]
    assert row == [
        "<b>&</b>", 2**70, True, "1.5", "2026-01-01T00:00:00", None, [None, {"k": 3}], "?",
        "[its Awkward value has no text form]",
    ]  # fmt: skip
    assert table_of({"a": 1, "b": "x"}) == Table(["a", "b"], [[1, "x"]])
    assert table_of(pd.DataFrame([[1, 2]], columns=["a", "a"])) == Table(["a", "a"], [[1, 2]])
    assert table_of([]) == Table([], [])


@pytest.mark.parametrize(
    ("given", "name", "words"),
    [
        ({"a": [1], "b": [1, 2]}, "t.json", "not of one length"),
        ({"a": [1], "b": 2}, "t.json", "`b` is no list"),
        ([1, 2], "t.json", "not mappings"),
        ("text", "t.json", "a str is no table"),
        (7, "t.json", "a int is no table"),
        ({"a": [1]}, "t.csv", "ends in `.json`"),
        ({"a": range(5_000_001)}, "t.json", "5,000,000 cells"),
        ({Awkward(): [1]}, "t.json", "no text form"),
    ],
)
def test_what_is_no_table_is_noted(given, name, words, logged):
    (note,) = logged(lambda: tracking.log_table(given, name), Artifact, Note)
    assert note.code == "PORT501"
    assert words in note.what


def test_a_second_table_of_the_name_adds_its_rows(logged):
    def block():
        tracking.log_table({"a": [1]}, "deep/t.json")
        tracking.log_table({"a": [2], "b": ["x"]}, "deep/t.json")
        tracking.log_table({"a": [9]}, "other.json")

    first, second, other = logged(block, Artifact)
    assert {(r.folder, r.role) for r in (first, second)} == {("deep", "table")}
    assert (other.folder, Path(other.path).name) == ("", "other.json")
    assert json.loads(Path(second.path).read_text()) == {
        "columns": ["a", "b"],
        "data": [[1, None], [2, "x"]],
    }


@pytest.mark.parametrize(
    ("figure", "name", "file", "text"),
    [
        (Figure(), "f", "f.png", "drawn"),
        (Axes(), "deep/f.svg", "f.svg", "drawn"),
        (Page(), "f", "f.html", "page"),
        (Page(), "f.png", "f.png", "image"),
        (Figure(), "v1.2", "v1.2.png", "drawn"),
    ],
)
def test_figures_are_saved_by_what_they_can_do(figure, name, file, text, logged):
    (record,) = logged(lambda: tracking.log_figure(figure, name), Artifact, Note)
    assert Path(record.path).name == file
    assert Path(record.path).read_text() == text


@pytest.mark.parametrize(
    ("figure", "name", "words"),
    [
        (Figure(), "f.html", "cannot be saved as `.html`"),
        (Figure(), "f.exe", "ends in one of"),
        (7, "f.png", "a int is no figure"),
        (Broken(), "f.png", "RuntimeError"),
    ],
)
def test_what_is_no_figure_is_noted(figure, name, words, logged):
    (note,) = logged(lambda: tracking.log_figure(figure, name), Artifact, Note)
    assert words in note.what


def test_images_are_saved(tmp_path):
    from PIL import Image

    figures.save(Image.new("RGB", (1, 1)), tmp_path / "i.png")
    assert (tmp_path / "i.png").read_bytes()[:4] == b"\x89PNG"


def test_data_is_described_and_not_copied(logged, tmp_path):
    file = tmp_path / "rows.csv"
    file.write_text("a\n1\n")
    frame = pd.DataFrame({"n": [1, 2], "x": [0.5, 1.5], "when": pd.to_datetime(["2026", "2027"])})

    def block():
        tracking.log_input(frame, "frame", "validation")
        tracking.log_input(file)
        tracking.log_input(str(file), "again")
        tracking.log_input("gs://b/folder/rows.parquet")
        tracking.log_input(np.arange(6).reshape(2, 3), "array")
        tracking.log_input(pl.DataFrame({"a": [1]}), "polars")
        tracking.log_input(frame.iloc[::-1], "turned")
        tracking.log_input(pd.DataFrame({"lists": [[1], [2]]}), "lists")

    records = logged(block, Dataset, Note)
    assert [type(r) for r in records] == [Dataset] * 8
    found = {record.name: record for record in records}
    assert found["frame"].context == "validation"
    assert found["frame"].source_type == "code"
    assert [c["type"] for c in json.loads(found["frame"].schema)["mlflow_colspec"]] == [
        "long", "double", "datetime",
    ]  # fmt: skip
    assert json.loads(found["frame"].profile) == {"num_rows": 2, "num_elements": 6}
    assert found["rows.csv"].source == file.as_uri()
    assert found["rows.csv"].digest == found["again"].digest
    assert (found["rows.parquet"].source_type, found["rows.parquet"].context) == ("gs", "training")
    assert json.loads(found["array"].profile)["num_rows"] == 2
    digests = [record.digest for record in records]
    assert len(set(digests)) == 7
    assert all(len(digest) == 64 for digest in digests)


def test_data_that_the_store_has_is_named_by_its_hash(memory, identity, tmp_path):
    frame = pd.DataFrame({"a": [1]})
    with session(identity, "memory:", tmp_path) as tracked:
        tracked.record_used("rows", "s3://b/p/content", "a" * 64, "Dataset")
        tracked.know(frame, "s3://b/p/content")
        tracking.log_input(frame, "rows")
    (record,) = memory.only().of(Dataset)
    assert (record.digest, record.source, record.source_type) == (
        "a" * 64,
        "s3://b/p/content",
        "s3",
    )
    assert "mlflow_colspec" in record.schema


@pytest.mark.parametrize("given", [7, Awkward(), "missing.csv", object(), {"a": 1}])
def test_what_is_no_data_is_noted(given, logged):
    (note,) = logged(lambda: tracking.log_input(given), Dataset, Note)
    assert note.code == "PORT501"


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("s3://b/k", "s3://b/k"),
        ("https://u:p@h:1/a?sig=x&versionId=3#f", "https://h:1/a?versionId=3"),
        (
            "abfs://c@account.dfs.core.windows.net/x?se=1&sig=s",
            "abfs://account.dfs.core.windows.net/x",
        ),
        ("https://h/a?token=t", "https://h/a"),
    ],
)
def test_addresses_lose_what_opens_them(given, wanted):
    assert without_credentials(given) == wanted


def test_models_are_saved_copied_or_named(logged, tmp_path):
    file = tmp_path / "m.bin"
    file.write_text("weights")

    def block():
        tracking.log_model(file, "file", params={"depth": 3}, tags={"stage": 1})
        tracking.log_model({"weights": [1]}, "value")
        tracking.log_model("s3://b/m", "there")
        tracking.log_model(file, " ")
        tracking.log_model(tmp_path / "none", "none")
        tracking.log_model(lambda: 1, "flavored", flavor="os.path")

    *records, unnamed, missing, flavor = logged(block, LoggedModel, Note)
    copied, saved, there = records
    assert (Path(copied.path).read_text(), copied.params, copied.tags) == (
        "weights", {"depth": "3"}, {"stage": "1"},
    )  # fmt: skip
    assert saved.kind == "json"
    assert [p.name for p in Path(saved.path).iterdir()] == ["model.json"]
    assert (there.uri, there.path) == ("s3://b/m", "")
    assert "name is empty" in unnamed.what
    assert "does not exist" in missing.what
    assert "no flavor" in flavor.what


def test_a_model_that_is_stored_later_is_not_uploaded(memory, identity, tmp_path):
    model = {"weights": [1]}
    with session(identity, "memory:", tmp_path) as tracked:
        tracking.log_model(model, "best")
        tracked.record_reference("return", "s3://b/m", "b" * 64, "Model")
        tracked.know(model, "s3://b/m")
    first, second = memory.only().of(LoggedModel)
    assert first.path
    assert (second.name, second.path, second.uri, second.sha256) == (
        "best",
        "",
        "s3://b/m",
        "b" * 64,
    )


def test_autologging_without_mlflow_is_noted_and_the_block_runs(logged, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    ran = []

    def block():
        with tracking.autolog("sklearn"):
            ran.append(True)

    (note,) = logged(block, Note)
    assert ran == [True]
    assert "needs MLflow on the worker" in note.what


def test_outside_a_task_nothing_is_done(tmp_path):
    tracking.log_dict({}, "a.json")
    tracking.log_table({"a": [1]}, "t.json")
    tracking.log_figure(Figure(), "f.png")
    tracking.log_input(tmp_path / "none")
    tracking.log_model(Awkward(), "m")
    with tracking.autolog("nothing"):
        pass


@pytest.mark.parametrize(
    "record",
    [
        Artifact("1/t.json", "deep", 1, "table"),
        Dataset("n", "d", "s3", "s3://b", "", "", "training", 1),
        LoggedModel("m", "", "s3://m", 1, "a" * 64, "", {"a": "1"}, {"b": "2"}),
        Environment({"python": "3"}, 1, {"numpy": "2"}),
    ],
)
def test_records_are_read_back(record):
    assert from_json(json.loads(to_line(record))) == record


def test_a_record_of_an_older_version_is_read():
    assert from_json({"type": "artifact", "path": "p", "folder": "", "time": 1}) == Artifact(
        "p", "", 1
    )
    assert from_json({"type": "artifact", "path": "p", "time": 1}) is None
    assert from_json({"type": "artifact", "path": "p", "folder": "", "time": 1, "new": 1}) is None


def test_names_of_entries():
    uri = "file:///s/pipeline/run/prepare%20it/0.2/1/return/content.parquet"
    assert made_by(uri, "rows") == "prepare it"
    assert made_by(uri.replace("return", "rows"), "rows") == "prepare it.rows"
    assert made_by("s3://b/rows.parquet", "rows") == "rows"
    assert made_by("s3://b/a/b/c/d/e/f", "rows") == "rows"
    assert model_name("by path") == "by path"
    odd = ["a.b", "a/b", "a:b", "a%b", "a_b"]
    assert len({model_name(name) for name in odd}) == len(odd)
    assert not set("/:.%\"'") & set("".join(model_name(name) for name in odd))


def git(folder, *command):
    names = ["-c", "user.name=n", "-c", "user.email=e", "-c", "commit.gpgsign=false"]
    done = subprocess.run(
        ["git", "-C", str(folder), *names, *command], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def test_the_version_of_the_code_is_found(tmp_path):
    code = tmp_path / "tasks" / "train.py"
    code.parent.mkdir()
    code.write_text("x = 1\n")
    git(tmp_path, "init", "-q", "-b", "work")
    assert "git_commit" not in surroundings.at_start(str(code))
    surroundings._head.cache_clear()
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "first")
    git(tmp_path, "remote", "add", "origin", "https://user:secret@host/team/code.git?token=secret")
    facts = surroundings.at_start(str(code))
    assert facts["source"] == "tasks/train.py"
    assert facts["git_commit"] == git(tmp_path, "rev-parse", "HEAD")
    assert facts["git_branch"] == "work"
    assert facts["git_url"] == "https://host/team/code.git"
    assert surroundings.at_end(str(code))[0] == {"git_dirty": "false"}
    surroundings._dirty.cache_clear()
    code.write_text("x = 2\n")
    assert surroundings.at_end(str(code))[0] == {"git_dirty": "true"}
    git(tmp_path, "pack-refs", "--all")
    git(tmp_path, "worktree", "add", "-q", "-b", "side", str(tmp_path / "further"))
    side = surroundings.at_start(str(tmp_path / "further" / "tasks" / "train.py"))
    assert (side["git_branch"], side["git_commit"]) == ("side", facts["git_commit"])
    (tmp_path / ".git" / "HEAD").write_text("ref: ../../secret")
    surroundings._head.cache_clear()
    assert "git_commit" not in surroundings.at_start(str(code))


def test_what_it_runs_on_holds_no_variable(monkeypatch):
    monkeypatch.setenv("MY_TOKEN", "very-secret-token")
    monkeypatch.setattr(sys, "argv", ["run", "--password", "very-secret-word"])
    facts, packages = surroundings.at_end("")
    whole = json.dumps([surroundings.at_start(""), facts, packages])
    assert "very-secret" not in whole
    assert packages["pandas"] == pd.__version__
    assert surroundings.at_start("")["python"] == ".".join(map(str, sys.version_info[:3]))
    assert "source" not in surroundings.at_start("")


@pytest.mark.parametrize(("wanted", "keys"), [("none", set()), ("code", {"source"})])
def test_it_can_be_turned_off(wanted, keys, monkeypatch, tmp_path):
    monkeypatch.setenv(surroundings.VARIABLE, wanted)
    code = tmp_path / "a.py"
    code.touch()
    assert set(surroundings.at_start(str(code))) == keys
    assert surroundings.at_end("") == ({}, {})


def test_values_of_secrets_are_blacked_out(memory, identity, tmp_path, monkeypatch):
    monkeypatch.setenv("INTERMODAL_SECRET_DB", "geheim-42")
    with session(identity, "memory:", tmp_path):
        tracking.log_param("url", "db://me:geheim-42@host")
        tracking.set_tag("note", "geheim-42")
        tracking.log_text("it is geheim-42", "a.txt")
        tracking.log_dict({"password": "geheim-42"}, "a.json")
        tracking.log_params({"nested": {"password": "geheim-42"}})
    assert "geheim" not in repr(memory.only().records)
    assert "db://me:***@host" in repr(memory.only().records)
