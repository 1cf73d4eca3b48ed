"""Serialisers: what goes in comes out, the same value gives the same bytes, nothing is trusted."""

from __future__ import annotations

import enum
import hashlib
import io
import json
import os
import subprocess
import sys
import zipfile
from collections import OrderedDict
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any, NamedTuple, Optional
from uuid import UUID

import numpy as np
import numpy.typing as npt
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal as assert_polars_equal
from pydantic import BaseModel, Field
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from artifacts.sample_keys import make_key
from artifacts.sample_values import FEATURES, LABELS, Point, Split, forest, frame, same_each_time
from intermodal.artifacts import (
    ArtifactStore,
    Directory,
    File,
    Html,
    Markdown,
    Metrics,
    kind_of,
)
from intermodal.artifacts.serialisers import CannotRead, CannotSerialise, Registry
from intermodal.artifacts.serialisers.tagged import from_plain, to_plain
from intermodal.findings import FindingsError


class Pair(NamedTuple):
    left: int
    right: str


class Forgetful(BaseModel):
    kept: int = 0
    lost: int = Field(default=0, exclude=True)


class Colour(enum.Enum):
    RED = "red"


class OpenEstimator(LogisticRegression):
    pass


class Unpicklable:
    def __reduce__(self):
        raise TypeError("never")


def roundtrip(store: ArtifactStore, value: Any, hint: Any = None):
    ref, findings = store.save(value, make_key(), type_hint=hint)
    return store.load(ref, hint), ref, findings


EXACT = {
    "json": {"b": [1, 2.5, None, True, "é"], "a": {}},
    "an integer beyond doubles": 2**70,
    "not a number free": [float("inf"), -0.0],
    "nested": {"t": (1, {2, 3}, frozenset({"x"})), "d": [date(2026, 1, 31)]},
    "keys": {1: "a", (2, 3): None},
    "looks like a tag": {"$tuple": [1]},
    "looks like a wrapped tag": {"$object": {"$tuple": [1]}},
    "moment": datetime(2026, 1, 31, 6, 0, 1, 2, tzinfo=timezone(timedelta(hours=2))),
    "time": time(6, 30, tzinfo=UTC),
    "duration": timedelta(days=-1, microseconds=3),
    "decimal": Decimal("1.10"),
    "uuid": UUID(int=5),
    "complex": 1 + 2j,
    "text": "line\r\nline\n\x00 \ud800",
    "html": Html("<b>ü</b>"),
    "markdown": Markdown("# ü"),
    "bytes": b"\x00\xff",
    "nothing": None,
    "empty": "",
    "metrics": Metrics(accuracy=0.97, f1=float("inf")),
    "pydantic": Point(x=1, when=datetime(2026, 1, 1, tzinfo=UTC)),
    "dataclass": Split(0.25, ["a"]),
    "named tuple": Pair(1, "b"),
    "enum": Colour.RED,
}


@pytest.mark.parametrize("value", EXACT.values(), ids=EXACT.keys())
def test_small_values_come_back_equal_and_of_the_same_type(store, value):
    back, _, findings = roundtrip(store, value)
    assert back == value
    assert type(back) is type(value)
    assert repr(back) == repr(value) or isinstance(value, dict | BaseModel)
    assert findings == []


def assert_arrow_equal(one: pa.Table, other: pa.Table) -> None:
    assert one.equals(other)


TABLES = {
    "pandas": (frame(), pd.testing.assert_frame_equal),
    "series": (pd.Series([1, 2], name="n", index=[5, 6]), pd.testing.assert_series_equal),
    "unnamed series": (pd.Series([1.5, None]), pd.testing.assert_series_equal),
    "polars": (pl.DataFrame({"a": [1, None], "b": [["x"], []]}), assert_polars_equal),
    "lazy": (pl.LazyFrame({"a": [1]}), assert_polars_equal),
    "arrow": (pa.table({"a": [1, None]}), assert_arrow_equal),
    "numpy": (np.arange(6).reshape(2, 3), np.testing.assert_array_equal),
    "numpy text": (np.array(["ü", "x"]), np.testing.assert_array_equal),
}


@pytest.mark.parametrize(("value", "assert_equal"), TABLES.values(), ids=TABLES.keys())
def test_tables_come_back_equal(store, value, assert_equal):
    back, ref, findings = roundtrip(store, value)
    assert type(back) is type(value)
    assert_equal(back, value)
    assert ref.kind == "Dataset"
    assert findings == []


