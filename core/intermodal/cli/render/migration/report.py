"""The report of a migration in the form that its file's name asks for."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from intermodal.findings import Finding, error
from intermodal.migrating import effort
from intermodal.migrating.order import order
from intermodal.migrating.survey import FileSurvey, PipelineSurvey
from intermodal.migrating.tally import Tally


class Report(Protocol):
    """Takes files one by one, and gives the whole at the end."""

    def add(self, survey: FileSurvey, written: str = "") -> None:
        """Take a file, and where its result was written."""

    def parts(self, tally: Tally) -> Iterator[str]:
        """The report's text, piece by piece."""

    def close(self) -> None:
        """Let go of what it keeps on disk."""


class JsonReport:
    """The report as JSON data.

    Args:
        system: The other system.
    """

    def __init__(self, system: str, _unit: str) -> None:
        self._system = system
        self._files = tempfile.TemporaryFile("w+", encoding="ascii")  # noqa: SIM115 - see `Page`
        self._first = True

    def add(self, survey: FileSurvey, written: str = "") -> None:
        """Take a file."""
        self._files.write("" if self._first else ",\n")
        self._files.write(json.dumps(_file(survey, written)))
        self._first = False

    def parts(self, tally: Tally) -> Iterator[str]:
        """All of it; files are one a line."""
        head = json.dumps({"system": self._system, **_totals(tally)}, indent=2)
        yield head.removesuffix("\n}") + ',\n  "files": [\n'
        self._files.seek(0)
        yield from self._files
        yield "\n  ]\n}\n"

    def close(self) -> None:
        """Let go of the files."""
        self._files.close()


def _page(system: str, unit: str) -> Report:
    from intermodal.cli.render.migration.page import Page

    return Page(system, unit)


ReportForm = Callable[[str, str], Report]

FORMS: Mapping[str, ReportForm] = {
    ".html": _page,
    ".json": JsonReport,
}


def write_report(file: Path, parts: Iterable[str]) -> list[Finding]:
    """Write a report whole, in the place of one that may be there."""
    place = file.absolute()
    beside = place.with_name(f".{place.name}.{os.getpid()}.new")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as opened:
            opened.writelines(parts)
        beside.replace(place)
    except OSError as problem:
        return [
            error(
                "PORT006",
                f"the report cannot be written to `{file}`: {problem.strerror or problem}",
                next="choose another place",
            )
        ]
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
    return []


def _totals(tally: Tally) -> dict[str, Any]:
    return {
        "totals": {
            "files": tally.files,
            "pipelines": tally.pipelines,
            "tasks": tally.tasks,
            **{support: tally.supports[support] for support in ("native", "lowered", "hosted")},
            "holes": tally.supports["hole"],
            "minutes": tally.minutes,
        },
        "effort": effort.STATED,
        "ready": {ready.target: ready.pipelines for ready in tally.readiness},
        "blockers": [
            {
                "code": blocker.code,
                "title": blocker.title,
                "what": blocker.what,
                "constructs": dict(blocker.constructs.most_common()),
                "files": blocker.files,
                "pipelines": blocker.pipelines,
                "targets": list(blocker.targets),
                "example": blocker.example.to_data(),
            }
            for blocker in tally.blockers
        ],
        "hosted": [
            {"operator": h.operator, "tasks": h.tasks, "files": h.files} for h in tally.hosted
        ],
        "order": [
            {
                "path": step.entry.path,
                "blockers": step.entry.blockers,
                "minutes": step.entry.minutes,
                "after": list(step.after),
                "shared_modules": dict(step.shared),
            }
            for step in order(tally.entries)
        ],
    }


def _file(survey: FileSurvey, written: str) -> dict[str, Any]:
    return {
        "path": survey.path,
        "written": written or None,
        "minutes": survey.minutes,
        "findings": [finding.to_data() for finding in survey.findings],
        "pipelines": [_pipeline(pipeline) for pipeline in survey.pipelines],
    }


def _pipeline(pipeline: PipelineSurvey) -> dict[str, Any]:
    return {
        "id": pipeline.id,
        "minutes": pipeline.minutes,
        "targets": {
            target: [finding.to_data() for finding in refused]
            for target, refused in pipeline.refused.items()
        },
        "tasks": {
            name: {
                "support": task.support,
                "operator": task.operator,
                "why": task.why,
                "downstream": list(task.downstream),
                "span": vars(task.span) if task.span else None,
            }
            for name, task in pipeline.tasks.items()
        },
    }
