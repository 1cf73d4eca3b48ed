"""JSON values to annotated ones and back."""

import dataclasses
import enum
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, TypedDict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from intermodal.runtime import WrongValue
from intermodal.runtime.typed import from_json, hints_of, to_json


class Colour(enum.Enum):
    RED = "red"


class Point(NamedTuple):
    x: int
    y: float = 0.5


@dataclasses.dataclass
class Job:
    name: str
    when: datetime
    pause: timedelta
    points: list[Point]


class Model(BaseModel):
    name: str
    pause: timedelta
    size: int = Field(default=1, alias="Size")


class Typed(TypedDict):
    a: int


MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
WHOLE = [
    (int, 3, 3),
    (float, 2.5, 2.5),
    (str, "ü", "ü"),
    (bool, True, True),
    (datetime, MOMENT, "2026-01-02T03:04:05+00:00"),
    (timedelta, timedelta(minutes=1, milliseconds=500), 60.5),
    (list[int], [1, 2], [1, 2]),
    (Sequence[timedelta], [timedelta(seconds=1)], [1.0]),
    (dict[str, datetime], {"a": MOMENT}, {"a": "2026-01-02T03:04:05+00:00"}),
    (Mapping[str, list[int]], {"a": [1]}, {"a": [1]}),
    (int | None, None, None),
    (datetime | None, MOMENT, "2026-01-02T03:04:05+00:00"),
    (int | float, 3, 3),
    (Literal["a", "b"], "a", "a"),
    (Path, Path("a/b"), "a/b"),
    (Colour, Colour.RED, "red"),
    (Annotated[int, "more"], 3, 3),
    (Any, [{"a": None}], [{"a": None}]),
    (None, "x", "x"),
    (Point, Point(1, 2.0), {"x": 1, "y": 2.0}),
    (Typed, {"a": 1}, {"a": 1}),
    (
        Job,
        Job("n", MOMENT, timedelta(seconds=2), [Point(1)]),
        {
            "name": "n",
            "when": "2026-01-02T03:04:05+00:00",
            "pause": 2.0,
            "points": [{"x": 1, "y": 0.5}],
        },
    ),
    (
        Model,
        Model(name="n", pause=timedelta(seconds=2), Size=3),
        {"name": "n", "pause": 2.0, "size": 3},
    ),
]


@pytest.mark.parametrize(("hint", "value", "plain"), WHOLE)
def test_there_and_back(hint, value, plain):
    assert to_json(value, hint, "it") == plain
    back = from_json(plain, hint, "it")
    assert back == value
    assert type(back) is type(value)


def test_numbers_that_changed_their_kind_on_the_way_get_it_back():
    assert type(from_json(3.0, int, "it")) is int
    assert type(from_json(3, float, "it")) is float
    assert from_json([1.0, 2.0], list[int], "it") == [1, 2]
    assert [type(n) for n in from_json({"a": 1.0}, dict[str, int], "it").values()] == [int]
    assert from_json({"x": 1.0, "y": 2}, Point, "it") == Point(1, 2.0)


def test_numbers_of_numpy_are_numbers():
    assert to_json(np.int64(3), int, "it") == 3
    assert type(to_json(np.float32(0.5), float, "it")) is float
    assert to_json(np.bool_(True), bool, "it") is True
    assert to_json([np.int64(3)], Any, "it") == [3]


def test_a_time_without_a_zone_is_in_utc():
    assert to_json(datetime(2026, 1, 2), datetime, "it") == "2026-01-02T00:00:00+00:00"  # noqa: DTZ001
    east = datetime(2026, 1, 2, tzinfo=timezone(timedelta(hours=2)))
    assert to_json(east, datetime, "it") == "2026-01-02T00:00:00+02:00"


@pytest.mark.parametrize(
    ("value", "hint", "part"),
    [
        ("three", int, "it is 'three' (str), not int"),
        (True, int, "not int"),
        (1.5, int, "not int"),
        (True, float, "not float"),
        (None, str, "not str"),
        (float("nan"), float, "it is nan, which JSON cannot hold"),
        ([float("inf")], Any, "it[0] is inf"),
        ({1: 2}, dict, "keys of JSON objects are text"),
        ({"a": {"b": object()}}, Any, "it['a']['b'] is a object"),
        ([1, "x"], list[int], "it[1] is 'x'"),
        ("c", Literal["a", "b"], "one of 'a', 'b'"),
        ("x", int | None, "not int"),
        ({"x": 1}, Job, "has no field `name`"),
        (5, Point, "not Point"),
        (date(2026, 1, 2), Any, "isoformat"),
        ({1, 2}, list[int], "not list"),
    ],
)
def test_what_does_not_fit_is_told_with_its_place(value, hint, part):
    with pytest.raises(WrongValue) as wrong:
        to_json(value, hint, "it")
    assert part in str(wrong.value)


@pytest.mark.parametrize(
    ("value", "hint"),
    [("x", int), (1.5, int), ("soon", datetime), ("soon", timedelta), (3, str), ({"z": 1}, Point)],
)
def test_inputs_that_do_not_fit(value, hint):
    with pytest.raises(WrongValue, match="input"):
        from_json(value, hint, "input `a`")


def test_annotations_that_cannot_be_evaluated_are_left_out():
    def function(a: "int", b: "nowhere.Thing") -> "str": ...  # noqa: F821

    assert hints_of(function) == {"a": int, "return": str}


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(json_values)
def test_any_json_value_passes_unchanged(value):
    assert from_json(to_json(value, Any, "it"), Any, "it") == value
