"""The documentation is true: its examples run, its commands parse, its links and codes exist."""

from __future__ import annotations

import ast
import re
import shlex

import click
import pytest
import yaml
from snippets import PAGES, ROOT, commands, snippets, whole

from intermodal import tracking
from intermodal.authoring.load import load_source
from intermodal.cli.main import COMMANDS, port
from intermodal.codes import CODES
from intermodal.findings import Severity
from intermodal.project import find_project

PYTHON = snippets("python")
INSIDE_TASKS = [one for one in PYTHON if "tracking." in one.text]
AUTHORING = [
    one for one in PYTHON if one not in INSIDE_TASKS and "class AirflowCompiler" not in one.text
]


@pytest.mark.parametrize("snippet", AUTHORING, ids=str)
def test_python_examples_make_pipelines(snippet, tmp_path):
    file = tmp_path / "shown.py"
    file.write_text(whole(snippet), encoding="utf-8")
    loaded = load_source(file, tmp_path)
    bad = [f for f in loaded.findings if f.severity is Severity.ERROR and f.code != "PORT004"]
    assert not bad, file.read_text()
    assert loaded.pipelines or "@pipeline" not in file.read_text()


@pytest.mark.parametrize("snippet", INSIDE_TASKS, ids=str)
def test_examples_of_tracking_call_what_there_is(snippet):
    for node in ast.walk(ast.parse(snippet.text)):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "tracking":
            assert callable(getattr(tracking, node.attr)), node.attr


@pytest.mark.parametrize("snippet", snippets("yaml"), ids=str)
def test_yaml_examples_are_pipelines(snippet, tmp_path):
    assert isinstance(yaml.safe_load(snippet.text), dict)
    file = tmp_path / "shown.yaml"
    file.write_text(snippet.text, encoding="utf-8")
    loaded = load_source(file, tmp_path)
    assert loaded.pipelines
    assert not loaded.findings


@pytest.mark.parametrize("snippet", snippets("toml"), ids=str)
def test_toml_examples_are_project_settings(snippet, tmp_path):
    (tmp_path / "pyproject.toml").write_text(snippet.text, encoding="utf-8")
    project = find_project(tmp_path)
    assert project.file == tmp_path / "pyproject.toml"
    assert project.profiles


def _words(context):
    """What is left to resolve; click calls it differently since 8.2."""
    first = getattr(context, "_protected_args", None)
    return [*(context.protected_args if first is None else first), *context.args]


@pytest.mark.parametrize("line", commands())
def test_commands_parse(line):
    context = port.make_context("port", shlex.split(line)[1:])
    if context.invoked_subcommand is None and not _words(context):
        return
    name, found, rest = port.resolve_command(context, _words(context))
    if not rest and name in COMMANDS and "SOURCE" not in line:
        return  # named in a sentence
    inner = found.make_context(name, rest, parent=context)
    if isinstance(found, click.Group) and _words(inner):
        name, last, rest = found.resolve_command(inner, _words(inner))
        last.make_context(name, rest, parent=inner)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_files_and_codes_exist(page):
    text = page.read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
        assert "://" in link or (page.parent / link).exists(), link
    for code in re.findall(r"PORT\d{3}", text):
        assert code in CODES
    for path in re.findall(
        r"`((?:tests|docs|examples|core|compilers|backends|requirements)/[\w./-]+)`", text
    ):
        assert (ROOT / path).exists(), path


def test_every_command_is_in_the_readme():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [name for name in COMMANDS if f"`port {name}" not in readme] == []


def test_every_page_is_in_the_index():
    index = (ROOT / "docs/index.md").read_text(encoding="utf-8")
    pages = {p.name for p in PAGES if p.parent == ROOT / "docs"} - {"index.md"}
    assert {name for name in pages if f"({name})" not in index} == set()
