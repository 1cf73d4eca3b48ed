"""Airflow's own operators in tasks of other engines: run for real, with what they find around them."""

import json
import os
import subprocess
from datetime import date, timedelta
from pathlib import Path

import pytest

from intermodal.compile import compile_pipeline
from intermodal.compiling import Settings, Target
from intermodal.findings import errors_of
from intermodal.trace import read_events, trace_of
from intermodal_backends.conformance.emitted import original_names, write_compiled
from intermodal_backends.engines.driver import EngineCase
from intermodal_backends.engines.kfp import KfpEngine
from intermodal_backends.engines.prefect import PrefectEngine
from intermodal_compilers.airflow.importer.build import build
from intermodal_compilers.airflow.importer.reader import read_files
from intermodal_compilers.airflow.translate import translate_pipeline

HERE = Path(__file__).parent
ENGINES = {"prefect@3": PrefectEngine, "kfp@2": KfpEngine}
DAY = "2026-03-01T06:00:00+00:00"


def outputs(day):
    """What the tasks give in a run for a day."""
    after = (date.fromisoformat(day) + timedelta(days=1)).isoformat()
    answer = {"path": f"/answer?day={day}"}
    return {
        "read": {"return": [[day, 1], [after, 2]]},
        "count": {"return": [day, after], "rows": 2},
        "branch": {"return": ["many"]},
        "many": {"return": "2 hello"},
        "get": {"return": answer},
        "own": {"chosen": ["own_points"]},
        "stop": {"return": False},
        "missing": {"return": None, "ran": False},
        "show": {"return": {"answer": answer, "day": day, "numbers": [day, after]}},
    }


SKIPPED = {"few", "missing_ran", "after_missing", "own_lines", "stopped"}

pytestmark = pytest.mark.engine


def imported(name):
    [file] = read_files([HERE / "dags" / f"{name}.py"])
    [dag] = file.dags
    built = build(dag)
    assert errors_of(built.findings) == []
    return built.pipeline


LOCAL = """
import json, sys
from pathlib import Path
from intermodal.ir.read import read
from intermodal_backends.local import RunOptions, run_pipeline

pipeline, findings = read(Path(sys.argv[1]).read_text(), sys.argv[1])
options = RunOptions(store=sys.argv[2], logical_date=sys.argv[3])
result = run_pipeline(pipeline, {}, options)
instances = {
    name: [one.state, dict(result.trace.instances[name].outputs)]
    for name, one in result.instances.items()
}
failures = [f"{one.instance}: {one.message} {one.log_tail}" for one in result.failures]
print(json.dumps([result.state, instances, failures]))
"""


def test_on_this_machine(worker, surroundings, tmp_path):
    from intermodal.ir.write import to_json

    translated = translate_pipeline(imported("hosting"), "local")
    path = tmp_path / "pipeline.json"
    path.write_text(to_json(translated.pipeline))
    environment = worker("prefect@3")
    done = subprocess.run(
        [environment.python, "-c", LOCAL, path, tmp_path / "store", DAY],
        env={**os.environ, **surroundings, "PYTHONPATH": str(environment.packages)},
        capture_output=True,
        text=True,
        check=True,
    )
    state, instances, failures = json.loads(done.stdout.splitlines()[-1])
    assert failures == []
    assert state == "succeeded"
    assert {name for name, (word, _) in instances.items() if word == "skipped"} == SKIPPED
    expected = outputs("2026-03-01")
    assert {name: instances[name][1] for name in expected} == expected


@pytest.mark.parametrize("name", ENGINES)
def test_on_an_engine(name, worker, surroundings, tmp_path):
    pipeline = imported("hosting")
    target = Target(*name.split("@"))
    compiled = compile_pipeline(pipeline, target, Settings(trace=True))
    assert errors_of(compiled.findings) == []
    case = EngineCase(
        folder=write_compiled(compiled.files, tmp_path / "compiled"),
        pipeline=pipeline.name,
        parameters={"intermodal_logical_date": DAY} if name.startswith("kfp") else {},
        environment={
            **surroundings,
            "INTERMODAL_EVENTS": str(tmp_path / "events.jsonl"),
            "INTERMODAL_STORE": str(tmp_path / "store"),
        },
        timeout=240,
    )
    with ENGINES[name](worker(name)) as engine:
        result = engine.run(case)
    assert result.succeeded, result.log
    neutral = translate_pipeline(pipeline, target.name).pipeline
    states = original_names(compiled, result.states)
    trace = trace_of(neutral, read_events(tmp_path / "events.jsonl"), states)
    day = trace.instances["show"].outputs["return"]["day"]
    expected = outputs(day)
    assert {name: dict(trace.instances[name].outputs) for name in expected} == expected
