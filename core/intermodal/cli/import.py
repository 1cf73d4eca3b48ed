# ruff: noqa: N999 - the module has the command's name, as all of them
"""`port import`: read pipelines of another system without running them, and write them as ours."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from intermodal.cli.command import WithExamples
from intermodal.cli.options import as_json, complete_systems, complete_targets, shown_path
from intermodal.cli.origin import Origin, existing, value_options

if TYPE_CHECKING:
    from intermodal.cli.render.migration.report import ReportForm
    from intermodal.compiling import Target
    from intermodal.findings import Finding
    from intermodal.importing import Importer, ReadSource, Support
    from intermodal.migrating.placing import Folder
    from intermodal.migrating.survey import FileSurvey
    from intermodal.migrating.tally import Tally

# What a task becomes -> how a table calls it.
SUPPORTED: Mapping[Support, str] = {
    "native": "native",
    "lowered": "lowered",
    "hosted": "hosted",
    "hole": "holes",
}

MOST_ROWS = 30
MOST_FINDINGS = 40
MOST_BLOCKERS = 5
LONGEST = 90


@click.command(
    name="import",
    cls=WithExamples,
    examples=(
        "port import airflow dags/",
        "port import airflow dags/ --out pipelines --report report.html --report report.json",
        "port import airflow dags/etl.py --root . --variables variables.json --out pipelines",
        "port import airflow dags/ --env prod.env --json > reading.json",
    ),
)
@click.argument("system", shell_complete=complete_systems)
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
@click.option(
    "--out", metavar="DIR", type=click.Path(), help="Write them there: one Python file for each."
)
@click.option("--ir", is_flag=True, help="With --out: write the IR as YAML, every task as it was.")
@click.option(
    "--force", is_flag=True, help="With --out: replace files that importing did not write, too."
)
@click.option(
    "--report",
    "reports",
    multiple=True,
    metavar="FILE",
    type=click.Path(),
    help="Write a report: .html for people, .json for machines. Repeatable.",
)
@click.option(
    "--target",
    "targets",
    multiple=True,
    metavar="TARGET",
    shell_complete=complete_targets,
    help="Tell what this target would refuse. Repeatable. [default: with --report, all]",
)
@value_options
@click.option("--notes", is_flag=True, help="Show what was taken for granted, too.")
@as_json
def command(
    system: str,
    paths: tuple[str, ...],
    targets: tuple[str, ...],
    root: str | None,
    variables: str | None,
    env: str | None,
    notes: bool,
    as_json: bool,
    **how: Any,
) -> None:
    """Read pipelines of another SYSTEM from files and folders, and tell or write what they become.

    Files are not imported or run. What only running them could tell becomes a hole with its place and
    reason, never a guess; --introspect runs them to fill it. A file that cannot be read does not stop the others.
    """
    from intermodal.cli.report import leave, print_findings
    from intermodal.importing import importer

    if (how["ir"] or how["force"]) and how["out"] is None:
        raise click.UsageError("--ir and --force are for --out")
    job = Job(
        importer=importer(system),
        paths=[existing(path) for path in paths],
        origin=Origin(system, root, variables, env, how["introspect"], how["airflow_python"]),
        out=how["out"],
        ir=how["ir"],
        force=how["force"],
        reports=_forms(how["reports"]),
        targets=_targets(targets, all_of_them=bool(how["reports"])),
        printed=as_json,
    )
    job.carry_out()
    if not as_json:
        shown, more = _most_important(job.findings, notes=notes)
        print_findings(shown, notes=notes)
        if more:
            click.echo(f"and {more:,} more findings: --report has them all\n", err=True)
        click.echo(_text(job))
    leave(job.findings)


@dataclass
class Job:
    """What is asked for, and what came of it so far.

    Files are taken one by one, and not kept, so that memory does not grow with their number.

    Attributes:
        importer: Who reads.
        paths: What.
        origin: What the user says of the files.
        out: Where to write them.
        ir: Write the IR instead of Python.
        force: Replace what is not ours.
        reports: By file: the form of the report.
        targets: What to compile for in memory.
        printed: Print each file as JSON.
    """

    importer: Importer
    paths: Sequence[Path]
    origin: Origin
    out: str | None
    ir: bool
    force: bool
    reports: Mapping[Path, ReportForm]
    targets: tuple[Target, ...]
    printed: bool
    findings: list[Finding] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    tally: Tally = field(init=False)
    folder: Folder | None = None
    reading: float = 0.0

    def carry_out(self) -> None:
        """Do all of it."""
        from intermodal.migrating.placing import Folder, Places
        from intermodal.migrating.tally import Tally

        self.tally = Tally([str(target) for target in self.targets])
        self.folder = Folder(Path(self.out), force=self.force) if self.out else None
        self._places = Places(self.paths)
        with ExitStack() as reports:
            self._reports = {
                file: reports.enter_context(closing(form(self.importer.name, self.importer.unit)))
                for file, form in self.reports.items()
            }
            try:
                self._read()
            finally:  # also when the user stops it: what was written is known as ours
                if self.folder is not None:
                    self.findings += self.folder.close()
            self._write_reports()

    def _read(self) -> None:
        from intermodal.cli.progress import counting

        settings = self._settings = self.origin.settings()
        total = len(self.importer.files(self.paths))
        sources = self.importer.read(self.paths, settings)
        first = True
        with counting(f"reading {self.importer.name}", total) as tell:
            while True:
                started = time.perf_counter()
                source = next(sources, None)
                self.reading += time.perf_counter() - started
                if source is None:
                    break
                tell(source.path)
                if self.printed:
                    click.echo(_printed(source, first=first), nl=False)
                    first = False
                self._take(source)
        if self.printed:
            click.echo('{\n  "files": []\n}' if first else "\n  ]\n}")

    def _take(self, source: ReadSource) -> None:
        from intermodal.migrating.survey import Wanted, survey

        wanted = Wanted(
            targets=self.targets,
            built=bool(self.out or self.reports or self.targets),
            written=bool(self.reports or (self.out and not self.ir)),
            given=self._settings,
        )
        looked_at = survey(source, wanted)
        self.tally.add(looked_at)
        self.findings += looked_at.findings
        if len(self.rows) <= MOST_ROWS:
            self.rows += _rows(looked_at)
        written = self._put(source, looked_at)
        for report in self._reports.values():
            report.add(looked_at, written)

    def _put(self, source: ReadSource, looked_at: FileSurvey) -> str:
        """Write a file's results; where, as shown."""
        if self.folder is None:
            return ""
        files: dict[str, str] = {}
        if self.ir:
            files = self._documents(source, looked_at)
        elif looked_at.converted is not None and looked_at.converted.text:
            files[self._places.python(source.file)] = looked_at.converted.text
        found = [finding for path, text in files.items() for finding in self.folder.put(path, text)]
        self.findings += found
        return "" if found else ", ".join(shown_path(self.folder.root / path) for path in files)

    def _documents(self, source: ReadSource, looked_at: FileSurvey) -> dict[str, str]:
        """The IR of a file's pipelines; one that nothing could read again is a finding."""
        from intermodal.analysis.validate import validate
        from intermodal.findings import errors_of
        from intermodal.ir.write import to_yaml

        files: dict[str, str] = {}
        for one in looked_at.imported:
            wrong = errors_of(validate(one.pipeline))
            self.findings += wrong
            if not wrong:
                alone = len(looked_at.imported) == 1
                place = self._places.document(source.file, one.pipeline.name, alone=alone)
                files[place] = to_yaml(one.pipeline)
        return files

    def _write_reports(self) -> None:
        from intermodal.cli.render.migration.report import write_report

        for file, report in self._reports.items():
            self.findings += write_report(file, report.parts(self.tally))


