"""Measures the corpus: reading against real Airflow, compiling, giving back."""

from __future__ import annotations

import hashlib
import multiprocessing
import resource
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from corpus.compare import Compared, compare
from corpus.compiling import FileResult, results
from corpus.fetch import Source, dag_files, fetch
from corpus.figures import Figures
from corpus.round_trip import uneven
from corpus.truth import ENVIRONMENT, Batch, batches, truths
from intermodal_compilers.airflow.importer import Inputs, read_files

MEBI = 1024


@dataclass(frozen=True, slots=True)
class Pace:
    """What reading costs.

    Attributes:
        files: How many were read.
        seconds: Of the processor's time.
        peak: The most memory of the process at the end, in MiB.
        half: The same after half of the files.
    """

    files: int
    seconds: float
    peak: int
    half: int


@dataclass(slots=True)
class Measured:
    """All figures.

    Attributes:
        sources: By the sources' names, in order.
        pace: How fast and how large a process is that only reads.
    """

    sources: dict[str, Figures] = field(default_factory=dict)
    pace: Pace | None = None

    def guarded(self) -> dict[str, float]:
        """All figures that floors.json knows."""
        found = self.total.shares()
        if self.pace:
            speed = self.pace.files / max(self.pace.seconds, 0.001)
            found |= {"files_per_second": round(speed), "peak_mib": self.pace.peak}
        return found

    @property
    def total(self) -> Figures:
        """The sum."""
        found = Figures()
        for one in self.sources.values():
            found.add(one)
        return found


@dataclass(slots=True)
class _Read:
    """What reading a source gave, in a process that does nothing else."""

    compared: Compared
    loaded_files: int
    faults: list[str]


def measure(only: str = "") -> Measured:
    """Everything, for the sources whose name contains a text."""
    chosen = [one for one in fetch() if only in one.name]
    files = unique(chosen)
    known = truths([one for one in chosen if files[one.name]])
    measured = Measured()
    done: dict[str, list[FileResult]] = {}
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, spawn) as reader, ProcessPoolExecutor(2, spawn) as pool:
        for one in chosen:
            read = reader.submit(read_source, one, files[one.name], known.get(one.name)).result()
            done[one.name] = results(one, files[one.name], pool)
            measured.sources[one.name] = _figures(one, files[one.name], read, done[one.name])
    _give_back(measured, chosen, known, done)
    with ProcessPoolExecutor(1, spawn) as alone:
        measured.pace = alone.submit(
            pace, [(one.folder, files[one.name]) for one in chosen]
        ).result()
    return measured


def _give_back(
    measured: Measured,
    chosen: list[Source],
    known: Mapping[str, Mapping[str, Any]],
    done: Mapping[str, list[FileResult]],
) -> None:
    """Load what was given back, two processes at a time, and note what is not as it was."""

    def run(batch: Batch) -> dict[str, list[str]]:
        given = [result for one in batch.sources for result in done[one.name]]
        return uneven(batch, known[batch.sources[0].name], given) if given else {}

    all_of_them = batches([one for one in chosen if done[one.name]])
    with ThreadPoolExecutor(2) as pool:
        for batch, found in zip(all_of_them, pool.map(run, all_of_them), strict=True):
            for one in batch.sources:
                figures = measured.sources[one.name]
                for path in {result.path for result in done[one.name]} & found.keys():
                    figures.tripped += not found[path]
                    figures.uneven += [f"{path}: {difference}" for difference in found[path]]


def unique(chosen: list[Source]) -> dict[str, list[Path]]:
    """By the sources' names: their files that no earlier source has."""
    seen: set[bytes] = set()
    found: dict[str, list[Path]] = {}
    for one in chosen:
        found[one.name] = []
        for path in dag_files(one):
            digest = hashlib.sha256(path.read_bytes()).digest()
            if digest not in seen:
                seen.add(digest)
                found[one.name].append(path)
    return found


def read_source(one: Source, files: list[Path], truth: Mapping[str, Any] | None) -> _Read:
    """Read a source's files one after the other, and compare them with what Airflow loads."""
    read = list(read_files(files, Inputs(root=one.folder, environment=ENVIRONMENT)))
    total, count = Compared(), 0
    for path, result in zip(files, read, strict=True):
        loaded = truth["files"][str(path.relative_to(one.folder))] if truth else None
        if truth and loaded and not loaded["errors"]:
            count += bool(loaded["dags"])
            total.add(compare(result, loaded, truth["defaults"]))
    faults = [f"{r.path}: {f.what}" for r in read for f in r.findings if f.code == "PORT011"]
    return _Read(total, count, faults)


def pace(trees: list[tuple[Path, list[Path]]]) -> Pace:
    """Read all files in a process that does nothing else and keeps nothing."""
    whole = sum(len(files) for _, files in trees)
    began, count, half = time.process_time(), 0, 0
    for root, files in trees:
        for _ in read_files(files, Inputs(root=root, environment=ENVIRONMENT)):
            count += 1
            if count == whole // 2:
                half = _memory()
    return Pace(count, time.process_time() - began, _memory(), half)


def _memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // MEBI


def _figures(one: Source, files: list[Path], read: _Read, done: list[FileResult]) -> Figures:
    found = Figures(
        files=len(files),
        dag_files=len(done),
        dags=sum(result.dags for result in done),
        loaded=read.compared.dags,
        loaded_files=read.loaded_files,
        exact=read.compared.exact,
        loaded_tasks=read.compared.tasks,
        loaded_holes=read.compared.holes,
        wrong=read.compared.wrong,
        short=read.compared.short,
        faults=read.faults,
    )
    for result in done:
        found.tasks.update(result.support)
        good = {target for target, fine in result.compiled.items() if fine}
        found.compiled.update(dict.fromkeys(result.compiled, 0) | dict.fromkeys(good, 1))
        bare = not result.support.get("hosted")
        found.compiled_bare.update(Counter(good if bare else ()))
        for what in result.blockers:
            found.blockers.setdefault(what, set()).add(f"{one.name}: {result.path}")
        found.faults += result.faults
    return found
