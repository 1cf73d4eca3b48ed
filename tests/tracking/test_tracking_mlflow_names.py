"""Names and values for MLflow: within its rules, told apart, and cut where one can see it."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intermodal.tracking.mlflow_names import (
    ALIAS,
    KEY_LIMIT,
    batches,
    clean_text,
    cut_text,
    safe_key,
    safe_model_name,
)

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
