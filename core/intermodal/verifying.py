"""Whether a pipeline does the same everywhere: run here and on real engines, and compared."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from intermodal import registry
from intermodal.analysis import graph
from intermodal.analysis.waits import split_instance_id
from intermodal.compile import compile_pipeline
from intermodal.compiling import Compiled, Settings
from intermodal.ecosystems import translate
from intermodal.engines import Trial, TrialResult, offer, try_out
from intermodal.findings import Finding, FindingsError, error, errors_of
from intermodal.ir import Pipeline, TriggerRun
from intermodal.running import Answer, RunOptions, local_backend
from intermodal.runtime.secrets import hide_secrets
from intermodal.trace import Difference, Trace
from intermodal.unrecorded import differences

Verdict = Literal["same", "differs", "refused", "not run"]


@dataclass(frozen=True)
class Request:
    """What to verify, and how.

    Attributes:
        pipeline: What is run.
        others: Pipelines that it may trigger.
        parameters: Values that are not the defaults.
        settings: What to compile with; tracing is added, tracking left out.
        python_path: Folders that tasks import from.
        approvals: What people answer, by task id.
        ignore: Fields that differ by nature, as `trace.compare` takes them.
        requirements: The file that the engines were installed with.
        timeout: Seconds for each engine.
        beside: Files and folders that have to lie beside the compiled output.
    """

    pipeline: Pipeline
    others: tuple[Pipeline, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    settings: Settings = field(default_factory=Settings)
    python_path: tuple[Path, ...] = ()
    approvals: Mapping[str, Answer] = field(default_factory=dict)
    ignore: tuple[str, ...] = ()
    requirements: Path | None = None
    timeout: float = 600.0
    beside: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Verified:
    """What came of it on one engine.

    Attributes:
        engine: Its name, `airflow@3.3`.
        verdict: `same`, `differs`; `refused` if its compiler cannot; `not run` if the engine did not work.
        trace: What it did.
        differences: What it did otherwise than the reference executor.
        findings: Errors for all that is not the same, and what the compiler found.
        log: The end of what the engine printed.
    """

    engine: str
    verdict: Verdict
    trace: Trace | None = None
    differences: tuple[Difference, ...] = ()
    findings: tuple[Finding, ...] = ()
    log: str = ""


def run_reference(request: Request) -> Trace:
    """What the pipeline does on the reference executor, the embedded engine.

    Raises:
        FindingsError: It cannot be run there.
    """
    with work_folder() as store:
        options = RunOptions(
            store=store,
            python_path=request.python_path,
            approvals=request.approvals,
            pipelines={other.name: other for other in request.others},
        )
        return local_backend().run(request.pipeline, request.parameters, options).trace


def verify_on(name: str, request: Request, reference: Trace) -> Verified:
    """Run the pipeline on a real engine, and compare.

    Raises:
        FindingsError: PORT702 for an unknown engine, PORT700 if it is not installed.
    """
    tried = try_there(name, request)
    if isinstance(tried, Verified):
        return tried
    found = differences(tried.pipeline, reference, tried.done.trace, request.ignore)
    return judged(tried, request, found)


@dataclass(frozen=True)
class Tried:
    """A run on a real engine that has not been compared yet.

    Attributes:
        engine: Its name.
        pipeline: What was run, as the engine's target sees it.
        compiled: What it was compiled to.
        done: What the engine did.
    """

    engine: str
    pipeline: Pipeline
    compiled: Compiled
    done: TrialResult


def try_there(name: str, request: Request) -> Tried | Verified:
    """Compile the pipeline and run it on a real engine; a verdict at once if that cannot be.

    Raises:
        FindingsError: PORT702 for an unknown engine, PORT700 if it is not installed.
    """
    engine = offer(name).name
    compiled = _compiled(engine, request.pipeline, request.settings)
    family = engine.partition("@")[0]
    seen = translate(request.pipeline, family).pipeline or request.pipeline
    others = {
        other.name: _compiled(engine, other, request.settings)
        for other in needed_beside(seen, family, request.others)
    }
    refused = [f for made in (compiled, *others.values()) for f in errors_of(made.findings)]
    if refused:
        return Verified(engine, "refused", findings=tuple(refused))
    with work_folder() as work:
        trial = Trial(
            work=Path(work),
            parameters=request.parameters,
            python_path=request.python_path,
            timeout=request.timeout,
            others=others,
            approvals=request.approvals,
            beside=request.beside,
        )
        try:
            done = try_out(engine, seen, compiled, trial, request.requirements)
        except FindingsError as problem:
            return Verified(engine, "not run", findings=problem.findings)
    return Tried(engine, seen, compiled, done)


def judged(tried: Tried, request: Request, found: Sequence[Difference]) -> Verified:
    """The verdict on a run, by what it did otherwise."""
    findings = _findings(tried.engine, tried.pipeline, found)
    if tried.done.timed_out:
        findings.insert(0, _timed_out(tried.engine, request))
    verdict: Verdict = "differs" if findings else "same"
    told = (*findings, *tried.compiled.findings)
    return Verified(tried.engine, verdict, tried.done.trace, tuple(found), told, tried.done.log)


def started_by(pipeline: Pipeline, others: Sequence[Pipeline]) -> tuple[Pipeline, ...]:
    """Those of other pipelines that this one starts, and that those start."""
    by_name = {other.name: other for other in others}
    found: dict[str, Pipeline] = {}
    waiting = [pipeline]
    while waiting:
        for task in graph.tasks(waiting.pop()):
            if not isinstance(task.action, TriggerRun):
                continue
            name = task.action.pipeline
            if name in by_name and name not in found and name != pipeline.name:
                found[name] = by_name[name]
                waiting.append(by_name[name])
    return tuple(found.values())


def needed_beside(
    pipeline: Pipeline, family: str, others: Sequence[Pipeline]
) -> Sequence[Pipeline]:
    """Others that have to be there; of classes of the engine's own nobody knows which they need."""
    if pipeline.hosted is not None:
        return others
    seen = [translate(other, family).pipeline or other for other in others]
    names = {other.name for other in started_by(pipeline, seen)}
    return [other for other in others if other.name in names]


def _compiled(engine: str, pipeline: Pipeline, settings: Settings) -> Compiled:
    target, findings = registry.resolve_target(engine)
    if target is None:
        return Compiled({}, tuple(findings))
    return compile_pipeline(pipeline, target, replace(settings, trace=True, tracking="", store=""))


def work_folder() -> tempfile.TemporaryDirectory[str]:
    """A folder for one run."""
    # What an engine leaves running may still write when the folder is removed.
    return tempfile.TemporaryDirectory(prefix="port-verify-", ignore_cleanup_errors=True)


BYTES = "what is stored differs; tables and models differ by the version of the library, too"


def _findings(engine: str, pipeline: Pipeline, found: Sequence[Difference]) -> list[Finding]:
    spans = {task.id: task.span for task in graph.tasks(pipeline)}
    return [
        error(
            "PORT703",
            hide_secrets(f"{engine}: {difference}"),
            spans.get(split_instance_id(difference.place)[0], pipeline.span),
            why=BYTES if difference.field.startswith("artifacts.") else "",
            next=f"if it differs by nature, such as a time, say `--ignore {_name(difference)}`",
        )
        for difference in found
    ]


def _name(difference: Difference) -> str:
    place = split_instance_id(difference.place)[0]
    return f"{place}.{difference.field}" if place else difference.field


def _timed_out(engine: str, request: Request) -> Finding:
    what = f"{engine}: the run was ended after {request.timeout:g} s"
    return error("PORT703", what, request.pipeline.span, next="give it longer with `--timeout`")
