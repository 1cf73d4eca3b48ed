"""Each small mistake gives exactly its finding, at its line."""

from pathlib import Path

import pytest
from kfp_mutations import MUTATIONS, Mutation

from intermodal.codes import CODES
from intermodal.findings import FindingsError, errors_of
from intermodal_compilers.kfp.lint import lint, lint_messages
from intermodal_compilers.kfp.spec import load

GOOD = (Path(__file__).parent / "good.yaml").read_text()


def test_the_good_spec_has_no_findings():
    assert lint(GOOD) == []


def test_messages_are_linted_without_their_text():
    good = load(GOOD)
    assert lint_messages(good.pipeline, good.platform) == []
    good.pipeline.root.dag.tasks["load"].dependent_tasks.append("train")
    assert [(f.code, f.span) for f in lint_messages(good.pipeline)] == [("PORT305", None)]


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_a_mistake_gives_its_finding_at_its_line(mutation: Mutation):
    assert GOOD.count(mutation.old) == mutation.times
    text = GOOD.replace(mutation.old, mutation.new)
    findings = lint(text, "here.yaml")
    assert [finding.code for finding in findings] == [mutation.code], findings
    span = findings[0].span
    assert span is not None
    assert span.file == "here.yaml"
    line = text.splitlines()[span.line - 1]
    assert line.strip() == mutation.at
    assert 1 <= span.column <= len(line) + 1
    assert findings[0].what.endswith(".")


def test_every_code_of_kfp_has_a_mistake_and_the_other_way_round():
    codes = {code for code in CODES if "PORT300" <= code <= "PORT349"}
    assert {mutation.code for mutation in MUTATIONS} == codes


def test_all_mistakes_of_a_text_are_found_at_once():
    text = GOOD.replace("executorLabel: exec-join", "executorLabel: exec-joni")
    text = text.replace("constant: 50\n", "constant: fifty\n")
    text = text.replace("        - loop\n", "        - loop\n        - lop\n")
    findings = lint(text)
    assert [finding.code for finding in findings] == ["PORT309", "PORT306", "PORT329"]
    assert findings == sorted(findings, key=lambda finding: finding.span.line)
    assert errors_of(findings) == findings


def test_all_wrong_fields_are_found_at_once():
    text = GOOD.replace("maxRetryCount: 3", "maxRetryCount: many").replace("literals:", "litreals:")
    assert [finding.code for finding in lint(text)] == ["PORT301", "PORT302"]
    assert "`literals`" in lint(text)[0].next


def test_loading_what_is_not_a_spec_raises_findings_with_places():
    with pytest.raises(FindingsError) as caught:
        load(GOOD.replace("maxRetryCount: 3", "maxRetryCount: many"), "here.yaml")
    assert [str(finding.span)[:10] for finding in caught.value.findings] == ["here.yaml:"]
