"""Random pipelines do the same on the reference executor and on real engines; all are drawn from one seed."""

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from intermodal import registry
from intermodal.analysis.validate import validate
from intermodal.compile import compile_pipeline
from intermodal.compiling import Settings
from intermodal.engines import Trial
from intermodal.findings import errors_of
from intermodal.ir.read import read
from intermodal.ir.write import to_yaml
from intermodal.unrecorded import differences
from intermodal_backends.conformance.trial import run_compiled
from intermodal_backends.engines.environment import require
from intermodal_backends.local import RunOptions, run_pipeline
from strategies_pipelines import pipelines

TESTS = Path(__file__).resolve().parents[2] / "tests"
PYTHON_PATH = (TESTS, TESTS / "conformance")
ENGINES = ["airflow@3.3", "prefect@3", "airflow@2.11"]
EXAMPLES = int(os.environ.get("RANDOM_PIPELINES", "60"))
"""For each engine; a run takes one to three seconds."""


class Document(str):
    """A pipeline as YAML, which a failure shows as it is."""

    __slots__ = ()

    def __repr__(self):
        return f"\n{self}"

    @property
    def pipeline(self):
        return read(str(self))[0]


@st.composite
def documents(draw):
    return Document(to_yaml(draw(pipelines())))


def random_pipelines(number):
    """A test over so many pipelines, the same each time, not made smaller on failure: runs are slow."""
    tuned = settings(
        max_examples=number,
        derandomize=True,
        database=None,
        deadline=None,
        phases=(Phase.explicit, Phase.generate, Phase.shrink)
        if number > 100
        else (Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    return lambda test: tuned(given(documents())(test))


def run_here(pipeline, **options):
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as store:
        chosen = RunOptions(store=store, python_path=PYTHON_PATH, **options)
        return run_pipeline(pipeline, {}, chosen)


@random_pipelines(40)
def test_the_reference_executor_agrees_with_itself(document):
    """However many workers it has, and with the pipeline written and read in between."""
    pipeline = document.pipeline
    assert errors_of(validate(pipeline)) == []
    again = Document(to_yaml(pipeline)).pipeline
    assert run_here(again, workers=4).trace == run_here(pipeline, workers=1).trace


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in ENGINES],
)
def engine(request):
    target, _ = registry.resolve_target(request.param)
    with registry.load("engines", target.name)(require(request.param)) as warm:
        yield target, warm


def test_engines_agree_with_the_reference_executor(engine):
    target, warm = engine
    ran = []

    @random_pipelines(EXAMPLES)
    def check(document):
        pipeline = document.pipeline
        compiled = compile_pipeline(pipeline, target, Settings(code="import"))
        if errors_of(compiled.findings):
            return
        reference = run_here(pipeline).trace
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as work:
            trial = Trial(work=Path(work), python_path=PYTHON_PATH)
            done = run_compiled(pipeline, compiled, warm, trial)
        found = differences(pipeline, reference, done.trace)
        if found:
            note(f"{reference.to_yaml()}\n{done.log[-3000:]}")
        assert [str(difference) for difference in found] == []
        ran.append(pipeline)

    check()
    # A target that refuses most of them would prove nothing.
    assert len(ran) >= EXAMPLES // 3