def _forms(files: Sequence[str]) -> dict[Path, ReportForm]:
    """The form of each report by the end of its name."""
    from intermodal.cli.render.migration.report import FORMS

    for file in files:
        if Path(file).suffix not in FORMS:
            raise click.UsageError(f"`--report {file}`: the name must end in {' or '.join(FORMS)}")
    return {Path(file): FORMS[Path(file).suffix] for file in files}


def _targets(named: Sequence[str], *, all_of_them: bool) -> tuple[Target, ...]:
    """The targets named; all that are installed where none is.

    Raises:
        FindingsError: One is not known.
    """
    if not named and not all_of_them:
        return ()
    from intermodal import registry
    from intermodal.cli.matrix import resolve_targets
    from intermodal.findings import raise_errors

    found, unknown = resolve_targets(named or registry.names("compilers"))
    raise_errors(unknown)
    return tuple(found)


def _printed(source: ReadSource, *, first: bool) -> str:
    """One file of the JSON; the first with the beginning of the whole."""
    from intermodal.cli.render.machine import to_json
    from intermodal.importing import source_data

    text = to_json(source_data(source)).replace("\n", "\n    ")
    return ('{\n  "files": [\n    ' if first else ",\n    ") + text


def _most_important(findings: Sequence[Finding], *, notes: bool) -> tuple[list[Finding], int]:
    """As many as one can look at, the worst first, and how many are left out.

    A warning is left out where an error at the same place says more.
    """
    from intermodal.findings import Severity, errors_of

    worst = list(Severity)
    wrong = {finding.span for finding in errors_of(findings) if finding.span}
    shown = [
        finding
        for finding in dict.fromkeys(findings)
        if (notes or finding.severity is not Severity.NOTE)
        and (finding.severity is not Severity.WARNING or finding.span not in wrong)
    ]
    if len(shown) > MOST_FINDINGS:
        shown.sort(key=lambda finding: worst.index(finding.severity))
    return shown[:MOST_FINDINGS], max(0, len(shown) - MOST_FINDINGS)


