"""Expressions in words."""

from datetime import timedelta
from typing import get_args

import pytest

from intermodal.analysis.wording import LONGEST, worded
from intermodal.ir import (
    Compare,
    DataVersion,
    DateFormat,
    DateShift,
    Default,
    Expression,
    Format,
    Index,
    InputRef,
    ItemRef,
    ListOf,
    Literal_,
    Logic,
    MapOf,
    OutputRef,
    ParameterRef,
    PathRef,
    RunFact,
    SecretRef,
    SourceExpression,
    TaskState,
)

ONE, P = Literal_(value=1), ParameterRef(name="p")
SMALL = Compare(operator="<", left=OutputRef(node="worst"), right=ONE)
ROWS = [
    (Literal_(value="it's"), '"it\'s"'),
    (P, "p"),
    (OutputRef(node="split", output="train"), "split.train"),
    (ItemRef(loop="each"), "item"),
    (RunFact(fact="logical_date"), "run.logical_date"),
    (TaskState(node="a"), "state of a"),
    (SecretRef(name="api"), "secret api"),
    (DataVersion(uri="s3://lake/a.csv", version="3"), "s3://lake/a.csv"),
    (PathRef(direction="input", name="x"), "x"),
    (InputRef(name="x"), "x"),
    (Format(parts=(Literal_(value="s3://"), P)), "s3://{p}"),
    (SMALL, "worst < 1"),
    (Logic(operator="not", operands=(SMALL,)), "not (worst < 1)"),
    (Logic(operator="and", operands=(SMALL, P)), "(worst < 1) and p"),
    (Index(base=P, key=ONE), "p[1]"),
    (DateShift(base=P, by=timedelta(days=1), backwards=True), "p - 1 day, 0:00:00"),
    (DateFormat(base=P, pattern="%Y"), "p as %Y"),
    (Default(value=P, fallback=ONE), "p or else 1"),
    (ListOf(items=(P, ONE)), "[p, 1]"),
    (MapOf(entries={"a": P}), "{a: p}"),
    (SourceExpression(ecosystem="airflow", text="{{ ds }}"), "{{ ds }}"),
]


@pytest.mark.parametrize(("expression", "text"), ROWS)
def test_words(expression, text):
    assert worded(expression) == text


def test_every_kind_of_expression_has_words():
    assert {type(row[0]) for row in ROWS} == set(get_args(get_args(Expression)[0]))


def test_long_texts_are_cut():
    assert worded(Literal_(value="x" * 200)).endswith("...")
    assert len(worded(Literal_(value="x" * 200))) == LONGEST
