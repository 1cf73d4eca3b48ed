"""Work grows with the number of tasks, not with its square; and what no engine would take is refused."""

import pytest

from intermodal.compile import compile_pipeline
from intermodal.compiling import Settings, Target
from intermodal.findings import errors_of
from intermodal.ir import (
    Arm,
    Branch,
    CapturedSource,
    Compare,
    IntegerType,
    Join,
    Literal_,
    Parameter,
    ParameterRef,
    Pipeline,
    PythonCall,
    Task,
)
from intermodal_compilers.kfp import gates, limits, skippable

TARGET = Target("kfp", "2")
SAME = CapturedSource(function="def same():\n    return 1\n")


def more_than(value):
    return Compare(operator=">", left=ParameterRef(name="n"), right=Literal_(value=value))


def task(number, **more):
    action = PythonCall(module="m", function="same", source=SAME)
    return Task(id=f"t{number}", action=action, **more)


def wide(count):
    """Tasks with different guards beside each other, which one task waits for."""
    return [task("first"), *(task(n, after=("tfirst",), guard=more_than(n)) for n in range(count))]


def lenient(count):
    """Tasks with different guards behind each other, none of which skips the next."""
    chain = [
        task(n, after=(f"t{n - 1}",), guard=more_than(n), join=Join.NONE_FAILED)
        for n in range(1, count)
    ]
    return [task(0), *chain]


def strict(count):
    """The same where each is skipped with the one before it."""
    return [
        task(0),
        *(task(n, after=(f"t{n - 1}",), guard=more_than(n)) for n in range(1, count)),
    ]


def joined(count):
    return [*wide(count), task("last", after=tuple(f"t{n}" for n in range(count)))]


def many_arms(count):
    arms = (Arm(name=f"a{n}", condition=more_than(n), body=(task(n),)) for n in range(count))
    return [Branch(id="pick", arms=tuple(arms))]


def compile_(body):
    parameters = {"n": Parameter(type=IntegerType(), default=3)}
    pipeline = Pipeline(name="p", body=tuple(body), parameters=parameters)
    return compile_pipeline(pipeline, TARGET, Settings())


@pytest.mark.parametrize("body", [wide, lenient])
def test_guards_are_compared_with_few_others(body, monkeypatch):
    calls = []

    def counted(gate):
        calls.append(gate)
        return gates.conjuncts(gate)

    monkeypatch.setattr(skippable, "conjuncts", counted)
    work = []
    for count in (40, 80, 160):
        calls.clear()
        assert not errors_of(compile_(body(count)).findings)
        work.append(len(calls))
    assert work[2] - work[1] == pytest.approx(2 * (work[1] - work[0]), rel=0.05)


@pytest.mark.parametrize(
    ("body", "largest", "told"),
    [
        (strict, limits.DEEPEST // 2 + 1, "as deep in conditions"),
        (joined, limits.MOST_COMPARISONS, "251 comparisons whether `tlast` runs"),
        (many_arms, limits.MOST_ARMS, "the 101 conditions of branch `pick`"),
    ],
)
def test_what_is_too_large_is_refused_and_nothing_smaller(body, largest, told):
    assert not errors_of(compile_(body(largest)).findings)
    result = compile_(body(largest + 1))
    [finding] = errors_of(result.findings)
    assert finding.code == "PORT204"
    assert told in finding.what
    assert finding.next
    assert result.files == {}
