"""What becomes of each DAG file: its tasks by how they move, and the targets that it compiles to."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from corpus.fetch import Source
from corpus.truth import ENVIRONMENT
from intermodal.compile import compile_pipeline
from intermodal.compiling import Settings, Target
from intermodal.features import Feature
from intermodal.findings import Finding, Severity, errors_of
from intermodal.importing import ImportSettings, ReadPipeline, ReadSource, importer
from intermodal.ir import Join

TARGETS = (Target("airflow", "3.3"), Target("prefect", "3"), Target("kfp", "2"))
WORDS = {feature.value for feature in Feature} | {rule.value for rule in Join}
CLASSES = ("Operator", "Sensor", "Marker", "Timetable")
# Findings of the reader that say that something is not known; see codes.py.
OPEN = ("PORT803", "PORT804", "PORT805", "PORT806", "PORT807", "PORT808", "PORT809")
# Names of the file's own; features and classes stay as they are.
NAMES = re.compile(r"`([^`]*)`")


@dataclass(slots=True)
class FileResult:
    """What became of one file.

    Attributes:
        support: Tasks by how they move: native, lowered, hosted, hole.
        compiled: By target: whether all DAGs of the file compile.
        blockers: What stands against that or is not known, without names; by what is blocked.
        seconds: By target, how long compiling took.
        emitted: By DAG id, the files of the Airflow that the source's own files are loaded with, by path.
        faults: Tracebacks: there must be none.
    """

    path: str
    dags: int = 0
    support: dict[str, int] = field(default_factory=dict)
    compiled: dict[str, bool] = field(default_factory=dict)
    blockers: dict[str, set[str]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    emitted: dict[str, dict[str, str]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


def results(one: Source, files: Iterable[Path], pool: ProcessPoolExecutor) -> list[FileResult]:
    """The results of a source's files that hold DAGs, in order."""
    paths = list(files)
    size = max(1, len(paths) // (4 * (os.cpu_count() or 1)))
    batches = [paths[start : start + size] for start in range(0, len(paths), size)]
    jobs = [pool.submit(_batch, one, batch) for batch in batches]
    return [found for job in jobs for found in job.result()]


def _batch(one: Source, paths: list[Path]) -> list[FileResult]:
    settings = ImportSettings(root=one.folder, environment=ENVIRONMENT)
    name, _, version = one.truth.partition("@")
    back = Target(name, version) if name else None
    read = importer("airflow").read(paths, settings)
    return [result(source, one.folder, back) for source in read if source.pipelines]


def result(source: ReadSource, root: Path, back: Target | None) -> FileResult:
    """What becomes of one file that was read.

    Args:
        source: The file.
        root: The folder that its path is told from.
        back: The target that is to give it back.
    """
    found = FileResult(str(source.file.relative_to(root)), len(source.pipelines))
    for finding in source.findings:
        if finding.code in OPEN and finding.severity is not Severity.NOTE:
            _block(found, finding, "reading")
    for read in source.pipelines:
        for task in read.tasks.values():
            found.support[task.support] = found.support.get(task.support, 0) + 1
    for target in TARGETS:
        began = time.perf_counter()
        # A list, so that what blocks the second DAG is told, too.
        done = [_compiles(read, target, found) for read in source.pipelines]
        found.compiled[str(target)] = all(done)
        found.seconds[str(target)] = time.perf_counter() - began
    if back is not None:
        for read in source.pipelines:
            _compiles(read, back, found, keep=True)
    return found


def _compiles(read: ReadPipeline, target: Target, found: FileResult, *, keep: bool = False) -> bool:
    try:
        imported = read.build()
        problems = errors_of(imported.findings)
        if not problems:
            compiled = compile_pipeline(imported.pipeline, target, Settings())
            problems = errors_of(compiled.findings)
            if keep and not problems:
                found.emitted[read.id] = dict(compiled.files)
    except Exception as fault:  # a fault of ours is counted and shown
        found.faults.append(f"{found.path}: {read.id}: {target}: {fault!r}"[:500])
        return False
    for finding in () if keep else problems:
        _block(found, finding, str(target))
    return not problems


def _block(found: FileResult, finding: Finding, whom: str) -> None:
    what = NAMES.sub(
        lambda m: m[0] if m[1] in WORDS or m[1].endswith(CLASSES) else "`…`", finding.what
    )
    found.blockers.setdefault(f"{finding.code} {what}", set()).add(whom)
