"""One cache for all targets: what a run on one made, a run on any other uses again."""

from pathlib import Path

import pytest

from intermodal import registry
from intermodal.compile import compile_pipeline
from intermodal.compiling import Settings
from intermodal.dataversions.folders import DATA_VARIABLE
from intermodal.findings import errors_of
from intermodal.runtime.events import VARIABLE as EVENTS
from intermodal.trace import read_events, trace_of
from intermodal_backends.conformance.case import Case
from intermodal_backends.conformance.emitted import write_compiled
from intermodal_backends.conformance.results import ENGINES
from intermodal_backends.engines.driver import EngineCase
from intermodal_backends.engines.environment import require
from intermodal_backends.local import RunOptions, run_pipeline

HERE = Path(__file__).parent / "cases"
CONFORMANCE = Path(__file__).parents[2] / "tests/conformance"
CASE = Case(HERE / "cache/shared", HERE)
LOCAL = "local"


def surroundings(work, store, number):
    return {
        EVENTS: str(work / f"events-{number}.jsonl"),
        "INTERMODAL_STORE": str(store),
        "WITNESS": str(CONFORMANCE / "witness.py"),
        "XDG_CACHE_HOME": str(work / "copies"),
        DATA_VARIABLE: str(CASE.folder),
    }


@pytest.fixture(scope="module", autouse=True)
def importable():
    """The case, and what it uses to say that it ran."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(CONFORMANCE))
        yield


@pytest.fixture(scope="module")
def engines():
    """Warm engines by name, each started when it is first needed."""
    running = {}

    def warm(name):
        if name not in running:
            target, _ = registry.resolve_target(name)
            manager = registry.load("engines", target.name)(require(name))
            running[name] = (target, manager, manager.__enter__())
        return running[name][0], running[name][2]

    yield warm
    for _, manager, _ in running.values():
        manager.__exit__(None, None, None)


def run_on(name, engines, work, store, code="embed", number=1):
    """The states of a run's tasks."""
    pipeline = CASE.pipeline()
    environment = surroundings(work, store, number)
    if name == LOCAL:
        options = RunOptions(
            store=str(store), python_path=(HERE, CONFORMANCE), environment=environment
        )
        result = run_pipeline(pipeline, {}, options)
        return {task: seen.state for task, seen in result.trace.instances.items()}
    target, engine = engines(name)
    compiled = compile_pipeline(pipeline, target, Settings(store=str(store), code=code))
    assert not errors_of(compiled.findings), compiled.findings
    folder = write_compiled(compiled.files, work / f"{number}-{target.name}-{target.version}")
    result = engine.run(
        EngineCase(
            folder=folder,
            pipeline=pipeline.name,
            environment=environment,
            python_path=(HERE, CONFORMANCE),
        )
    )
    trace = trace_of(pipeline, read_events(Path(environment[EVENTS])), {})
    states = {task: seen.state for task, seen in trace.instances.items()}
    assert states, result.log[-3000:]
    return states


@pytest.mark.parametrize("first", [LOCAL, *ENGINES])
def test_what_one_target_made_every_other_uses(first, engines, tmp_path):
    store = tmp_path / "store"
    made = run_on(first, engines, tmp_path, store)
    assert set(made.values()) == {"succeeded"}, made
    for number, other in enumerate([LOCAL, *ENGINES], 2):
        found = run_on(other, engines, tmp_path, store, number=number)
        assert found == dict.fromkeys(made, "cached"), other


@pytest.mark.parametrize("name", ENGINES)
def test_imported_and_embedded_code_is_the_same(name, engines, tmp_path):
    run_on(LOCAL, engines, tmp_path, tmp_path / "store")
    found = run_on(name, engines, tmp_path, tmp_path / "store", "import", 2)
    assert set(found.values()) == {"cached"}, found
