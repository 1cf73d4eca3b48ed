"""Names and values for MLflow: within its rules, told apart, and cut where one can see it."""

from __future__ import annotations

import json
import re
import sys
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intermodal.findings import FindingsError
from intermodal.tracking.mlflow_content import Content
from intermodal.tracking.mlflow_entries import Entries
from intermodal.tracking.mlflow_models import download
from intermodal.tracking.mlflow_names import (
    ALIAS,
    KEY_LIMIT,
    batches,
    clean_text,
    cut_text,
    safe_key,
    safe_model_name,
)
from intermodal.tracking.records import LoggedModel, Param, Tag
from intermodal.tracking.registry import ModelVersion
from intermodal.tracking.tracker import TaskIdentity

GOOD = ["loss", "a.b-c d", "train/loss", "été", "a:b", "x" * 250]
BAD = ["a=b", "a[0]", "../up", "a/../b", "/abs", "a//b", "a/", ".", "..", "", "x" * 251, "a\n"]


@pytest.mark.parametrize("name", GOOD)
def test_a_good_key_stays(name):
    assert safe_key(name) == name


@pytest.mark.parametrize("name", BAD)
def test_a_bad_key_is_made_good(name):
    assert_is_key(safe_key(name))
    assert safe_key(name) != name


@given(st.text(st.characters()), st.text(st.characters()))
def test_any_two_names_stay_two(one, other):
    assert_is_key(safe_key(one))
    assert (safe_key(one) == safe_key(other)) == (one == other)


def assert_is_key(key):
    """The rule as `mlflow.utils.validation` has it."""
    assert re.fullmatch(r"[/\w.\- :]+", key)
    assert len(key) <= KEY_LIMIT
    parts = key.split("/")
    assert not {"", ".", ".."} & set(parts)


def test_model_names_hold_nothing_that_breaks_an_address():
    assert safe_model_name("diagnosis v2.1") == "diagnosis v2.1"
    names = ["it's", 'a"b', "a/b", "a:b"]
    assert len({safe_model_name(name) for name in names}) == len(names)
    assert all(re.fullmatch(r"[\w.\- ]+", safe_model_name(name)) for name in names)


@pytest.mark.parametrize(
    ("alias", "good"),
    [
        *[("champion", True), ("a_b-1", True), ("vx", True), ("latest2", True)],
        *[("v1", False), ("V12", False), ("latest", False), ("", False), ("a b", False)],
        ("x" * 256, False),
    ],
)
def test_aliases(alias, good):
    assert bool(ALIAS.match(alias)) is good


def test_a_long_text_is_cut_visibly():
    assert cut_text("x" * 100, 100) == "x" * 100
    cut = cut_text("x" * 101, 100)
    assert len(cut) == 100
    assert cut.endswith("[cut, 101 characters]")


def test_texts_that_databases_refuse_are_cleaned():
    assert clean_text("a\x00b\udc80c ☃ 😀") == "a\ufffdb?c ☃ 😀"


@given(st.lists(st.text(max_size=300)), st.integers(1, 5))
def test_batches_keep_order_and_limits(texts, most):
    found = list(batches(texts, lambda text: text, most, limit=400))
    assert [text for batch in found for text in batch] == texts
    assert all(0 < len(batch) <= most for batch in found)
    sizes = [sum(len(json.dumps(text)) + 64 for text in batch) for batch in found]
    assert all(size <= 400 or len(batch) == 1 for size, batch in zip(sizes, found, strict=True))


@pytest.fixture
def content():
    """What a replay makes of records for a run that has nothing yet; nothing is sent."""
    run = SimpleNamespace(data=SimpleNamespace(params={}, tags={}))
    return Content(None, None, TaskIdentity("p", "r", "t"), run)


def test_each_long_value_has_a_file_of_its_own(content):
    long = [letter * 9000 for letter in "abcd"]
    for record in (Param("x/y", long[0], 1), Param("x_y", long[1], 1), Tag("x/y", long[2], 1)):
        content._put_by(record)
    content._put_by(Param("x_y", long[3], 2))  # the first stays
    assert sorted(item.text for item in content._uploads.values()) == sorted(long[:3])
    assert content._params["x_y"][:1] == "b"
    assert content._tags["intermodal.param_conflict.x_y"][:1] == "d"


def test_the_whole_of_a_value_that_was_sent_before_is_uploaded_too(content):
    content.run.data.params["x"] = cut_text("a" * 9000, 6000)  # with a part of the log
    content._put_by(Param("x", "a" * 9000, 1))
    assert [item.text for item in content._uploads.values()] == ["a" * 9000]
    assert content.findings[0].code == "PORT504"


def test_the_file_of_a_version_is_below_its_source(monkeypatch, tmp_path):
    """Its name is a tag, which anybody may set who may write to the registry."""
    fake = SimpleNamespace(download_artifacts=lambda **_: str(tmp_path))
    monkeypatch.setitem(sys.modules, "mlflow", SimpleNamespace(artifacts=fake))
    monkeypatch.setitem(sys.modules, "mlflow.artifacts", fake)
    client = SimpleNamespace(get_model_version_download_uri=lambda *_: "x")
    address = SimpleNamespace(uri="")

    def found(file):
        tags = {"intermodal.file": file} if file else {}
        return download(client, address, ModelVersion("m", "1", "", tags=tags), tmp_path)

    assert [found(""), found("a.pkl")] == [tmp_path, tmp_path / "a.pkl"]
    for name in ("/etc/passwd", "../a.pkl"):
        with pytest.raises(FindingsError, match="PORT406"):
            found(name)


def test_of_a_models_file_nothing_beside_it_is_uploaded(monkeypatch, tmp_path):
    """It lies where the user has it if the disk had no room for a copy."""
    (tmp_path / "model.bin").write_text("m")
    (tmp_path / ".env").write_text("secret")
    (tmp_path / "folder").mkdir()
    names = ("LoggedModelStatus", "LoggedModelOutput")
    entities = SimpleNamespace(**{name: SimpleNamespace(READY="READY") for name in names})
    monkeypatch.setitem(sys.modules, "mlflow", SimpleNamespace(entities=entities))
    monkeypatch.setitem(sys.modules, "mlflow.entities", entities)
    sent = []
    client = SimpleNamespace(
        log_model_artifact=lambda _, path: sent.append(("file", path)),
        log_model_artifacts=lambda _, path: sent.append(("folder", path)),
        finalize_logged_model=lambda *_: None,
    )
    run = SimpleNamespace(info=SimpleNamespace(run_id="r", experiment_id="0"))
    entries = Entries(client, run)
    model = SimpleNamespace(model_id="m", status="PENDING")
    monkeypatch.setattr(entries, "_entry", lambda _: model)
    monkeypatch.setattr("intermodal.tracking.mlflow_entries._together", lambda _: None)
    for name in ("model.bin", "folder"):
        entries.log_model(LoggedModel("x", str(tmp_path / name), "", 1))
    assert sent == [
        ("file", str(tmp_path / "model.bin")),
        ("folder", str(tmp_path / "folder")),
    ]
