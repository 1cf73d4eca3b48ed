"""Documents that are wrong: each mistake is a finding with its code and its place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intermodal.ir.read import read

GOOD = """\
name: totals
body:
- node: task
  id: fetch
  action:
    kind: shell
    command: echo 1
  timeout: 20m
- node: task
  id: done
  action: {kind: noop}
  after: [fetch]
"""


def findings_of(text, file="p.yaml"):
    pipeline, findings = read(text, file)
    assert (pipeline is None) == bool(findings)
    return [(f.code, f.span.line if f.span else None) for f in findings]


def test_a_good_document_reads():
    pipeline, findings = read(GOOD, "p.yaml", locate=True)
    assert findings == []
    assert [str(node.span) for node in pipeline.body] == ["p.yaml:3:3", "p.yaml:9:3"]
    assert pipeline.body[0].timeout.total_seconds() == 1200


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("command:", "comand:", [("PORT101", 5), ("PORT100", 7)]),
        ("name: totals", "name: [1]", [("PORT102", 1)]),
        ("name: totals", "name: 'no name'", [("PORT109", 1)]),
        ("timeout: 20m", "timeout: soon", [("PORT102", 8)]),
        ("kind: noop", "kind: nope", [("PORT102", 11)]),
        ("name: totals", "name: totals\nir_version: 2", [("PORT103", 2)]),
        ("name: totals", "name: totals\ncolour: red", [("PORT100", 2)]),
        ("after: [fetch]", "after: [fetch", [("PORT003", 13)]),
        ("after: [fetch]", "after: &a [fetch]\n  reads: *a", [("PORT003", 1)]),
    ],
)
def test_mistakes_have_a_code_and_a_line(old, new, expected):
    assert findings_of(GOOD.replace(old, new)) == expected


@pytest.mark.parametrize("text", ["", "# only a comment", "- 1", "42", "null"])
def test_no_pipeline_at_all(text):
    assert [code for code, _ in findings_of(text)] == ["PORT102"]


def test_json_syntax_error_has_its_place():
    assert findings_of('{"name": "x",\n "body": [}', "p.json") == [("PORT003", 2)]


def test_deep_nesting_is_refused_not_crashed_on():
    assert findings_of("[" * 5000, "p.yaml")[0][0] == "PORT003"
    assert findings_of("[" * 100_000, "p.json")[0][0] == "PORT003"


@given(st.text(max_size=60))
def test_any_text_gives_findings_and_never_an_exception(text):
    read(text, "p.yaml")
    read(text, "p.json")


@given(st.integers(0, len(GOOD)), st.integers(0, len(GOOD)), st.text(max_size=3))
def test_mangled_documents_never_raise(start, length, insert):
    read(GOOD[:start] + insert + GOOD[start + length :], "p.yaml")
