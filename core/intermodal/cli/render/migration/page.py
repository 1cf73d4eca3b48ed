"""The report as one page of HTML that needs nothing else: no script, no request."""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from intermodal.cli.render.text import counted
from intermodal.findings import Finding, Severity
from intermodal.frozen import Frozen
from intermodal.importing import SUPPORTS, ReadTask, Support
from intermodal.migrating import effort
from intermodal.migrating.order import order
from intermodal.migrating.survey import FileSurvey, PipelineSurvey
from intermodal.migrating.tally import Tally

MOST_ROWS = 40
FEW_ROWS = 12
MOST_LINES = 5_000
CHUNK = 1 << 16
MEANING: Mapping[Support, str] = {
    "native": "one neutral action",
    "lowered": "a neutral action with code around it",
    "hosted": "the class itself is run",
    "hole": "only running the file could tell",
}
_TICKED = re.compile(r"`([^`]+)`")


class Piece(Frozen):
    """A stretch of code; one with a task in it has an `id` and a `link`."""

    text: str
    id: str = ""
    link: str = ""
    support: str = ""
    title: str = ""


class Listing(Frozen):
    """Code to be shown with the numbers of its lines."""

    pieces: tuple[Piece, ...]
    lines: int
    left_out: int = 0


class Mark(Frozen):
    """A line with a task in it."""

    support: Support
    title: str
    link: str = ""


class Page:
    """Takes files one by one, and keeps what it says of them on disk until the page is asked for.

    Args:
        system: The other system.
        unit: What it calls a pipeline.
    """

    def __init__(self, system: str, unit: str) -> None:
        self._system = system
        self._unit = unit
        self._environment = _environment()
        self._template = self._environment.get_template("file.html.j2")
        self._number = 0
        self._left_out = 0
        self._parts = tempfile.TemporaryFile(  # noqa: SIM115 - it lives as long as the page
            "w+", encoding="utf-8", errors="backslashreplace", newline="\n"
        )

    def add(self, survey: FileSurvey, written: str = "") -> None:
        """Take a file; one without pipelines and findings is no more than counted.

        Args:
            survey: The file.
            written: Where its result was written, if it was.
        """
        self._number += 1  # as `Entry.number`
        number = self._number
        if not survey.pipelines and not survey.blocking:
            self._left_out += 1
            return
        code = _Code(survey, number)
        counts: Counter[Support] = Counter()
        for pipeline in survey.pipelines:
            counts.update(pipeline.counts)
        wrong = any(finding.severity is Severity.ERROR for finding in survey.blocking)
        self._parts.writelines(
            self._template.generate(
                survey=survey,
                number=number,
                counts=counts,
                tasks=sum(counts.values()),
                worst="error" if wrong else "warning",
                unit=self._unit,
                supports=SUPPORTS,
                links=code.links,
                refusals=_refusals,
                source=code.source(),
                result=code.result(),
                written=written,
            )
        )

    def parts(self, tally: Tally) -> Iterator[str]:
        """The page, piece by piece."""
        self._parts.seek(0)
        files = (Markup(part) for part in iter(lambda: self._parts.read(CHUNK), ""))  # noqa: S704
        yield from self._environment.get_template("page.html.j2").generate(
            system=self._system,
            unit=self._unit,
            tally=tally,
            supports=SUPPORTS,
            meaning=MEANING,
            stated=effort.STATED,
            steps=order(tally.entries),
            most=MOST_ROWS,
            few=FEW_ROWS,
            files=files,
            left_out=self._left_out,
        )

    def close(self) -> None:
        """Let go of the files."""
        self._parts.close()


