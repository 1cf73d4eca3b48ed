"""Keys, references and records as values."""

from __future__ import annotations

import posixpath

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from intermodal.artifacts import ArtifactKey, ArtifactRef, is_ref
from intermodal.artifacts.keys import LONGEST_SEGMENT, decode_segment, encode_segment

NAMES = st.text(min_size=1, max_size=20) | st.sampled_from(
    ["..", ".", "-", "a/b", "a\\b", "%2F", "\0", "~", ".tmp", "artifact.json", "content", "ü", "C:"]
)
KEYS = st.builds(
    ArtifactKey,
    pipeline=NAMES,
    run=NAMES,
    task=NAMES,
    output=NAMES,
    index=st.lists(st.integers(0, 10**6), max_size=3).map(tuple),
    attempt=st.integers(1, 10**4),
)
REF = ArtifactRef(uri="file:///s/x", sha256="0" * 64, size=3, kind="File", format="file")


def test_a_key_reads_as_its_path():
    key = ArtifactKey(pipeline="etl", run="2026-01-31T06:00", task="load", output="rows")
    assert key.path == "etl/2026-01-31T06%3A00/load/-/1/rows"
    looped = ArtifactKey(pipeline="etl", run="r", task="t", index=(0, 2), attempt=3, output="o")
    assert looped.path == "etl/r/t/0.2/3/o"


@given(KEYS)
def test_a_key_round_trips_through_its_path(key):
    assert ArtifactKey.from_path(key.path) == key


@given(KEYS, KEYS)
def test_two_keys_never_share_a_path(one, other):
    assert (one.path == other.path) == (one == other)


@given(KEYS)
def test_no_key_leaves_the_root(key):
    segments = key.path.split("/")
    assert len(segments) == 6
    assert posixpath.normpath("root/" + key.path) == "root/" + key.path
    assert not any(segment.startswith(".") or "\\" in segment for segment in segments)
    assert all(segment.isascii() and segment.isprintable() for segment in segments)


@given(st.text(min_size=1, max_size=3).map(lambda text: text * 200), st.text(max_size=2))
def test_long_names_are_cut_without_collisions(name, more):
    segment = encode_segment(name)
    assert len(segment) <= LONGEST_SEGMENT
    assert (encode_segment(name + more) == segment) == (more == "")


@pytest.mark.parametrize("segment", ["", "a/b", "..", "a b", "%2f", "x" * 100 + "%." + "0" * 40])
def test_what_no_name_encodes_to_is_refused(segment):
    with pytest.raises(ValueError, match="encoded name"):
        decode_segment(segment)


@pytest.mark.parametrize(
    "path",
    ["", "a/b", "p/r/t/-/1/o/more", "p/r/t/01/1/o", "p/r/t/-/x/o", "p/r/t/-/0/o", "p/r/../-/1/o"],
)
def test_what_is_no_keys_path_is_refused(path):
    with pytest.raises(ValueError, match=r"artifact|encoded|index|greater"):
        ArtifactKey.from_path(path)


@pytest.mark.parametrize(
    "change", [{"pipeline": ""}, {"attempt": 0}, {"index": (-1,)}, {"surprise": 1}]
)
def test_a_wrong_key_is_refused(change):
    fields = {"pipeline": "p", "run": "r", "task": "t", "output": "o", **change}
    with pytest.raises(ValidationError):
        ArtifactKey(**fields)


def test_a_reference_travels_as_a_marked_object():
    travelling = REF.to_json()
    assert set(travelling) == {"$artifact"}
    assert is_ref(travelling)
    assert ArtifactRef.from_json(travelling) == REF


@pytest.mark.parametrize(
    "value",
    [
        None,
        "$artifact",
        {},
        {"$artifact": 1},
        {"$artifact": {}},
        {"$artifact": {"uri": "x"}},
        {**REF.to_json(), "more": 1},
        REF.model_dump(mode="json"),
        [REF.to_json()],
    ],
)
def test_a_users_value_is_not_a_reference(value):
    assert not is_ref(value)
    if isinstance(value, dict):
        with pytest.raises(ValueError, match=r"reference|validation"):
            ArtifactRef.from_json(value)


def test_models_are_frozen():
    with pytest.raises(ValidationError):
        REF.uri = "elsewhere"