def test_one_librarys_table_is_read_as_anothers(local):
    ref, _ = local.save(pd.DataFrame({"a": [1, 2]}), make_key())
    assert type(local.load(ref, pl.DataFrame)) is pl.DataFrame
    assert type(local.load(ref, pa.Table)) is pa.Table
    assert local.load(ref, pd.Series | None).tolist() == [1, 2]
    assert type(local.load(ref, str)) is pd.DataFrame


def test_models_come_back_and_predict_the_same(store):
    model = make_pipeline(StandardScaler(), forest())
    back, ref, findings = roundtrip(store, model.fit(FEATURES, LABELS))
    assert (ref.kind, ref.format, findings) == ("Model", "skops", [])
    np.testing.assert_array_equal(back.predict_proba(FEATURES), model.predict_proba(FEATURES))


@pytest.mark.parametrize(
    "model",
    [OpenEstimator().fit(FEATURES, LABELS), FunctionTransformer(np.clip)],
    ids=["own class", "function"],
)
def test_models_that_skops_cannot_trust_are_pickled_with_a_warning(local, model):
    back, ref, findings = roundtrip(local, model)
    assert type(back) is type(model)
    assert (ref.kind, ref.format) == ("Model", "joblib")
    assert [finding.code for finding in findings] == ["PORT403"]
    assert "skops does not trust" in findings[0].why


def test_a_model_file_that_asks_for_other_types_is_not_loaded(tmp_path):
    from skops import io as skops_io

    skops = Registry().named("skops")[0]
    skops_io.dump(FunctionTransformer(os.system), tmp_path / "evil.skops")
    with pytest.raises(CannotRead, match=r"not safe to load: posix\.system"):
        skops.read(tmp_path / "evil.skops", None)


UNUSUAL = {
    "function": lambda: 3,
    "ordered dict": OrderedDict(b=1, a=2),
    "mixed column": pd.DataFrame({"o": [1, "a"]}),
    "object array": np.array([{}, None]),
    "masked array": np.ma.masked_array([1, 2], [True, False]),
    "list of frames": [pd.DataFrame({"a": [1]})],
    "a class": dict,
    "an annotation": list[int],
    "dataclass of a frame": Split(pd.DataFrame(), []),
    "model that hides a field": Forgetful(lost=1),
    "holds objects": Split(0.1, [object]),
}


@pytest.mark.parametrize("value", UNUSUAL.values(), ids=UNUSUAL.keys())
def test_the_last_resort_warns(local, value):
    back, ref, findings = roundtrip(local, value)
    assert type(back) is type(value)
    assert ref.format == "cloudpickle"
    (finding,) = findings
    assert (finding.code, finding.severity) == ("PORT403", "warning")


def test_a_value_that_holds_itself_is_pickled(local):
    value: list[Any] = []
    value.append(value)
    back, _, _ = roundtrip(local, value)
    assert back[0] is back


def test_what_nothing_can_hold_is_a_finding(local):
    with pytest.raises(FindingsError) as caught:
        local.save(Unpicklable(), make_key())
    (finding,) = caught.value.findings
    assert finding.code == "PORT402"
    assert "never" in finding.why
    assert local.records() == []


def test_annotations_say_what_plain_values_are(local):
    for hint, value in [(Html, "<b>"), (Markdown, "#"), (Metrics, {"a": 1})]:
        ref, _ = local.save(value, make_key(hint.__name__), type_hint=hint)
        assert type(local.load(ref)) is hint
        assert ref.kind == hint.__name__
    with pytest.raises(FindingsError) as caught:
        local.save({"a": "much"}, make_key("wrong"), type_hint=Metrics)
    assert [finding.code for finding in caught.value.findings] == ["PORT402"]


def test_the_reader_may_name_another_class(local):
    ref, _ = local.save(Split(0.5, ["a"]), make_key())

    class Mine(BaseModel):
        share: float
        names: tuple[str, ...]

    assert local.load(ref, Mine) == Mine(share=0.5, names=("a",))
    with pytest.raises(FindingsError) as caught:
        local.load(ref, Point)
    assert [finding.code for finding in caught.value.findings] == ["PORT408"]


def test_metrics_are_numbers():
    assert Metrics(a=np.float32(0.5), b=True) == {"a": 0.5, "b": 1.0}
    assert Metrics({"a b": 1})["a b"] == 1.0
    for wrong in ({"a": "1"}, {"a": None}, {1: 1.0}):
        with pytest.raises(TypeError, match="metric"):
            Metrics(wrong)


