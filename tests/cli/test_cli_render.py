"""Findings as text, SARIF, JUnit and annotations."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from intermodal.cli.render.github import github
from intermodal.cli.render.junit import Case, junit
from intermodal.cli.render.sarif import sarif
from intermodal.cli.render.text import printable, render, summary
from intermodal.codes import CODES
from intermodal.findings import Span, error, note, warning

SOURCE = "one\n    done = tidy(rows).with_options()\n\tx = naïve(日本, y)\n"


@pytest.fixture
def root(tmp_path):
    (tmp_path / "etl.py").write_text(SOURCE, encoding="utf-8")
    return tmp_path


def at(line, column, file="etl.py"):
    return Span(file=file, line=line, column=column)


def test_a_finding_looks_like_a_good_compilers(root):
    finding = error(
        "PORT200", "Kubeflow cannot run `tidy`", at(2, 12), why="an exit hook", next="move it"
    )
    assert render([finding], root) == (
        "error[PORT200]: Kubeflow cannot run `tidy`\n"
        "  --> etl.py:2:12\n"
        "   |\n"
        " 2 |     done = tidy(rows).with_options()\n"
        "   |            ^^^^\n"
        "   = why:  an exit hook\n"
        "   = next: move it\n"
        "   `port explain PORT200` tells more"
    )


def test_a_code_is_explained_once(root):
    said = render([error("PORT001", "a"), error("PORT001", "b"), error("PORT002", "c")], root)
    assert said.count("port explain PORT001") == 1
    assert said.count("port explain PORT002") == 1


def test_wide_line_numbers_move_the_bar(root):
    (root / "long.py").write_text("\n" * 1233 + "here = 1\n")
    said = render([error("PORT003", "x", at(1234, 1, "long.py"), why="w")], root)
    assert "    --> long.py:1234:1\n     |\n1234 | here = 1\n     | ^^^^\n     = why:  w\n" in said


def test_carets_stand_under_wide_characters_and_tabs(root):
    said = render([error("PORT003", "x", at(3, 12))], root).splitlines()
    shown, carets = said[3], said[4]
    assert shown == " 3 |     x = naïve(日本, y)"
    assert carets == "   |               ^^^^"


@pytest.mark.parametrize("span", [at(99, 1), at(0, 1), at(1, 1, "gone.py"), at(1, 1, "a\0b")])
def test_no_frame_without_the_line(root, span):
    lines = render([error("PORT003", "x", span)], root).splitlines()
    assert len(lines) == 3


@pytest.mark.parametrize("column", [0, 4, 5, 999, -3])
def test_columns_out_of_the_line_do_no_harm(root, column):
    assert "^" in render([error("PORT003", "x", at(1, column))], root)


def test_a_very_long_line_is_cut_around_the_place(root):
    (root / "long.py").write_text("a" * 5000 + " here " + "b" * 5000)
    lines = render([error("PORT003", "x", at(1, 5002, "long.py"))], root).splitlines()
    assert "here" in lines[3]
    assert len(lines[3]) < 200
    assert lines[3][lines[4].index("^")] == "h"
    assert lines[4].count("^") == 4


def test_colour_only_when_asked(root):
    finding = error("PORT003", "x", at(2, 5))
    assert "\x1b[" not in render([finding], root)
    assert "\x1b[31m" in render([finding], root, colour=True)


@given(st.text())
def test_no_text_steers_the_terminal(text):
    assert printable(text).isprintable()


def test_summary_counts():
    found = [error("PORT001", "a"), warning("PORT403", "b"), warning("PORT403", "c")]
    assert summary(found) == "1 error · 2 warnings"
    assert summary([note("PORT201", "n")]) == ""


FOUND = [
    error("PORT200", "no", at(2, 12, "a b/etl.py"), why="w", next="n"),
    warning("PORT403", "hm"),
    note("PORT201", "how", at(1, 1)),
]


def test_sarif_keeps_to_its_official_schema():
    # Absent only where the lowest versions are tested: it takes a newer pydantic.
    schema = pytest.importorskip("fluidattacks_core.sarif").SarifLog
    everything = [error(code, "what", at(1, 1), why="why", next="next") for code in CODES]
    for findings in (FOUND, everything, []):
        data = sarif(findings)
        read = schema.model_validate(data)
        back = read.model_dump(mode="json", by_alias=True, exclude_unset=True)
        assert back["runs"] == data["runs"]
    data["runs"][0]["results"] = [{"levle": "error"}]
    with pytest.raises(ValidationError, match="levle"):
        schema.model_validate(data)


def test_sarif_has_a_rule_for_each_code_and_a_place_for_each_span():
    [run] = sarif(FOUND)["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert rules == ["PORT200", "PORT201", "PORT403"]
    first, second, third = run["results"]
    assert [r["level"] for r in run["results"]] == ["error", "warning", "note"]
    assert [rules[r["ruleIndex"]] for r in run["results"]] == ["PORT200", "PORT403", "PORT201"]
    assert first["message"]["text"] == "no\nWhy: w\nNext: n"
    assert first["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "a%20b/etl.py"},
        "region": {"startLine": 2, "startColumn": 12},
    }
    assert "locations" not in second
    assert third["locations"]


def test_annotations_are_escaped():
    [line] = github([error("PORT200", "100%\nsure", at(1, 2, "a,b:c.py"))]).splitlines()
    assert line == "::error file=a%2Cb%3Ac.py,line=1,col=2,title=PORT200::100%25%0Asure"
    assert github([note("PORT201", "x")]) == "::notice title=PORT201::x"


def test_junit_fails_cases_with_errors_only():
    cases = [
        Case("etl", "kfp@2", (FOUND[0], FOUND[1])),
        Case("etl", "toy@1", (FOUND[1],)),
        Case("x", "toy@1", ()),
    ]
    suite = ET.fromstring(junit(cases))[0]
    assert (suite.get("tests"), suite.get("failures")) == ("3", "1")
    failed, passed, clean = suite
    assert failed.find("failure").get("type") == "PORT200"
    assert "a b/etl.py:2:12" in failed.find("failure").text
    assert "PORT403" in failed.find("system-out").text
    assert passed.find("failure") is None
    assert len(clean) == 0


@given(st.text(), st.text())
def test_junit_holds_any_text(what, name):
    case = Case(name, name, (error("PORT200", what, next=what), note("PORT201", what)))
    root = ET.fromstring(junit([case]).encode("utf-8", "replace"))
    assert len(root[0][0]) == 2


def test_spans_outside_the_project_become_file_uris():
    [run] = sarif([error("PORT003", "x", at(1, 1, str(Path("/a/ü.py"))))])["runs"]
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "file:///a/%C3%BC.py"
