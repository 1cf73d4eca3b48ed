"""Running a case: compile it, let an engine run it, read the event log, compare."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from intermodal import registry
from intermodal.compile import compile_pipeline
from intermodal.compiling import Compiled, Target
from intermodal.dataversions.folders import DATA_VARIABLE
from intermodal.findings import Finding, FindingsError, errors_of
from intermodal.ir import Pipeline
from intermodal.runtime.events import VARIABLE as EVENTS
from intermodal.runtime.secrets import variable_of
from intermodal.trace import Trace, read_events, trace_of
from intermodal.unrecorded import told_by_engine
from intermodal_backends.conformance.case import Case
from intermodal_backends.conformance.checks import unmet
from intermodal_backends.conformance.compare import differences, settle
from intermodal_backends.conformance.emitted import original_names, write_compiled
from intermodal_backends.conformance.inbox import Inbox, open_inbox
from intermodal_backends.conformance.places import (
    connection_variables,
    filled,
    open_places,
    passwords,
)
from intermodal_backends.engines.driver import Engine, EngineCase
from intermodal_backends.local import RunOptions, run_pipeline

Verdict = Literal["same", "differs", "refused", "excluded", "compiles_only"]

HOOK = "HOOK"
"""Name of the secret that holds the address of the harness's inbox: `webhook:HOOK`."""

APPROVALS = "INTERMODAL_APPROVALS"
"""Variable with what people answer, as JSON by task id, for code that answers in the engine."""


@dataclass(frozen=True)
class Outcome:
    """What came of one case on one engine.

    Attributes:
        verdict: `same`, `differs`, or what was declared and held: `refused`, `excluded`, `compiles_only`.
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


@dataclass(frozen=True)
class Ran:
    """One run of a case: its trace, what else was seen to be wrong, and the log."""

    trace: Trace
    wrong: tuple[str, ...]
    log: str


def run_reference(case: Case, work: Path) -> Outcome:
    """Run a case on the reference executor, the embedded engine."""
    try:
        main, *others = case.pipelines()
    except FindingsError as problem:
        return _expected_findings(case, problem.findings)
    if case.expect.trace is None:
        return _refused_by_all(case, main)
    ran = _run_here(case, main, others, work)
    found = [*map(str, differences(case.expect.trace, ran.trace, None)), *ran.wrong]
    return _judged(found, ran)


def run_engine(
    case: Case, target: Target, engine: Engine, work: Path, reference: Trace | None
) -> Outcome:
    """Run a case on a real engine."""
    try:
        main, *others = case.pipelines()
    except FindingsError as problem:
        return _expected_findings(case, problem.findings)
    exclusion = case.exclusion(target)
    settings = replace(case.settings, store=str(work / "store"))
    compiled = compile_pipeline(main, target, settings)
    codes = sorted({finding.code for finding in errors_of(compiled.findings)})
    wanted = [exclusion.refused] if exclusion and exclusion.refused else list(case.expect.findings)
    if codes or wanted:
        return _refusal(codes, sorted(wanted), compiled.findings)
    if case.expect.trace is None:
        return Outcome("differs", ("the case expects neither a trace nor findings",))
    if case.compiles_only(target):
        return _load_only(case, target, compiled, engine, work)
    folders = {
        other.name: write_compiled(
            compile_pipeline(other, target, settings).files, work / "others" / other.name
        )
        for other in others
    }
    ran = _run_there(case, main, compiled, folders, engine, work)
    trace = settle(main, case.expect.trace, ran.trace)
    found = [*map(str, differences(case.expect.trace, trace, reference)), *ran.wrong]
    if exclusion is None:
        return _judged(found, replace(ran, trace=trace))
    if found or exclusion.by_chance:
        return Outcome("excluded", (exclusion.reason,), ran.log, trace)
    passes = f"{target} now does the same: drop the exclusion ({exclusion.reason})"
    return Outcome("differs", (passes,), ran.log, trace)


def _run_here(case: Case, main: Pipeline, others: list[Pipeline], work: Path) -> Ran:
    with _inbox(case) as inbox, open_places(case, work) as places:
        for number in range(case.expect.runs):
            options = RunOptions(
                store=str(work / "store"),
                python_path=(case.root,),
                environment=_environment(case, work, number, inbox, places),
                **_newer_options(case, others),
            )
            result = run_pipeline(main, filled(case.expect.parameters, places), options)
        log = "\n".join(str(failure) for failure in result.failures)
        texts = {str(p): _text(p) for p in sorted((work / "store").rglob("*")) if p.is_file()}
        wrong = (*_leaks(case, texts), *_undelivered(case, inbox))
    return Ran(result.trace, wrong, log)


def _newer_options(case: Case, others: list[Pipeline]) -> dict[str, Any]:
    """What only some cases need."""
    wanted: dict[str, Any] = {
        "pipelines": {other.name: other for other in others},
        "approvals": dict(case.expect.approvals),
    }
    known = {field.name for field in dataclasses.fields(RunOptions)}
    return {name: value for name, value in wanted.items() if value and name in known}


def _run_there(
    case: Case,
    main: Pipeline,
    compiled: Compiled,
    others: dict[str, Path],
    engine: Engine,
    work: Path,
) -> Ran:
    folder = write_compiled(compiled.files, work / "compiled")
    with _inbox(case) as inbox, open_places(case, work) as places:
        for number in range(case.expect.runs):
            environment = _environment(case, work, number, inbox, places)
            result = engine.run(
                EngineCase(
                    folder=folder,
                    pipeline=main.name,
                    parameters=filled(dict(case.expect.parameters), places),
                    environment=environment,
                    python_path=(case.root,),
                    others=others,
                    approvals={
                        compiled.names.get(task, task): answer
                        for task, answer in case.expect.approvals.items()
                    },
                )
            )
        events = Path(environment[EVENTS])
        told = told_by_engine(main, original_names(compiled, result.states))
        trace = trace_of(main, read_events(events), told)
        texts = {**compiled.files, "the event log": _text(events), "the engine's log": result.log}
        wrong = (*_leaks(case, texts), *_undelivered(case, inbox))
    return Ran(trace, wrong, result.log)


def _load_only(
    case: Case, target: Target, compiled: Compiled, engine: Engine, work: Path
) -> Outcome:
    """Hold the output against the engine's own loader, and look for the settings in it."""
    declared = case.compiles_only(target)
    assert declared is not None
    folder = write_compiled(compiled.files, work / "compiled")
    environment = _environment(case, work, 0, None, {})
    loaded = engine.load(
        EngineCase(
            folder=folder, pipeline=case.name, environment=environment, python_path=(case.root,)
        )
    )
    found = [*loaded, *unmet(declared.check, compiled.files)]
    if found:
        return Outcome("differs", tuple(found))
    return Outcome("compiles_only", (declared.reason,))


