"""Every case on every real engine: the traces must be those that the case expects, and as recorded."""

from pathlib import Path

import pytest

from intermodal import registry
from intermodal.evidence import read_evidence
from intermodal_backends.conformance.case import find_cases
from intermodal_backends.conformance.harness import run_engine, run_reference
from intermodal_backends.conformance.results import ENGINES, shown
from intermodal_backends.engines.environment import require

ROOT = Path(__file__).resolve().parents[2] / "tests" / "conformance"
CASES = find_cases(ROOT)
RECORDED = read_evidence().cases


@pytest.fixture(scope="module")
def references(tmp_path_factory):
    """Traces of the reference executor, each made once."""
    made = {}

    def reference(case):
        if case.name not in made:
            work = tmp_path_factory.mktemp("reference")
            made[case.name] = run_reference(case, work).trace
        return made[case.name]

    return reference


@pytest.fixture(
    scope="module",
    # With several processes, all cases of an engine go to one.
    params=[pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in ENGINES],
)
def engine(request):
    """One warm process of a real engine, for all its cases."""
    target, _ = registry.resolve_target(request.param)
    with registry.load("engines", target.name)(require(request.param)) as warm:
        yield target, warm


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_case(engine, case, references, tmp_path):
    target, warm = engine
    outcome = run_engine(case, target, warm, tmp_path, references(case))
    assert outcome.is_good, "\n".join([*outcome.differences, outcome.log])
    recorded = RECORDED[case.name].targets[str(target)]
    assert shown(case, target, outcome) == recorded, "run `make matrix`"
