"""Running any compiled pipeline on an engine, and reading what it did."""

from __future__ import annotations

from intermodal.compiling import Compiled
from intermodal.engines import Trial, TrialResult
from intermodal.ir import Pipeline
from intermodal.runtime.events import VARIABLE as EVENTS
from intermodal.trace import read_events, trace_of
from intermodal.unrecorded import told_by_engine
from intermodal_backends.conformance.emitted import original_names, write_compiled
from intermodal_backends.engines.driver import Engine, EngineCase


def run_compiled(
    pipeline: Pipeline, compiled: Compiled, engine: Engine, trial: Trial
) -> TrialResult:
    """Run compiled output on an engine, and read its event log."""
    folder = write_compiled(compiled.files, trial.work / "compiled")
    others = {
        name: write_compiled(other.files, trial.work / "others" / name)
        for name, other in trial.others.items()
    }
    events = trial.work / "events.jsonl"
    environment = {
        **trial.environment,
        EVENTS: str(events),
        "INTERMODAL_STORE": str(trial.work / "store"),
    }
    result = engine.run(
        EngineCase(
            folder=folder,
            pipeline=pipeline.name,
            parameters=dict(trial.parameters),
            environment=environment,
            python_path=trial.python_path,
            timeout=trial.timeout,
            others=others,
            approvals={
                compiled.names.get(task, task): answer for task, answer in trial.approvals.items()
            },
        )
    )
    told = told_by_engine(pipeline, original_names(compiled, result.states))
    trace = trace_of(pipeline, read_events(events), told)
    return TrialResult(trace, result.log, result.timed_out)