def _inbox(case: Case) -> Any:
    return nullcontext() if case.expect.notifications is None else open_inbox()


def _environment(
    case: Case, work: Path, number: int, inbox: Inbox | None, places: Mapping[str, str]
) -> dict[str, str]:
    """What the tasks of a case see: where to log, its data, the witness for shell tasks, secrets, URLs."""
    work.mkdir(parents=True, exist_ok=True)
    secrets = dict(case.expect.secrets)
    if inbox is not None:
        secrets[HOOK] = inbox.url
    environment = {
        EVENTS: str(work / f"events-{number + 1}.jsonl"),
        "INTERMODAL_STORE": str(work / "store"),
        DATA_VARIABLE: str(case.folder),
        "XDG_CACHE_HOME": str(work / "cache"),
        "WITNESS": str(case.root / "witness.py"),
        **{variable_of(*name.split("/", 1)): value for name, value in secrets.items()},
        **connection_variables(case, places),
    }
    if case.expect.approvals:
        environment[APPROVALS] = json.dumps(case.expect.approvals)
    return environment


def _leaks(case: Case, texts: Mapping[str, str]) -> Iterable[str]:
    for name, value in {**case.expect.secrets, **passwords(case)}.items():
        for place, text in texts.items():
            if value in text or json.dumps(value)[1:-1] in text:
                yield f"the value of the secret `{name}` is in {place}"


def _undelivered(case: Case, inbox: Inbox | None) -> Iterable[str]:
    if inbox is None:
        return
    wanted, came = sorted(case.expect.notifications or ()), sorted(inbox.messages)
    if wanted != came:
        yield f"the notifications are {came}, expected {wanted}"


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


def _judged(found: list[str], ran: Ran) -> Outcome:
    if found:
        return Outcome("differs", tuple(found), ran.log, ran.trace)
    return Outcome("same", (), ran.log, ran.trace)


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
