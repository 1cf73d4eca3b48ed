"""Every case on the reference executor: it is the referee, so it must do what the case says."""

from pathlib import Path

import pytest

from intermodal_backends.conformance.case import find_cases
from intermodal_backends.conformance.compare import differences
from intermodal_backends.conformance.harness import run_reference

CASES = find_cases(Path(__file__).parent)


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_reference_executor(case, tmp_path):
    outcome = run_reference(case, tmp_path)
    assert outcome.is_good, "\n".join([*outcome.differences, outcome.log])


def test_the_comparison_can_fail(tmp_path):
    case = next(case for case in CASES if case.name == "values/diamond")
    trace = run_reference(case, tmp_path).trace
    assert differences(case.expect.trace, trace, trace) == []
    broken = trace.instances["left"].model_copy(
        update={
            "outputs": {"return": 10.0},
            "attempts": 2,
            "ordered": False,
        }
    )
    changed = trace.model_copy(
        update={"instances": {**trace.instances, "left": broken}}
    )
    found = differences(case.expect.trace, changed, trace)
    assert [item.field for item in found] == [
        "attempts",
        "ordered",
        "outputs.return",
    ]
    del changed.instances["right"]
    assert "instance" in [
        item.field for item in differences(case.expect.trace, changed, trace)
    ]
