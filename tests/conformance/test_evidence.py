"""The results that come with the package are those of this tree; `make matrix` makes them anew."""

from pathlib import Path

import pytest

from intermodal import registry
from intermodal.evidence import (
    CaseResult,
    Evidence,
    Shown,
    not_the_same,
    read_evidence,
    rows,
)
from intermodal.evidence_page import page
from intermodal.features import Feature
from intermodal_backends.conformance.case import find_cases
from intermodal_backends.conformance.results import (
    ENGINES,
    all_that_declare,
    features_of,
    merged,
    support_of_all,
)

ROOT = Path(__file__).parent
PAGE = ROOT.parents[1] / "docs" / "matrix.md"
CASES = find_cases(ROOT)
STALE = "run `make matrix`"


@pytest.fixture(scope="module")
def evidence():
    return read_evidence()


def test_the_cases_are_those_that_were_run(evidence):
    as_of_now = {case.name: case.content_hash() for case in CASES}
    assert {name: case.content for name, case in evidence.cases.items()} == as_of_now, (
        STALE
    )


def test_the_features_of_the_cases_are_todays(evidence):
    assert {name: case.features for name, case in evidence.cases.items()} == {
        case.name: features_of(case) for case in CASES
    }, STALE


def test_the_compilers_say_what_they_said_then(evidence):
    assert evidence.support == support_of_all(), STALE


def test_every_case_came_out_as_it_must_on_every_engine(evidence):
    for name, case in evidence.cases.items():
        assert set(case.targets) == set(evidence.support), name
        for target, shown in case.targets.items():
            assert shown.verdict != "differs", (name, target)
            assert (shown.verdict == "compiled") <= (target not in ENGINES), (
                name,
                target,
            )


def test_the_page_is_made_from_the_results(evidence):
    assert PAGE.read_text(encoding="utf-8") == page(all_that_declare(), evidence), STALE


def test_new_results_replace_those_of_the_same_engine_and_cases_that_are_gone():
    case = next(case for case in CASES if case.name == "values/diamond")
    old = CaseResult(
        content="old",
        features=(),
        targets={
            "kfp@2": Shown(verdict="same"),
            "prefect@3": Shown(verdict="differs"),
            "airflow@3.2": Shown(verdict="refused"),
        },
    )
    before = Evidence(cases={"values/diamond": old, "values/gone": old})
    told = {"prefect@3": {"values/diamond": (Shown(verdict="same"), ())}}
    after = merged(before, [case], told)
    assert set(after.cases) == {"values/diamond"}
    now = after.cases["values/diamond"]
    assert now.content == case.content_hash()
    assert Feature.ACTION_PYTHON in now.features
    verdicts = {target: shown.verdict for target, shown in now.targets.items()}
    assert verdicts["kfp@2"] == verdicts["prefect@3"] == "same"
    assert verdicts["airflow@3.2"] == verdicts["airflow@3.3"] == "compiled"


def test_rows_count_what_the_cases_showed():
    shown = {
        "a": "same",
        "b": "excluded",
        "c": "compiles_only",
        "d": "refused",
    }
    evidence = Evidence(
        cases={
            name: CaseResult(
                content="",
                features=("retry",),
                targets={"prefect@3": Shown(verdict=verdict, reason="because")},
            )
            for name, verdict in shown.items()
        }
    )
    [row] = [
        row
        for row in rows([registry.compiler("prefect")], evidence)
        if row.feature == "retry"
    ]
    assert (row.compiles, row.ran_same, row.cases) == (3, 1, 4)
    [unseen] = [
        row
        for row in rows([registry.compiler("prefect")], evidence)
        if row.feature == "schedule.cron"
    ]
    assert unseen.ran_same is None
    assert len(list(not_the_same(evidence))) == 4
    assert "`b` | `prefect@3` | excluded | because |" in page(
        [registry.compiler("prefect")], evidence
    )
