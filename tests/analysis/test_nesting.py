"""What stands too deep in other things is a finding, before anything follows it down."""

import pytest

from intermodal.analysis.nesting import MOST_LEVELS, MOST_REGIONS
from intermodal.analysis.validate import validate
from intermodal.ir import (
    AnyType,
    Arm,
    Branch,
    Default,
    Expression,
    Group,
    IntegerType,
    ListOf,
    ListType,
    Literal_,
    Noop,
    Parameter,
    ParameterRef,
    Pipeline,
    Task,
    Type,
)


def task(value=None, output=None, **more):
    inputs = {} if value is None else {"value": value}
    outputs = {} if output is None else {"return": output}
    return Task(id="t", action=Noop(), inputs=inputs, outputs=outputs, **more)


def deep_value(depth) -> Expression:
    value: Expression = ParameterRef(name="n")
    for _ in range(depth):
        value = Default(value=value, fallback=Literal_(value=1))
    return value


def deep_literal(depth) -> Expression:
    value: object = 1
    for _ in range(depth + 1):
        value = [value]
    return Literal_(value=value)


def deep_type(depth) -> Type:
    found: Type = IntegerType()
    for _ in range(depth):
        found = ListType(item=found)
    return found


def regions(depth, wrap):
    body: tuple = (task(),)
    for number in range(depth):
        body = (wrap(number, body),)
    return body


def groups(depth):
    return regions(depth, lambda number, body: Group(id=f"g{number}", body=body))


def branches(depth):
    def wrap(number, body):
        arm = Arm(name="a", condition=Literal_(value=True), body=body)
        return Branch(id=f"b{number}", arms=(arm,))

    return regions(depth, wrap)


MAKERS = [
    (MOST_LEVELS - 1, lambda depth: {"body": (task(deep_value(depth)),)}),
    (MOST_LEVELS - 1, lambda depth: {"body": (task(guard=deep_value(depth)),)}),
    (MOST_LEVELS - 1, lambda depth: {"body": (task(deep_literal(depth)),)}),
    (MOST_LEVELS - 1, lambda depth: {"body": (task(output=deep_type(depth)),)}),
    (MOST_LEVELS - 1, lambda depth: {"exit_tasks": (task(deep_value(depth)),)}),
    (MOST_LEVELS - 1, lambda depth: {"outputs": {"o": deep_value(depth)}}),
    (MOST_REGIONS, lambda depth: {"body": groups(depth)}),
    (MOST_REGIONS, lambda depth: {"body": branches(depth)}),
]


@pytest.mark.parametrize(("deepest", "fields_of"), MAKERS)
def test_what_is_too_deep_is_told_and_nothing_else_is_looked_at(deepest, fields_of):
    def codes(depth):
        parameters = {"n": Parameter(type=AnyType(), default=1)}
        return [
            f.code for f in validate(Pipeline(name="p", parameters=parameters, **fields_of(depth)))
        ]

    assert "PORT125" not in codes(deepest)
    assert codes(deepest + 1) == ["PORT125"]
    assert codes(200) == ["PORT125"]


def test_an_expression_that_doubles_is_told_at_once():
    value: Expression = ParameterRef(name="n")
    for _ in range(MOST_LEVELS - 2):
        value = ListOf(items=(value, value))
    parameters = {"n": Parameter(type=AnyType(), default=1)}
    [finding] = validate(Pipeline(name="p", parameters=parameters, body=(task(value),)))
    assert finding.code == "PORT125"
    assert "`t`" in finding.what
    assert finding.next
