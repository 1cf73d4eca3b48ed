"""Expressions and their values."""

from datetime import timedelta
from typing import get_args

import pytest

from intermodal.analysis import evaluate as module
from intermodal.analysis.evaluate import MISSING, EvaluationError, evaluate
from intermodal.analysis.parameters import fill_parameters
from intermodal.ir import (
    Compare,
    DateFormat,
    DateShift,
    Default,
    Expression,
    FloatType,
    Format,
    Index,
    InputRef,
    IntegerType,
    ItemRef,
    ListOf,
    Literal_,
    Logic,
    MapOf,
    OutputRef,
    Parameter,
    ParameterRef,
    PathRef,
    Pipeline,
    RunFact,
    SecretRef,
    SourceExpression,
    StringType,
    TaskState,
)


class Names:
    """A scope of fixed values."""

    def parameter(self, name):
        return {"n": 3, "when": "2026-01-31T22:00:00+00:00", "none": None}[name]

    def output(self, node, output):
        return {"made": {"list": [1, 2], "score": 0.9}, "big": {"$artifact": "r"}}.get(
            node, MISSING
        )

    def item(self, loop):
        return f"item of {loop}"

    def fact(self, fact):
        return f"fact {fact}"

    def state(self, node):
        return "failed"

    def secret(self, name, key):
        return {"$secret": name}

    def input(self, name):
        return f"input {name}"

    def path(self, direction, name):
        return f"/{direction}/{name}"

    def fetch(self, value):
        return {"inside": 5} if value == {"$artifact": "r"} else value

    def join_secret(self, parts):
        return {"joined": parts} if any(isinstance(part, dict) for part in parts) else None


def value(expression):
    return evaluate(expression, Names())


def lit(given):
    return Literal_(value=given)


def compare(left, operator, right):
    return Compare(operator=operator, left=lit(left), right=lit(right))


def logic(operator, *operands):
    return Logic(operator=operator, operands=tuple(lit(o) for o in operands))


def index(base, key):
    return Index(base=base, key=lit(key))


MADE = OutputRef(node="made")
GONE = OutputRef(node="gone")
WHEN = ParameterRef(name="when")


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        (lit({"a": [1]}), {"a": [1]}),
        (ParameterRef(name="n"), 3),
        (MADE, {"list": [1, 2], "score": 0.9}),
        (GONE, None),
        (ItemRef(loop="l"), "item of l"),
        (RunFact(fact="run_id"), "fact run_id"),
        (TaskState(node="t"), "failed"),
        (SecretRef(name="s"), {"$secret": "s"}),
        (InputRef(name="i"), "input i"),
        (PathRef(direction="input", name="i"), "/input/i"),
        (
            Format(parts=(lit("a"), lit(1), lit(True), lit(None), lit([1, "x"]))),
            'a1truenull[1, "x"]',
        ),
        (Format(parts=(lit("a"), SecretRef(name="s"))), {"joined": ["a", {"$secret": "s"}]}),
        (compare(1, "<", 2), True),
        (compare(1, "==", 1.0), True),
        (compare("a", "!=", "b"), True),
        (compare(2, "in", [1, 2]), True),
        (compare("x", "not in", {"x": 1}), False),
        (compare("2026-01-01T00:00:00Z", "==", "2026-01-01T01:00:00+01:00"), True),
        (compare("2026-01-01T00:00:00Z", "<", "2026-01-01T00:30:00+01:00"), False),
        (compare("2026-01-01", "<", "2026-01-02"), True),
        (logic("and", True, 1, "x"), True),
        (logic("and", True, 0), False),
        (logic("or", False, ""), False),
        (logic("or", 0, 2), True),
        (logic("not", 0), True),
        (index(MADE, "score"), 0.9),
        (index(index(MADE, "list"), -1), 2),
        (index(OutputRef(node="big"), "inside"), 5),
        (index(GONE, "x"), None),
        (DateShift(base=WHEN, by=timedelta(hours=2)), "2026-02-01T00:00:00+00:00"),
        (DateShift(base=WHEN, by=timedelta(days=1), backwards=True), "2026-01-30T22:00:00+00:00"),
        (DateFormat(base=WHEN, pattern="%d.%m.%y"), "31.01.26"),
        (Default(value=GONE, fallback=lit(1)), 1),
        (Default(value=ParameterRef(name="none"), fallback=lit(1)), 1),
        (Default(value=lit(0), fallback=lit(1)), 0),
        (ListOf(items=(lit(1), GONE, ParameterRef(name="none"))), [1, None, None]),
        (MapOf(entries={"a": lit(1), "b": ListOf()}), {"a": 1, "b": []}),
        (Default(value=index(GONE, "x"), fallback=lit(1)), 1),
    ],
)
def test_values(expression, result):
    found = value(expression)
    assert found == result
    assert type(found) is type(result)


@pytest.mark.parametrize(
    ("expression", "part"),
    [
        (compare(1, "<", "x"), "cannot compare 1 < 'x'"),
        (compare(1, "in", 2), "cannot compare"),
        (index(MADE, "nothing"), "there is no 'nothing'"),
        (index(index(MADE, "list"), 2), "no item 2 in a list of 2"),
        (index(lit(5), 0), "cannot be indexed"),
        (index(lit([1]), True), "cannot be indexed"),
        (DateFormat(base=lit("soon"), pattern="%d"), "no timestamp"),
        (DateShift(base=lit(3), by=timedelta(1)), "no timestamp"),
        (SourceExpression(ecosystem="airflow", text="ds"), "only airflow"),
    ],
)
def test_expressions_without_a_value(expression, part):
    with pytest.raises(EvaluationError, match=part):
        value(expression)


def test_and_stops_at_the_first_that_is_false():
    guarded = Logic(operator="and", operands=(lit(False), compare(1, "<", "x")))
    assert value(guarded) is False


def test_every_kind_of_expression_has_an_evaluation():
    union = get_args(get_args(Expression)[0])
    fallback = module._value.dispatch(object)
    assert len(union) > 15
    assert [kind for kind in union if module._value.dispatch(kind) is fallback] == []


PIPELINE = Pipeline(
    name="p",
    parameters={
        "n": Parameter(type=IntegerType(), default=3, choices=(3, 5)),
        "share": Parameter(type=FloatType(), default=0.5, choices=(0.5, 1)),
        "name": Parameter(type=StringType(), required=True),
    },
)


def test_parameters_are_filled_in():
    assert fill_parameters(PIPELINE, {"name": "x", "share": 1.0}) == (
        {"n": 3, "share": 1.0, "name": "x"},
        [],
    )


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ({}, "parameter `name` has no value"),
        ({"name": 1}, "parameter `name`: 1 is not text"),
        ({"name": "x", "n": True}, "parameter `n`: True is not an integer"),
        ({"name": "x", "n": 4}, "parameter `n`: 4 is not one of 3, 5"),
        ({"name": "x", "m": 4}, "pipeline `p` has no parameter `m`"),
    ],
)
def test_wrong_parameters(values, what):
    _, (finding,) = fill_parameters(PIPELINE, values)
    assert (finding.code, finding.what) == ("PORT603", what)
