"""Running any pipeline here and on an engine, and comparing what it did."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from intermodal.compiling import Compiled
from intermodal.ir import Pipeline
from intermodal.runtime.events import VARIABLE as EVENTS
from intermodal.trace import Difference, Trace, compare, read_events, trace_of
from intermodal.unrecorded import settle_unrecorded, told_by_engine
from intermodal_backends.conformance.emitted import original_names, write_compiled
from intermodal_backends.engines.driver import Engine, EngineCase


@dataclass(frozen=True)
class Trial:
    """What to run, apart from the pipeline.

    Attributes:
        work: A folder for compiled output, the event log and the store.
        parameters: The pipeline's parameters.
        python_path: Folders that tasks import from.
        environment: Variables that tasks see.
        timeout: Seconds after which the run is ended.
        others: Compiled output of pipelines that this one triggers, by name.
    """

    work: Path
    parameters: Mapping[str, Any] = field(default_factory=dict)
    python_path: tuple[Path, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    timeout: float = 120.0
    others: Mapping[str, Compiled] = field(default_factory=dict)


@dataclass(frozen=True)
class Done:
    """What an engine did: its trace as the log and the engine tell it, and the end of its log."""

    trace: Trace
    log: str
    timed_out: bool


def run_compiled(pipeline: Pipeline, compiled: Compiled, engine: Engine, trial: Trial) -> Done:
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
        )
    )
    told = told_by_engine(pipeline, original_names(compiled, result.states))
    trace = trace_of(pipeline, read_events(events), told)
    return Done(trace, result.log, result.timed_out)


def differences(
    pipeline: Pipeline, reference: Trace, actual: Trace, ignore: Iterable[str] = ()
) -> list[Difference]:
    """What an engine did otherwise than the reference executor, silence aside."""
    return compare(reference, settle_unrecorded(pipeline, reference.instances, actual), ignore)
