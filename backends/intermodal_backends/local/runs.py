"""Beginning a run: everything that stands against it is said before anything happens."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from typing import Any

from intermodal.analysis.connection_calls import call_connections
from intermodal.analysis.defaults import fold_defaults
from intermodal.analysis.dissolve_groups import dissolve_groups
from intermodal.analysis.parameters import fill_parameters
from intermodal.ecosystems import translate
from intermodal.findings import Finding, FindingsError, error, raise_errors
from intermodal.ir import Pipeline
from intermodal.running import RunOptions, RunResult
from intermodal_backends.local.engine import Engine
from intermodal_backends.local.folder import RunFolder, new_run_id, resumable
from intermodal_backends.local.scope import Run
from intermodal_backends.local.support import beforehand


def run(pipeline: Pipeline, parameters: Mapping[str, Any], options: RunOptions) -> RunResult:
    """See `local.run_pipeline`."""
    neutral, findings = _neutral(pipeline)
    pipeline = call_connections(fold_defaults(neutral))
    findings += beforehand(pipeline, options)
    raise_errors(findings)
    started = options.now()
    run_id = options.resume or options.run_id or new_run_id(started)
    folder = RunFolder(options.store, pipeline.name, run_id)
    logical_date = options.logical_date or started.isoformat()
    if options.resume:
        state = resumable(folder, pipeline, run_id)
        logical_date = state["logical_date"]
        parameters = _same_parameters(parameters, state["parameters"], run_id)
    values, wrong = fill_parameters(pipeline, parameters)
    raise_errors(wrong)
    folder.create()
    facts = Run(pipeline.name, run_id, values, logical_date)
    engine = Engine(dissolve_groups(pipeline), facts, options, folder)
    engine.record.findings += findings
    with closing(engine.desk):
        return engine.run()


def _same_parameters(
    given: Mapping[str, Any], before: Mapping[str, Any], run_id: str
) -> Mapping[str, Any]:
    """The parameters that the run began with; giving others is a mistake (PORT607)."""
    changed = [name for name, value in given.items() if before.get(name) != value]
    if not changed:
        return before
    raise FindingsError(
        [
            error(
                "PORT607",
                f"run `{run_id}` cannot go on with another value of `{name}`",
                why=f"it began with {before.get(name)!r}",
                next="leave the parameter out, or start a new run",
            )
            for name in changed
        ]
    )


def _neutral(pipeline: Pipeline) -> tuple[Pipeline, list[Finding]]:
    """The pipeline with neutral actions in place of hosted tasks.

    Raises:
        FindingsError: A hosted task cannot run here.
    """
    translated = translate(pipeline, "local")
    raise_errors(translated.findings)
    return translated.pipeline or pipeline, list(translated.findings)
