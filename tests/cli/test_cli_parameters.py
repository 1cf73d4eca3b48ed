"""`-p name=value`: text read by the parameter's type."""

from __future__ import annotations

import pytest

from intermodal.cli.parameters import read_parameters
from intermodal.findings import FindingsError
from intermodal.ir import (
    AnyType,
    BooleanType,
    DurationType,
    FloatType,
    IntegerType,
    ListType,
    MapType,
    OptionalType,
    Parameter,
    Pipeline,
    StringType,
    TimestampType,
)

FITS = [
    (StringType(), "7", "7"),
    (StringType(), "a=b", "a=b"),
    (StringType(), "", ""),
    (IntegerType(), "7", 7),
    (FloatType(), "7", 7),
    (FloatType(), "1e-3", 0.001),
    (BooleanType(), "True", True),
    (BooleanType(), "false", False),
    (TimestampType(), "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
    (DurationType(), "1h30m", 5400.0),
    (DurationType(), "90", 90.0),
    (OptionalType(item=IntegerType()), "null", None),
    (OptionalType(item=IntegerType()), "3", 3),
    (ListType(item=IntegerType()), "[1, 2]", [1, 2]),
    (MapType(), '{"a": 1}', {"a": 1}),
    (AnyType(), "1", 1),
    (AnyType(), "plain text", "plain text"),
]
MISFITS = [
    (IntegerType(), "many"),
    (IntegerType(), "1.5"),
    (IntegerType(), "true"),
    (BooleanType(), "yes"),
    (FloatType(), "NaN"),
    (TimestampType(), "yesterday"),
    (DurationType(), "soon"),
    (DurationType(), "nan"),
    (ListType(item=IntegerType()), '["a"]'),
    (MapType(), "[1]"),
]


def of(type_, **more):
    return Pipeline(name="p", parameters={"x": Parameter(type=type_, **more)})


@pytest.mark.parametrize(("type_", "text", "value"), FITS)
def test_fits(type_, text, value):
    read = read_parameters(of(type_), [f"x={text}"])["x"]
    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize(("type_", "text"), MISFITS)
def test_misfits(type_, text):
    with pytest.raises(FindingsError) as caught:
        read_parameters(of(type_), [f"x={text}"])
    assert [f.code for f in caught.value.findings] == ["PORT603"]
    assert f"`x={text}` does not fit" in caught.value.findings[0].what


def findings(pipeline, *given):
    with pytest.raises(FindingsError) as caught:
        read_parameters(pipeline, given)
    return [f"{f.what}; {f.next}" for f in caught.value.findings]


def test_everything_wrong_is_told_at_once():
    pipeline = Pipeline(
        name="p",
        parameters={"trees": Parameter(type=IntegerType()), "name": Parameter(required=True)},
    )
    said = findings(pipeline, "tres=5", "trees=x", "word")
    assert "did you mean `trees`?" in said[0]
    assert "`trees=x` does not fit" in said[1]
    assert "`word` is no parameter" in said[2]
    assert "needs a value for its parameter `name`" in said[3]


def test_choices():
    pipeline = of(StringType(), choices=("a", "b"))
    assert read_parameters(pipeline, ["x=b"]) == {"x": "b"}
    assert 'one of "a", "b"' in findings(pipeline, "x=c")[0]


def test_defaults_are_left_to_the_pipeline():
    assert read_parameters(of(IntegerType(), default=3), []) == {}