def test_numpy_numbers_are_stored_as_numbers(local):
    value = {"a": np.float64(0.5), "b": np.int64(3), "c": np.bool_(True), "d": np.float32(0.5)}
    back, ref, findings = roundtrip(local, value)
    assert back == {"a": 0.5, "b": 3, "c": True, "d": 0.5}
    assert (ref.format, findings) == ("json", [])


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
TAGGED_VALUES = st.recursive(
    st.none() | st.integers() | st.text() | st.dates() | st.timedeltas() | st.uuids() | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(
            st.sampled_from(["$tuple", "$object", "$map", "$", "a"]), inner, max_size=2
        )
        | st.dictionaries(st.integers(), inner, max_size=2)
    ),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(value=JSON_VALUES)
def test_json_values_come_back_equal(local, value):
    digest = hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
    ref, findings = local.save(value, make_key(digest), type_hint=Any)
    back = local.load(ref)
    assert back == value
    assert type(back) is type(value)
    assert findings == []


@given(TAGGED_VALUES)
def test_tagged_values_come_back_equal_through_json(value):
    back = from_plain(json.loads(json.dumps(to_plain(value))))
    assert back == value
    assert repr(back) == repr(value)


@pytest.mark.parametrize(
    "value",
    [object(), [Colour.RED], OrderedDict(), {"a": datetime(2026, 1, 1, fold=1, tzinfo=UTC)}],
)
def test_what_has_no_tag_is_refused_rather_than_changed(value):
    with pytest.raises(CannotSerialise):
        to_plain(value)


HASH_IN_ANOTHER_PROCESS = """
import sys
from decimal import Decimal
from intermodal.artifacts import ArtifactKey, ArtifactStore
values = {"json": {"names": set("zyxw"), "b": 1, "a": {}}, "cloudpickle": {"b": Decimal, "a": [1]}}
for name, value in values.items():
    key = ArtifactKey(pipeline="p", run="r", task="t", output=name)
    ref, _ = ArtifactStore(sys.argv[1]).save(value, key)
    assert ref.format == name
    print(ref.sha256)
"""


def test_the_same_value_gives_the_same_bytes_in_another_process(tmp_path):
    def hashes(seed: str, zone: str) -> str:
        return subprocess.run(
            [sys.executable, "-c", HASH_IN_ANOTHER_PROCESS, tmp_path / seed],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed, "TZ": zone},
        ).stdout

    assert hashes("1", "UTC") == hashes("7", "Asia/Tokyo")


@pytest.mark.parametrize("name", same_each_time())
def test_the_same_value_made_again_gives_the_same_bytes(local, name):
    first, again = same_each_time()[name], same_each_time()[name]
    assert first is not again
    refs = [local.save(value, make_key(str(id(value))))[0] for value in (first, again)]
    assert refs[0].sha256 == refs[1].sha256


def test_sharing_of_equal_numbers_does_not_change_the_bytes(local):
    number = 0.5
    shared = LogisticRegression(C=number, tol=number)
    apart = LogisticRegression(C=float("0.5"), tol=float("0.5"))
    refs = [local.save(v, make_key(n))[0] for n, v in [("s", shared), ("a", apart)]]
    assert refs[0].sha256 == refs[1].sha256


def test_dirty_padding_does_not_change_the_bytes(local):
    kind = np.dtype([("a", "u1"), ("b", "f8")], align=True)
    dirty = np.frombuffer(b"\x01" + b"\xaa" * 7 + b"\x00" * 8, kind)
    clean = np.frombuffer(b"\x01" + b"\x00" * 7 + b"\x00" * 8, kind)
    refs = [local.save(value, make_key(name))[0] for name, value in [("d", dirty), ("c", clean)]]
    assert refs[0].sha256 == refs[1].sha256


def test_a_stored_model_names_no_time_and_no_address(local):
    ref, _ = local.save(forest(), make_key())
    with zipfile.ZipFile(io.BytesIO(local.open_path(ref).read_bytes())) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        files = [name for name in archive.namelist() if name.endswith(".npy")]
        assert files == [f"{number}.npy" for number in range(1, len(files) + 1)]


