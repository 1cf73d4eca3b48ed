"""The specs of the Kubeflow project's own tests: all are sound, and all read back equal."""

from pathlib import Path

import pytest

from intermodal.findings import errors_of
from intermodal_compilers.kfp.lint import lint
from intermodal_compilers.kfp.spec import definition_comment, dump, load

CORPUS = Path(__file__).parent.parent / "data" / "kfp-specs"
SPECS = sorted(CORPUS.rglob("*.yaml"))

# Warnings that the corpus deserves; everything else in it has none. `failing/` holds one spec, whose
# task fails on purpose: as a spec it is sound.
WARNINGS = {
    # Inside a condition the output is declared as the list that a loop outside makes of it.
    "conditional_producer_and_consumers.yaml": {"PORT314"},
    # Loops over artifacts.
    "pipeline_with_parallelfor_list_artifacts_GH-12033.yaml": {"PORT336"},
    # kfp repeats machine settings as inputs that the component does not declare.
    "pipeline_with_string_machine_fields_pipeline_input.yaml": {"PORT312"},
    # The same, and the values come from tasks that are not in `dependentTasks`.
    "pipeline_with_string_machine_fields_task_output.yaml": {"PORT312", "PORT316"},
}


def name_of(path: Path) -> str:
    return str(path.relative_to(CORPUS))


def test_the_corpus_is_complete():
    assert len(SPECS) == 98


@pytest.mark.parametrize("path", SPECS, ids=name_of)
def test_a_real_spec_has_no_errors(path: Path):
    findings = lint(path.read_text(), path.name)
    assert errors_of(findings) == []
    assert {finding.code for finding in findings} == WARNINGS.get(path.name, set())


@pytest.mark.parametrize("path", SPECS, ids=name_of)
def test_a_real_spec_reads_back_equal(path: Path):
    first = load(path.read_text())
    description = first.pipeline.pipeline_info.description
    comment = definition_comment(first.pipeline, description)
    text = dump(first.pipeline, first.platform, comment=comment)
    assert load(text) == first
    again = load(text)
    assert dump(again.pipeline, again.platform, comment=comment) == text
