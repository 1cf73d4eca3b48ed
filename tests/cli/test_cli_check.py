"""`port check`: all targets and profiles, in all forms."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import pytest

from intermodal.cli import matrix
from intermodal.compiling import Compiled
from intermodal.findings import error

LOOP = (
    "name: loops\nbody:\n- node: for_each\n  id: each\n"
    "  items: {lists: [{op: literal, value: [1]}]}\n"
    "  body: [{node: task, id: a, action: {kind: noop}}]\n"
)


@pytest.fixture
def mixed(etl, project):
    """A pipeline that compiles for both targets, and one that does for one of them."""
    (project / "loops.yaml").write_text(LOOP)
    (project / "intermodal.toml").write_text(
        'targets = ["toy", "brick"]\nsources = ["etl.py", "loops.yaml"]\n'
        '[profiles.cloud]\ncode = "image"\n'
    )
    return project


def test_clean(call, etl, project):
    done = call("check", etl)
    assert done.code == 0
    assert "clean" in done.out
    assert not (project / "build").exists()


def test_table_of_pipelines_profiles_and_targets(call, mixed):
    done = call("check")
    assert done.code == 1
    rows = [line.split() for line in done.out.splitlines()]
    assert rows[3:6] == [
        ["pipeline", "profile", "toy@2.0", "brick@1.0"],
        ["etl", "-", "ok", "ok"],
        ["etl", "cloud", "ok", "ok"],
    ]
    assert "1 error" in done.out.splitlines()[6]
    assert done.err.count("error[PORT200]: toy@2.0") == 1


def test_unsupported_features_are_one_table_with_the_users_lines(call, mixed):
    (mixed / "more.yaml").write_text(LOOP.replace("loops", "more").replace("\n-", "\n\n-"))
    done = call("check", "loops.yaml", "more.yaml", "--target", "toy", "--target", "brick")
    rows = done.out.splitlines()
    assert rows[0].split() == ["not", "supported", "toy@2.0", "brick@1.0", "where"]
    assert rows[1].split() == [
        "structure.for_each",
        "refused",
        "refused",
        "loops.yaml:3;",
        "more.yaml:4",
    ]
    assert not rows[2]
    assert "not supported" not in call("check", "etl.py").out


def test_refused_values_stand_in_the_table_by_their_code(call, mixed, monkeypatch):
    def refuse(pipeline, target, settings):
        return Compiled({}, (error("PORT204", "too many", pipeline.span),))

    monkeypatch.setattr(matrix, "compile_pipeline", refuse)
    rows = call("check", "etl.py", "--target", "brick").out.splitlines()
    assert rows[1].split()[-3:] == ["target", "refused", "etl.py:15"]


def test_all_profiles_is_the_default_and_profile_narrows(call, mixed):
    assert call("check", "--json").json == call("check", "--all-profiles", "--json").json
    only = call("check", "--profile", "cloud", "--json").json
    assert {c["profile"] for c in only["checked"]} == {"cloud"}
    assert call("check", "--profile", "cloud", "--all-profiles").code == 2


def test_target_narrows(call, mixed):
    checked = call("check", "--target", "toy@1", "--json").json["checked"]
    assert {c["target"] for c in checked} == {"toy@1.0"}


def test_sarif(call, mixed):
    done = call("check", "--format", "sarif")
    assert done.code == 1
    results = json.loads(done.out)["runs"][0]["results"]
    place = results[0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "loops.yaml"


def test_junit(call, mixed):
    done = call("check", "--format", "junit")
    assert done.code == 1
    suite = ET.fromstring(done.out)[0]
    names = [(c.get("classname"), c.get("name")) for c in suite if c.find("failure") is not None]
    assert ("loops", "toy@2.0 cloud") in names
    assert ("etl", "toy@2.0") not in names


def test_no_annotations_is_no_output(call, etl):
    assert call("check", etl, "--format", "github").out == ""


def test_github(call, mixed):
    assert call("check", "--format", "github").out.startswith("::error file=loops.yaml,line=3")


def test_errors_of_a_source_are_in_every_form(call, project):
    (project / "bad.yaml").write_text("name: [\n")
    for form in ("json", "sarif", "junit", "github"):
        done = call("check", "bad.yaml", "--format", form)
        assert done.code == 1
        assert "PORT003" in done.out
    assert call("check", "bad.yaml").code == 1
