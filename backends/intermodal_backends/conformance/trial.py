"""Running any compiled pipeline on an engine, and reading what it did."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace

from intermodal.analysis import graph
from intermodal.compiling import Compiled
from intermodal.engines import Trial, TrialResult
from intermodal.ir import Hosted, Pipeline
from intermodal.runtime.events import VARIABLE as EVENTS
from intermodal.trace import Event, read_events, spans_of, trace_of
from intermodal.unrecorded import told_by_engine
from intermodal_backends.conformance.airflow_connections import airflow_variables
from intermodal_backends.conformance.emitted import original_names, write_compiled
from intermodal_backends.engines.airflow_records import events_of
from intermodal_backends.engines.driver import Engine, EngineCase, EngineResult


def run_compiled(
    pipeline: Pipeline, compiled: Compiled, engine: Engine, trial: Trial
) -> TrialResult:
    """Run compiled output on an engine, and read its event log."""
    folder = write_compiled(compiled.files, trial.work / "compiled")
    for path in trial.beside:
        if not (folder / path.name).exists():
            (folder / path.name).symlink_to(path.resolve(), target_is_directory=path.is_dir())
    others = {
        name: write_compiled(other.files, trial.work / "others" / name)
        for name, other in trial.others.items()
    }
    events = trial.work / "events.jsonl"
    environment = {
        **airflow_variables(pipeline, {**os.environ, **trial.environment}),
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
    logged = [*read_events(events), *_recorded(pipeline, compiled, result)]
    trace = trace_of(pipeline, logged, told)
    return TrialResult(trace, result.log, result.timed_out, spans_of(logged))


def _recorded(pipeline: Pipeline, compiled: Compiled, result: EngineResult) -> Iterator[Event]:
    """The engine's own records of what runs none of our code: classes of its own."""
    original = {emitted: task for task, emitted in compiled.names.items()}
    foreign = {task.id for task in graph.tasks(pipeline) if isinstance(task.action, Hosted)}
    for record in result.records:
        name = original.get(record.task, record.task)
        if name in foreign:
            yield from events_of(replace(record, task=name))
