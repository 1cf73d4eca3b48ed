"""What a command imports, for that is most of the time that a small one takes."""

from __future__ import annotations

import subprocess
import sys

import pytest

SOURCE = """
from intermodal import pipeline, task

@task
def one(n: int) -> int:
    return n

@pipeline
def small(n: int = 1):
    one(n)
"""

DOCUMENT = """
ir_version: 1
name: small
body:
  - {node: task, id: one, action: {kind: shell, command: "true"}}
"""

SHOW = """
import sys
from intermodal.cli.main import port
try:
    port.main(sys.argv[1:])
except SystemExit as ending:
    assert not ending.code, ending.code
print("modules", *sys.modules)
"""

HEAVY = {
    "fsspec",
    "importlib.metadata",
    "intermodal.artifacts.serialisers",
    "jinja2",
    "libcst",
    "mlflow",
    "pandas",
    "pydantic",
    "rich",
    "tomllib",
    "yaml",
}


def imported(folder, *arguments):
    command = [sys.executable, "-c", SHOW, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder)
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize(("target", "uses"), [("airflow", ""), ("kfp", ""), ("prefect", "yaml")])
def test_compiling_python_imports_nothing_that_it_does_not_use(tmp_path, target, uses):
    (tmp_path / "small.py").write_text(SOURCE)
    modules = imported(tmp_path, "compile", "small.py", "--target", target)
    assert f"intermodal_compilers.{target}.lower" in modules
    assert not modules & (HEAVY - {uses})


def test_help_imports_nothing_but_the_command_line(tmp_path):
    modules = imported(tmp_path, "--help")
    assert not modules & (HEAVY | {"intermodal.ir", "intermodal.findings"})


def test_what_is_looked_for_is_found_where_it_is_used(tmp_path):
    (tmp_path / "small.yaml").write_text(DOCUMENT)
    modules = imported(tmp_path, "compile", "small.yaml", "--target", "kfp")
    assert {"pydantic", "yaml"} <= modules