@pytest.mark.parametrize(
    ("hint", "kind"),
    [
        (pd.DataFrame, "Dataset"),
        (pd.Series, "Dataset"),
        (pl.DataFrame, "Dataset"),
        (pl.LazyFrame, "Dataset"),
        (pa.Table, "Dataset"),
        (np.ndarray, "Dataset"),
        (npt.NDArray[np.float64], "Dataset"),
        (pd.DataFrame | None, "Dataset"),
        (Optional[pd.DataFrame], "Dataset"),  # noqa: UP045 - the old spelling has to work
        (RandomForestClassifier, "Model"),
        (OpenEstimator, "Model"),
        (Path, "File"),
        (File, "File"),
        (Directory, "Directory"),
        (Directory | None, "Directory"),
        (Annotated[Path, "a note"], "File"),
        (Metrics, "Metrics"),
        (Html, "Html"),
        (Markdown, "Markdown"),
        (Point, "Artifact"),
        (dict, "Artifact"),
        (list[pd.DataFrame], "Artifact"),
        (pd.DataFrame | pl.DataFrame, "Artifact"),
        (Any, "Artifact"),
        (None, "Artifact"),
    ],
)
def test_kinds_of_annotations(hint, kind):
    assert kind_of(hint) == kind


class UpperCase:
    """A user's serialiser."""

    name = "upper"
    extension = ".upper"
    kind = "Artifact"

    def handles(self, value_or_type):
        return value_or_type is str or isinstance(value_or_type, str)

    def write(self, value, path):
        if "no" in value:
            raise CannotSerialise("it says no")
        path.write_text(value.upper())

    def read(self, path, type_hint):
        return path.read_text()


def test_a_registered_serialiser_is_preferred(tmp_path):
    registry = Registry()
    registry.register(UpperCase())
    store = ArtifactStore(tmp_path, serialisers=registry)
    ref, _ = store.save("yes", make_key("a"))
    assert (ref.format, ref.uri[-6:], store.load(ref)) == ("upper", ".upper", "YES")
    assert store.save("no", make_key("b"))[0].format == "text"
    with pytest.raises(FindingsError) as caught:
        ArtifactStore(tmp_path).load(ref)
    assert [finding.code for finding in caught.value.findings] == ["PORT408"]


def test_a_serialiser_can_be_chosen(local):
    assert local.save([1], make_key("a"), serialiser="cloudpickle")[0].format == "cloudpickle"
    assert local.save("x", make_key("b"), serialiser=UpperCase())[0].format == "upper"
    with pytest.raises(FindingsError) as caught:
        local.save([1], make_key("c"), serialiser="unheard-of")
    assert [finding.code for finding in caught.value.findings] == ["PORT402"]


def test_serialisers_of_installed_packages_are_found(tmp_path, monkeypatch):
    package = tmp_path / "upper_case-1.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: upper-case\nVersion: 1\n")
    (package / "entry_points.txt").write_text("[intermodal.serialisers]\nshout = shouting:Shout\n")
    (tmp_path / "shouting.py").write_text(
        "class Shout:\n"
        "    name, extension, kind = 'shout', '.shout', 'Artifact'\n"
        "    def handles(self, value_or_type): return getattr(value_or_type, 'loud', False)\n"
        "    def write(self, value, path): path.write_text('!')\n"
        "    def read(self, path, type_hint): return path.read_text()\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    store = ArtifactStore(tmp_path / "store", serialisers=Registry())
    ref, findings = store.save(SimpleNamespace(loud=True), make_key())
    assert (ref.format, store.load(ref), findings) == ("shout", "!", [])


def test_a_missing_library_is_a_finding(local, monkeypatch):
    ref, _ = local.save(pd.DataFrame({"a": [1]}), make_key())
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(FindingsError) as caught:
        local.load(ref, pl.DataFrame)
    assert [finding.code for finding in caught.value.findings] == ["PORT408"]
    monkeypatch.setitem(sys.modules, "cloudpickle", None)
    with pytest.raises(FindingsError) as caught:
        local.save(lambda: 1, make_key("b"))
    (finding,) = caught.value.findings
    assert finding.code == "PORT402"
    assert "install `cloudpickle`" in finding.next


def test_an_array_file_with_objects_is_not_loaded(tmp_path):
    np.save(tmp_path / "evil.npy", np.array([{}]), allow_pickle=True)
    with pytest.raises(CannotRead, match=r"not an \.npy file without objects"):
        Registry().named("npy")[0].read(tmp_path / "evil.npy", None)