class _Code:
    """A file's own text and its result, the lines of its tasks tied to each other."""

    def __init__(self, survey: FileSurvey, number: int) -> None:
        self._survey = survey
        self._number = number
        self._lines: Mapping[tuple[str, str], int] = (
            survey.converted.lines if survey.converted else {}
        )

    def links(self, pipeline: str, name: str, task: ReadTask) -> list[tuple[str, str]]:
        """Where a task stands: anchors, and what to call them."""
        found = []
        if self._here(task) is not None and self._survey.text:
            found.append((self._source_id(self._here(task)), f"line {self._here(task)}"))
        line = self._lines.get((pipeline, name))
        if line is not None:
            found.append((self._result_id(line), f"result {line}"))
        return found

    def source(self) -> Listing | None:
        """The file's own text."""
        marks: dict[int, Mark] = {}
        for pipeline, name, task in self._tasks():
            line = self._here(task)
            if line is not None:
                there = self._lines.get((pipeline, name))
                link = self._result_id(there) if there else ""
                marks.setdefault(line, Mark(task.support, f"{name}: {task.support}", link))
        return listing(self._survey.text, marks, self._source_id)

    def result(self) -> Listing | None:
        """The result."""
        converted = self._survey.converted
        if converted is None:
            return None
        marks: dict[int, Mark] = {}
        for pipeline, name, task in self._tasks():
            line = self._lines.get((pipeline, name))
            if line is not None:
                here = self._here(task)
                link = self._source_id(here) if here else ""
                marks.setdefault(line, Mark(task.support, f"{name}: {task.support}", link))
        return listing(converted.text, marks, self._result_id)

    def _tasks(self) -> Iterator[tuple[str, str, ReadTask]]:
        for pipeline in self._survey.pipelines:
            for name, task in pipeline.tasks.items():
                yield pipeline.id, name, task

    def _here(self, task: ReadTask) -> int | None:
        """The task's line, if it stands in this very file."""
        here = task.span is not None and task.span.file == self._survey.path
        return task.span.line if here and task.span else None

    def _source_id(self, line: int | None) -> str:
        return f"s{self._number}-{line}"

    def _result_id(self, line: int | None) -> str:
        return f"r{self._number}-{line}"


def listing(text: str, marks: Mapping[int, Mark], name: Any) -> Listing | None:
    """Code in as few pieces as its marked lines allow; None if there is none.

    Args:
        text: The code.
        marks: By line, from 1.
        name: Gives the anchor of a line.
    """
    if not text:
        return None
    lines = text.rstrip("\n").split("\n")
    shown = lines[:MOST_LINES]
    pieces: list[Piece] = []
    plain: list[str] = []
    for number, line in enumerate(shown, 1):
        mark = marks.get(number)
        if mark is None or not line.strip():
            plain.append(f"{line}\n")
            continue
        stripped = line.lstrip()
        plain.append(line[: len(line) - len(stripped)])
        pieces += [
            Piece("".join(plain)),
            Piece(stripped, name(number), mark.link, mark.support, mark.title),
        ]
        plain = ["\n"]
    return Listing((*pieces, Piece("".join(plain))), len(shown), len(lines) - len(shown))


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("intermodal.cli.render.migration", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "counted": _counted,
        "effort": effort.shown,
        "last": lambda path: path.rpartition(".")[2],
        "number": lambda number: f"{number:,}",
        "ticks": _ticks,
    }
    return environment


def _counted(number: int, noun: str, plural: str = "") -> str:
    """As `counted`; with another ending where an `s` is wrong."""
    return counted(number, noun) if number == 1 or not plural else f"{number:,} {noun}{plural}"


def _ticks(text: str) -> Markup:
    """Text with what stands in backticks as code; escaped first."""
    return Markup(_TICKED.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704


def _refusals(pipeline: PipelineSurvey) -> list[tuple[list[str], list[Finding]]]:
    """What targets refuse, once for all that refuse the same; without what stands against it anyway."""
    by: dict[Finding, list[str]] = {}
    for target, refused in pipeline.refused.items():
        for finding in refused:
            if finding not in pipeline.findings:
                by.setdefault(finding, []).append(target)
    found: dict[tuple[str, ...], list[Finding]] = {}
    for finding, targets in by.items():
        found.setdefault(tuple(targets), []).append(finding)
    return [(list(targets), findings) for targets, findings in found.items()]
