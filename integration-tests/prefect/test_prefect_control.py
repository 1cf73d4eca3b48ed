"""Control flow in a real Prefect: traces equal to those of the reference executor."""

from pathlib import Path

import pytest
from prefect_control_cases import PIPELINES

from intermodal.compile import compile_pipeline
from intermodal.compiling import Settings, Target
from intermodal.findings import errors_of
from intermodal.trace import compare, read_events, trace_of
from intermodal.unrecorded import settle_unrecorded
from intermodal_backends.conformance.emitted import original_names, write_compiled
from intermodal_backends.engines.driver import EngineCase
from intermodal_backends.engines.environment import install
from intermodal_backends.engines.prefect import PrefectEngine
from intermodal_backends.local import RunOptions, run_pipeline

WITNESS = Path(__file__).parents[2] / "tests" / "conformance"

# Here the reference's own trace says `ordered` of tasks that waited for less than an edge's whole.
ORDER = ("groups", "join_one_failed")

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def engine():
    with PrefectEngine(install("prefect@3")) as warm:
        yield warm


@pytest.mark.parametrize("name", PIPELINES)
def test_what_happens_is_what_the_reference_executor_does(engine, name, tmp_path):
    pipeline = PIPELINES[name]()
    (tmp_path / "here").mkdir()
    (tmp_path / "there").mkdir()
    here, there = (_environment(tmp_path / place) for place in ("here", "there"))
    options = RunOptions(store=here["INTERMODAL_STORE"], python_path=(WITNESS,), environment=here)
    reference = run_pipeline(pipeline, {}, options).trace
    compiled = compile_pipeline(pipeline, Target("prefect", "3"), Settings())
    assert errors_of(compiled.findings) == []
    case = EngineCase(
        folder=write_compiled(compiled.files, tmp_path / "compiled"),
        pipeline=pipeline.name,
        environment=there,
        python_path=(WITNESS,),
        timeout=60,
    )
    result = engine.run(case)
    states = original_names(compiled, result.states)
    events = read_events(tmp_path / "there" / "events.jsonl")
    trace = settle_unrecorded(pipeline, reference.instances, trace_of(pipeline, events, states))
    ignored = ("ordered",) if name in ORDER else ()
    assert [str(one) for one in compare(reference, trace, ignored)] == [], result.log
    assert result.succeeded == (reference.state == "succeeded")


def _environment(folder):
    return {
        "INTERMODAL_EVENTS": str(folder / "events.jsonl"),
        "INTERMODAL_STORE": str(folder / "store"),
        "WITNESS": str(WITNESS / "witness.py"),
    }
