"""An old file on its own engine, and the new pipeline elsewhere: whether they do the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from intermodal.analysis import graph
from intermodal.comparable import (
    comparable,
    in_the_shape_of,
    ordered,
    paired,
    renamed,
    skipped_by_value,
)
from intermodal.concealed import conceal
from intermodal.ecosystems import translate
from intermodal.engines import SourceRun, Trial, TrialResult, run_source
from intermodal.findings import Finding, FindingsError
from intermodal.running import RunOptions, local_backend
from intermodal.trace import Trace, read_events, spans_of
from intermodal.unrecorded import differences
from intermodal.verifying import Request, Tried, Verified, judged, try_there, work_folder

LOCAL = "local"


@dataclass(frozen=True)
class Old:
    """What the new pipeline is held against.

    Attributes:
        file: A file that was written for an engine.
        name: Which pipeline in it.
        engine: The engine to run it on.
        names: Names of tasks in the new pipeline, by names in the old one, where they differ.
    """

    file: Path
    name: str
    engine: str
    names: Mapping[str, str]


@dataclass(frozen=True)
class Side:
    """One engine's run of the new pipeline next to the old run.

    Attributes:
        verified: The comparison; its trace has the names and the indexes of the old tasks.
        expected: The old run, with the names of the new tasks.
        by_type: Outputs that are no JSON, of which only the types were compared.
        by_value: Tasks that cannot skip themselves where the new pipeline ran, and say so by a value.
    """

    verified: Verified
    expected: Trace
    by_type: tuple[str, ...] = ()
    by_value: tuple[str, ...] = ()


def run_old(old: Old, request: Request) -> SourceRun:
    """Run the old file on its engine.

    Raises:
        FindingsError: PORT700, PORT702 or PORT704: there is no such engine, or the file does not run.
    """
    with work_folder() as work:
        trial = Trial(
            work=Path(work),
            parameters=request.parameters,
            python_path=request.python_path,
            timeout=request.timeout,
            approvals={
                task: request.approvals[new]
                for new in request.approvals
                for task in (_old_name(old, new),)
            },
        )
        ran = _run_source(old, trial, request.requirements)
    shown = {
        name: instance.model_copy(update={"outputs": conceal(instance.outputs)})
        for name, instance in ran.trace.instances.items()
    }
    return replace(ran, trace=ran.trace.model_copy(update={"instances": shown}))


def _run_source(old: Old, trial: Trial, requirements: Path | None) -> SourceRun:
    """Run the old file; without the requirements that make other engines host its classes, if need be."""
    try:
        return run_source(old.engine, old.file, old.name, trial, requirements)
    except FindingsError as problem:
        if requirements is None or not _is_not_installed(problem.findings):
            raise
    return run_source(old.engine, old.file, old.name, trial)


def _is_not_installed(findings: Iterable[Finding]) -> bool:
    return any(finding.code == "PORT700" for finding in findings)


def _old_name(old: Old, new: str) -> str:
    return next((name for name, other in old.names.items() if other == new), new)


def compare_on(name: str, request: Request, old: Old, ran: SourceRun) -> Side:
    """Run the new pipeline on an engine or on this machine, and compare.

    Raises:
        FindingsError: PORT702 for an unknown engine, PORT700 if it is not installed; see `side_of`.
    """
    tried = _try_here(request) if name == LOCAL else _try_there(name, request, old)
    if isinstance(tried, Verified):
        return Side(tried, ran.trace)
    return side_of(tried, request, old, ran)


def side_of(tried: Tried, request: Request, old: Old, ran: SourceRun) -> Side:
    """Compare a run of the new pipeline with that of the old file.

    Raises:
        FindingsError: PORT009 for a task in `old.names` that there is not.
    """
    names = paired(tried.pipeline, ran, old.names)
    own = {task.id for task in graph.tasks(request.pipeline)} | set(names.values())
    expected = renamed(ran.trace, names)
    waits = {names.get(task, task): told for task, told in ran.waits.items()}
    waits = {
        task: replace(told, upstream=tuple(names.get(up, up) for up in told.upstream))
        for task, told in waits.items()
    }
    done = in_the_shape_of(expected, tried.done, own)
    if done.spans:
        done = replace(done, trace=ordered(done, waits))
    done, by_value = skipped_by_value(request.pipeline, done)
    unkept = {task for task, told in waits.items() if not told.keeps}
    expected, actual, by_type = comparable(expected, done.trace, unkept)
    tried = replace(tried, done=replace(done, trace=actual))
    found = differences(tried.pipeline, expected, actual, request.ignore)
    verified = judged(tried, request, found)
    return Side(replace(verified, log=conceal(verified.log)), expected, by_type, by_value)


def _try_there(name: str, request: Request, old: Old) -> Tried | Verified:
    tried = try_there(name, request)
    own = name.partition("@")[0] == old.engine.partition("@")[0]
    if own and isinstance(tried, Verified) and _is_not_installed(tried.findings):
        return try_there(name, replace(request, requirements=None))
    return tried


def _try_here(request: Request) -> Tried | Verified:
    from intermodal.compiling import Compiled

    translated = translate(request.pipeline, LOCAL)
    if translated.pipeline is None:
        return Verified(LOCAL, "refused", findings=translated.findings)
    with work_folder() as store:
        options = RunOptions(
            store=store,
            python_path=request.python_path,
            approvals=request.approvals,
            pipelines={other.name: other for other in request.others},
        )
        try:
            ran = local_backend().run(translated.pipeline, request.parameters, options)
        except FindingsError as problem:
            return Verified(LOCAL, "not run", findings=problem.findings)
        spans = spans_of(read_events(ran.folder / "events.jsonl"))
    log = "\n".join(f"{one.instance}: {one.exception}: {one.message}" for one in ran.failures)
    compiled = Compiled({}, translated.findings)
    done = TrialResult(ran.trace, log, timed_out=False, spans=spans)
    return Tried(LOCAL, translated.pipeline, compiled, done)


def data_beside(file: Path) -> tuple[Path, ...]:
    """What lies beside a file and is no code: queries, templates, settings that it reads from there."""
    found = [
        entry
        for entry in file.resolve().parent.iterdir()
        if entry.suffix != ".py" and not entry.name.startswith((".", "__"))
    ]
    code = {entry: {file.name for file in entry.glob("*.py")} for entry in found}
    return tuple(entry for entry in found if code[entry] <= {"__init__.py"})
