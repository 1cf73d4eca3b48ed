"""What each target's compiler emits for each case: idiomatic text that a reviewer can read the diff of."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from intermodal import registry
from intermodal.compile import compile_pipeline
from intermodal.findings import FindingsError, errors_of
from intermodal_backends.conformance.case import find_cases
from intermodal_backends.conformance.checks import unmet

ROOT = Path(__file__).parent
CASES = find_cases(ROOT)
TARGETS = ["airflow@3.3", "airflow@2.11", "kfp@2", "prefect@3"]
RULES = "E4,E7,E9,F,I,UP,B,SIM"
# Rules AIR3 are about moving to Airflow 3, which a file for Airflow 2 has not done.
PYTHON_TARGETS = {
    "airflow@3.3": f"{RULES},AIR",
    "airflow@2.11": f"{RULES},AIR0",
    "prefect@3": RULES,
}


def compiled(case, name):
    target, _ = registry.resolve_target(name)
    return compile_pipeline(
        case.pipeline(), target, replace(case.settings, store="store")
    )


def loaded(case):
    try:
        return case.pipeline(), []
    except FindingsError as problem:
        return None, sorted({finding.code for finding in problem.findings})


@pytest.fixture(params=[case for case in CASES if case.expect.trace], ids=repr)
def case(request):
    return request.param


@pytest.mark.parametrize("name", TARGETS)
def test_emitted_files(case, name, golden, request):
    folder = case.folder / "golden" / name
    result = compiled(case, name)
    codes = {finding.code for finding in errors_of(result.findings)}
    exclusion = case.exclusion(registry.resolve_target(name)[0])
    assert codes == (
        {exclusion.refused} if exclusion and exclusion.refused else set()
    ), result.findings
    if request.config.getoption("--update-golden") and folder.exists():
        for stale in folder.iterdir():
            stale.unlink()
    for file, text in result.files.items():
        golden(folder / file, text)
    declared = case.compiles_only(registry.resolve_target(name)[0])
    assert declared is None or unmet(declared.check, result.files) == []
    written = {path.name for path in folder.iterdir()} if folder.exists() else set()
    assert written == set(result.files)


@pytest.mark.parametrize("name", TARGETS)
def test_the_same_input_gives_the_same_bytes(case, name):
    assert compiled(case, name).files == compiled(case, name).files


def ruff(*arguments):
    command = [sys.executable, "-m", "ruff", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("name", "rules"), PYTHON_TARGETS.items())
def test_emitted_python_is_formatted_and_free_of_lint(name, rules, tmp_path):
    files = sorted(ROOT.glob(f"*/*/golden/{name}/*.py"))
    assert len(files) > 35
    for file in files:
        copy = tmp_path / "_".join(file.relative_to(ROOT).parts)
        copy.write_bytes(file.read_bytes())
    checked = ruff("check", "--isolated", "--select", rules, tmp_path)
    assert checked.returncode == 0, checked.stdout
    formatted = ruff("format", "--isolated", "--diff", tmp_path)
    assert formatted.returncode == 0, formatted.stdout


@pytest.mark.parametrize(
    "case", [case for case in CASES if not case.expect.trace], ids=repr
)
def test_refusals_are_the_declared_findings(case):
    pipeline, codes = loaded(case)
    if pipeline is None:
        assert codes == sorted(case.expect.findings)
        return
    for name in TARGETS:
        target, _ = registry.resolve_target(name)
        result = compile_pipeline(pipeline, target, case.settings)
        assert sorted({f.code for f in errors_of(result.findings)}) == sorted(
            case.expect.findings
        )
        assert not result.files
        assert all(
            finding.span and finding.next for finding in errors_of(result.findings)
        )
