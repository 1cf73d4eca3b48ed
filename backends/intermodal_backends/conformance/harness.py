"""Running a case: compile it, let an engine run it, read the event log, compare."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from intermodal import registry
from intermodal.compile import compile_pipeline
from intermodal.compiling import Compiled, Target
from intermodal.findings import Finding, FindingsError, errors_of
from intermodal.ir import Pipeline
from intermodal.trace import Difference, Trace, read_events, trace_of
from intermodal_backends.conformance.case import Case
from intermodal_backends.conformance.compare import differences
from intermodal_backends.engines.driver import Engine, EngineCase
from intermodal_backends.local import RunOptions, run_pipeline

Verdict = Literal["same", "differs", "refused", "excluded"]


@dataclass(frozen=True)
class Outcome:
    """What came of one case on one engine.

    Attributes:
        verdict: `same`, `differs`, or what was declared and held: `refused`, `excluded`.
        differences: Why it is not the same, readable.
        log: The end of what the engine printed.
        trace: What happened, if it ran.
    """

    verdict: Verdict
    differences: tuple[str, ...] = ()
    log: str = ""
    trace: Trace | None = None

    @property
    def is_good(self) -> bool:
        """Whether the case came out as it says it must."""
        return self.verdict != "differs"


def run_reference(case: Case, work: Path) -> Outcome:
    """Run a case on the reference executor, the embedded engine."""
    try:
        pipeline = case.pipeline()
    except FindingsError as problem:
        return _expected_findings(case, problem.findings)
    if case.expect.trace is None:
        return _refused_by_all(case, pipeline)
    work.mkdir(parents=True, exist_ok=True)
    environment = _environment(case, work)
    options = RunOptions(
        store=str(work / "store"), python_path=(case.root,), environment=environment
    )
    result = run_pipeline(pipeline, case.expect.parameters, options)
    trace = result.trace
    found = differences(case.expect.trace, trace, None)
    return _judged(found, trace, "\n".join(str(failure) for failure in result.failures))


def run_engine(
    case: Case, target: Target, engine: Engine, work: Path, reference: Trace | None
) -> Outcome:
    """Run a case on a real engine."""
    try:
        pipeline = case.pipeline()
    except FindingsError as problem:
        return _expected_findings(case, problem.findings)
    exclusion = case.exclusion(target)
    settings = replace(case.settings, store=str(work / "store"))
    compiled = compile_pipeline(pipeline, target, settings)
    codes = sorted({finding.code for finding in errors_of(compiled.findings)})
    wanted = [exclusion.refused] if exclusion and exclusion.refused else list(case.expect.findings)
    if codes or wanted:
        return _refusal(codes, sorted(wanted), compiled.findings)
    if case.expect.trace is None:
        return Outcome("differs", ("the case expects neither a trace nor findings",))
    trace, log = _run(case, pipeline, compiled, engine, work)
    found = differences(case.expect.trace, trace, reference)
    if exclusion is None or (exclusion.by_chance and not found):
        return _judged(found, trace, log)
    if found:
        return Outcome("excluded", (exclusion.reason,), log, trace)
    passes = f"{target} now does the same: drop the exclusion ({exclusion.reason})"
    return Outcome("differs", (passes,), log, trace)


def _run(
    case: Case, pipeline: Pipeline, compiled: Compiled, engine: Engine, work: Path
) -> tuple[Trace, str]:
    folder = write_compiled(compiled.files, work / "compiled")
    environment = _environment(case, work)
    result = engine.run(
        EngineCase(
            folder=folder,
            pipeline=pipeline.name,
            parameters=dict(case.expect.parameters),
            environment=environment,
            python_path=(case.root,),
        )
    )
    original = {emitted: task for task, emitted in compiled.names.items()}
    states = {original.get(name, name): state for name, state in result.states.items()}
    never_started = {
        name: state for name, state in states.items() if state in ("skipped", "upstream_failed")
    }
    events = read_events(Path(environment["INTERMODAL_EVENTS"]))
    return trace_of(pipeline, events, never_started), result.log


def write_compiled(files: Mapping[str, str], folder: Path) -> Path:
    """Write compiled files into an empty folder."""
    if folder.exists():
        shutil.rmtree(folder)
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def _environment(case: Case, work: Path) -> dict[str, str]:
    """What the tasks of a case see: where to log, and the witness for shell tasks."""
    work.mkdir(parents=True, exist_ok=True)
    return {
        "INTERMODAL_EVENTS": str(work / "events.jsonl"),
        "INTERMODAL_STORE": str(work / "store"),
        "WITNESS": str(case.root / "witness.py"),
    }


def _judged(found: list[Difference], trace: Trace, log: str) -> Outcome:
    if found:
        return Outcome("differs", tuple(str(item) for item in found), log, trace)
    return Outcome("same", (), log, trace)


def _expected_findings(case: Case, findings: tuple[Finding, ...]) -> Outcome:
    codes = sorted({finding.code for finding in findings})
    return _refusal(codes, sorted(case.expect.findings), findings)


def _refused_by_all(case: Case, pipeline: Pipeline) -> Outcome:
    """A case without a trace: every installed target must refuse it with the codes it names."""
    for name in registry.names("compilers"):
        target, _ = registry.resolve_target(name)
        if target is None:
            continue
        compiled = compile_pipeline(pipeline, target, case.settings)
        codes = sorted({finding.code for finding in errors_of(compiled.findings)})
        outcome = _refusal(codes, sorted(case.expect.findings), compiled.findings)
        if not outcome.is_good:
            return outcome
    return Outcome("refused")


def _refusal(codes: list[str], wanted: list[str], findings: tuple[Finding, ...]) -> Outcome:
    if codes == wanted:
        return Outcome("refused")
    told = tuple(
        f"{finding.code}: {finding.what} ({finding.why})" for finding in errors_of(findings)
    )
    return Outcome("differs", (f"findings are {codes}, expected {wanted}", *told))
