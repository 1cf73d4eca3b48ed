"""One file of another system, looked at in full: what its pipelines become, and what targets say of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from itertools import zip_longest

from intermodal.compile import compile_pipeline
from intermodal.compiling import Settings, Target
from intermodal.findings import Finding, Severity, Span, error, errors_of
from intermodal.frozen import Frozen
from intermodal.importing import (
    Imported,
    ImportSettings,
    Links,
    ReadPipeline,
    ReadSource,
    ReadTask,
    Support,
    exposed,
)
from intermodal.migrating.conversion import Converted, convert
from intermodal.migrating.effort import minutes

EXPOSED = "PORT814"


class Wanted(Frozen):
    """What is to be found out of each file.

    Attributes:
        targets: What to compile for, in memory.
        settings: How.
        built: Whether to build the pipelines at all; otherwise they are counted as they were read.
        written: Whether the pipelines are wanted as Python.
        given: What the user told the importer.
    """

    targets: tuple[Target, ...] = ()
    settings: Settings = field(default_factory=Settings)
    built: bool = True
    written: bool = False
    given: ImportSettings = field(default_factory=ImportSettings)


class PipelineSurvey(Frozen):
    """One pipeline.

    Attributes:
        id: Its name in the other system.
        span: Where it stands.
        tasks: Its tasks with what they become.
        links: What ties it to others.
        findings: What could not be taken over.
        refused: By target: the errors of compiling for it, none where it compiles.
    """

    id: str
    span: Span | None
    tasks: Mapping[str, ReadTask]
    links: Links
    findings: tuple[Finding, ...] = ()
    refused: Mapping[str, tuple[Finding, ...]] = field(default_factory=dict)

    @property
    def counts(self) -> Mapping[Support, int]:
        """Tasks by what they become."""
        return Counter(task.support for task in self.tasks.values())

    @property
    def refusals(self) -> tuple[str, ...]:
        """Codes for which targets refuse it, each once."""
        codes = {finding.code for found in self.refused.values() for finding in found}
        return tuple(sorted(codes))

    @property
    def minutes(self) -> int:
        """Work left."""
        return minutes((task.support for task in self.tasks.values()), len(self.refusals))


class FileSurvey(Frozen):
    """One file.

    Attributes:
        path: As shown.
        findings: Everything found, of reading, building and writing.
        blocking: Those of them that stand in the way: errors, and what is not known.
        pipelines: Its pipelines.
        imported: The pipelines in the IR, if they were built and may be written down.
        converted: The pipelines as Python, if that was wanted and they could be had.
        text: The file's own text, if the result was wanted.
        constructs: By place of a finding or task: what is used there.
    """

    path: str
    findings: tuple[Finding, ...] = ()
    blocking: tuple[Finding, ...] = ()
    pipelines: tuple[PipelineSurvey, ...] = ()
    imported: tuple[Imported, ...] = ()
    converted: Converted | None = None
    text: str = ""
    constructs: Mapping[Span, str] = field(default_factory=dict)

    @property
    def minutes(self) -> int:
        """Work left."""
        return sum(pipeline.minutes for pipeline in self.pipelines)


def survey(source: ReadSource, wanted: Wanted) -> FileSurvey:
    """Look at a file; whatever fails of it is a finding, so that the others go on."""
    try:
        return _survey(source, wanted)
    except Exception as problem:  # one file's fault of ours must not stop the others
        findings = (*source.findings, _fault(problem, "converted", Span(source.path)))
        return FileSurvey(source.path, findings, _standing(findings))


def _survey(source: ReadSource, wanted: Wanted) -> FileSurvey:
    built = tuple(_built(p, wanted) for p in source.pipelines) if wanted.built else ()
    kept = tuple(one for one in built if not any(f.code == EXPOSED for f in one.findings))
    looked_at = tuple(
        _pipeline(read, made, wanted)
        for read, made in zip_longest(source.pipelines, built)
        if read is not None
    )
    converted = _converted(source, kept) if wanted.written else None
    found = [*source.findings, *(finding for p in looked_at for finding in p.findings)]
    written = converted.findings if converted else ()
    blocking = _standing([*source.findings, *errors_of(found), *errors_of(written)])
    return FileSurvey(
        path=source.path,
        findings=tuple(dict.fromkeys([*found, *written])),
        blocking=blocking,
        pipelines=looked_at,
        imported=kept,
        converted=converted,
        text=source.text() if wanted.written else "",
        constructs=_constructs(source, looked_at, blocking),
    )


def _built(read: ReadPipeline, wanted: Wanted) -> Imported:
    built = read.build()
    secrets = exposed(built.pipeline, wanted.given)
    return Imported(built.pipeline, (*built.findings, *secrets)) if secrets else built


def _pipeline(read: ReadPipeline, built: Imported | None, wanted: Wanted) -> PipelineSurvey:
    if built is None:
        return PipelineSurvey(read.id, read.span, read.tasks, Links())
    refused = {str(target): _refused(built, target, wanted) for target in wanted.targets}
    return PipelineSurvey(read.id, read.span, read.tasks, read.links, built.findings, refused)


def _refused(built: Imported, target: Target, wanted: Wanted) -> tuple[Finding, ...]:
    """The errors of compiling; with holes nothing is compiled."""
    holes = errors_of(built.findings)
    if holes:
        return tuple(holes)
    try:
        compiled = compile_pipeline(built.pipeline, target, wanted.settings)
    except Exception as problem:  # as above: another target may do
        return (_fault(problem, f"compiled for {target}", built.pipeline.span),)
    return tuple(errors_of(compiled.findings))


def _converted(source: ReadSource, built: Sequence[Imported]) -> Converted:
    try:
        return convert(built)
    except Exception as problem:  # as above: the rest of the report holds
        return Converted("", (_fault(problem, "written", Span(source.path)),))


def _fault(problem: Exception, done: str, span: Span | None) -> Finding:
    said = str(problem).strip().splitlines()
    what = f"{type(problem).__name__}: {said[0]}" if said else type(problem).__name__
    return error(
        "PORT011",
        f"a file could not be {done}: {what}",
        span,
        why="this is a fault in Intermodal, not in your file",
        next="please report it, if you can with the file",
    )


def _standing(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Without notes, and without a warning where an error is at the same place."""
    findings = [finding for finding in findings if finding.severity is not Severity.NOTE]
    wrong = {f.span for f in errors_of(findings) if f.span}
    return tuple(
        dict.fromkeys(f for f in findings if f.severity is Severity.ERROR or f.span not in wrong)
    )


def _constructs(
    source: ReadSource, pipelines: Sequence[PipelineSurvey], blocking: Sequence[Finding]
) -> dict[Span, str]:
    """What stands at the places of tasks and findings; not where a pipeline as a whole is meant."""
    tasks = (task.span for pipeline in pipelines for task in pipeline.tasks.values())
    refusals = (one for p in pipelines for found in p.refused.values() for one in found)
    spans = {*tasks, *(finding.span for finding in (*blocking, *refusals))}
    spans -= {pipeline.span for pipeline in source.pipelines}
    found = {span: source.construct(span) for span in spans if span is not None}
    return {span: word for span, word in found.items() if word}