def _rows(looked_at: FileSurvey) -> list[list[str]]:
    return [
        [
            looked_at.path,
            pipeline.id,
            str(len(pipeline.tasks)),
            *(str(pipeline.counts.get(support, 0)) for support in SUPPORTED),
        ]
        for pipeline in looked_at.pipelines
    ]


def _text(job: Job) -> str:
    """Pipelines and what their tasks become, if they are few; and the totals."""
    from intermodal.cli.matrix import columns
    from intermodal.cli.render.text import counted

    tally = job.tally
    lines = []
    if 0 < len(job.rows) <= MOST_ROWS:
        head = ["file", "pipeline", "tasks", *SUPPORTED.values()]
        lines.append(columns([head, *job.rows]))
    total = " · ".join(
        (
            counted(tally.files, "file"),
            counted(tally.pipelines, job.importer.unit),
            counted(tally.tasks, "task"),
        )
    )
    lines.append(f"{total:<42}  read in {job.reading:.1f} s")
    lines.append(" · ".join(f"{said} {tally.supports[s]:,}" for s, said in SUPPORTED.items()))
    if tally.targets:
        ready = " · ".join(f"{one.target} {one.pipelines:,}" for one in tally.readiness)
        lines.append(f"ready for {ready}")
    return "\n".join([*lines, *_blockers(tally), *_places(job)])


def _blockers(tally: Tally) -> list[str]:
    """What stands in the way of most files, one a line."""
    from intermodal.cli.matrix import columns
    from intermodal.cli.render.text import counted, printable

    found = tally.blockers
    if not found:
        return []
    rows = [
        [counted(b.files, "file"), _short(printable(b.said)), ", ".join(b.targets)]
        for b in found[:MOST_BLOCKERS]
    ]
    more = [f"  and {len(found) - MOST_BLOCKERS:,} more"] if len(found) > MOST_BLOCKERS else []
    return ["most blocking", columns(rows), *more]


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _places(job: Job) -> list[str]:
    from intermodal.cli.render.text import counted

    lines = []
    if job.folder is not None:
        number = len(job.folder.changed) + len(job.folder.unchanged)
        same = len(job.folder.unchanged)
        unchanged = f" ({same:,} unchanged)" if same else ""
        lines.append(f"{counted(number, 'file')}{unchanged} in {shown_path(job.folder.root)}")
    lines += [f"report in {shown_path(file.absolute())}" for file in job.reports]
    return lines
