"""What is written loads back to the same pipeline: every case, every field of the IR, random graphs."""

import itertools
import json
import subprocess
import sys
from pathlib import Path

import pytest
import written_same as same
from hypothesis import given, settings

import strategies_tasks
from field_samples import ROWS, sample
from intermodal.analysis.rewrite import map_tasks
from intermodal.authoring.capture import capture
from intermodal.authoring.load import load_source
from intermodal.findings import errors_of
from intermodal.ir import AnyType, Literal_, Pipeline, PythonCall, Task
from intermodal_compilers.writing import write_module
from strategies_pipelines import pipelines

CASES = Path(__file__).parent.parent / "conformance"
RUFF = [sys.executable, "-m", "ruff"]
# What users write stands as they wrote it: mutable defaults of parameters are theirs.
RULES = "E,F,I,W,UP,RUF,B,C4,SIM,PIE"
NOT_OURS = "E501,B006,RUF001,RUF002,RUF003,SIM117,W291,W293"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("written")


@pytest.fixture
def back(tmp_path):
    """Write pipelines and load what was written."""
    numbers = itertools.count()

    def back(*given, root=None, **options):
        written = write_module(given, **options)
        file = tmp_path / f"written_{next(numbers)}.py"
        file.write_text(written.text, encoding="utf-8")
        loaded = load_source(file, root or tmp_path)
        assert errors_of(loaded.findings) == [], written.text
        return {pipeline.name: pipeline for pipeline in loaded.pipelines}, written

    return back


def check(before, after, written):
    text = written.text
    assert {each.name for each in before} == set(after), text
    for pipeline in before:
        said, loaded = same.forms(pipeline, after[pipeline.name], written.renamed)
        assert json.dumps(loaded, indent=1, sort_keys=True) == json.dumps(
            said, indent=1, sort_keys=True
        ), text


def cases():
    for file in sorted(CASES.glob("*/*/pipeline.*")):
        if file.suffix in (".py", ".yaml") and "golden" not in file.parts:
            yield pytest.param(file, id="/".join(file.parts[-3:-1]))


@pytest.fixture(scope="module")
def formatted():
    """Texts by name, to be formatted and linted together."""
    return {}


@pytest.mark.parametrize("file", list(cases()))
def test_cases(file, back, formatted):
    loaded = load_source(file, CASES)
    if errors_of(loaded.findings):
        pytest.skip("the case is about what cannot be loaded")
    after, written = back(*loaded.pipelines, root=CASES)
    check(loaded.pipelines, after, written)
    formatted["_".join(file.parts[-3:-1])] = written.text


def test_cases_are_formatted_and_clean(formatted, tmp_path):
    if not formatted:
        pytest.skip("no case was written")
    for name, text in formatted.items():
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
    alone = ("--isolated", "--no-cache", "--line-length", "88")
    rules = ("--select", RULES, "--ignore", NOT_OURS, "--output-format", "concise")
    for command in (("format", "--diff", *alone), ("check", *alone, *rules)):
        line = [*RUFF, *command, "."]
        run = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stdout + run.stderr


FOUND_ANEW = {
    "PythonCall.source": "a function that is imported is captured when it is loaded",
    "Task.tracks": "authoring sees in the source whether it tracks",
}


@pytest.mark.parametrize("field", [field for field in ROWS if field not in FOUND_ANEW])
def test_every_field_comes_back(field, back):
    for pipeline in sample(field)[:2]:
        if pipeline.hosted is not None:
            [finding] = write_module([pipeline]).findings
            assert (finding.code, finding.severity.value) == ("PORT807", "error")
            continue
        after, written = back(pipeline)
        check([pipeline], after, written)


def test_functions_without_source_are_imported(back, tmp_path):
    (tmp_path / "jobs_of_test.py").write_text("def f(x):\n    return x\n", encoding="utf-8")
    call = PythonCall(module="jobs_of_test", function="f")
    tasks = [
        Task(id=name, action=call, inputs={"x": Literal_(value=1)}, outputs={"return": AnyType()})
        for name in ("f", "g")
    ]
    after, written = back(Pipeline(name="p", body=tuple(tasks)))
    assert "f_task = task(f)" in written.text
    for task in after["p"].body:
        assert task.action.source.function == "def f(x):\n    return x\n"
        assert task.action.module == "jobs_of_test"


SOURCE, _ = capture(strategies_tasks.play, None)


def with_source(task):
    return task.model_copy(update={"action": task.action.model_copy(update={"source": SOURCE})})


@settings(max_examples=25)
@given(pipeline=pipelines(most=14))
def test_random_graphs(pipeline, tmp_path_factory):
    pipeline = map_tasks(pipeline, with_source)
    written = write_module([pipeline])
    file = tmp_path_factory.mktemp("random") / "written.py"
    file.write_text(written.text, encoding="utf-8")
    loaded = load_source(file, file.parent)
    assert errors_of(loaded.findings) == [], written.text
    check([pipeline], {each.name: each for each in loaded.pipelines}, written)
    assert written.findings == ()
