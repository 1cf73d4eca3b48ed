"""`port compile`: pipelines to the files of targets."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from intermodal.cli.command import WithExamples
from intermodal.cli.options import (
    CODE_MODES,
    as_json,
    complete_targets,
    profile_option,
    shown_path,
)
from intermodal.cli.origin import Origin, from_option
from intermodal.frozen import Frozen

if TYPE_CHECKING:
    from intermodal.cli.matrix import Cell
    from intermodal.compiling import CodeMode, Settings, Target
    from intermodal.findings import Finding
    from intermodal.output import Output, Written
    from intermodal.project import Project


NOT_WRITTEN = "not written"


@click.command(
    name="compile",
    cls=WithExamples,
    examples=(
        "port compile pipelines/diagnosis.py",
        "port compile pipelines/ --target airflow@2.11 --target kfp --out dags",
        "port compile --profile aws --code image",
        "port compile --check",
        "port compile dags/etl.py --from airflow --target prefect --target airflow@3",
    ),
)
@click.argument("sources", nargs=-1, metavar="[SOURCE]...", type=click.Path())
@click.option(
    "--target",
    "targets",
    multiple=True,
    metavar="TARGET",
    shell_complete=complete_targets,
    help="What to compile to, with a version if it matters: airflow, airflow@2.11, kfp. Repeatable.",
)
@click.option("--out", metavar="DIR", type=click.Path(), help="Output folder. [default: build]")
@click.option("--check", is_flag=True, help="Write nothing; fail if the files on disk differ.")
@profile_option
@click.option("--code", type=click.Choice(CODE_MODES), help="How user code reaches the worker.")
@click.option("--notes", is_flag=True, help="Print notes too, such as what was lowered and how.")
@from_option
@as_json
def command(  # noqa: PLR0913, PLR0917 - one argument for each option
    sources: tuple[str, ...],
    targets: tuple[str, ...],
    out: str | None,
    check: bool,
    profile: str | None,
    code: str | None,
    notes: bool,
    as_json: bool,
    origin: Origin | None,
) -> None:
    """Compile pipelines for one or more targets.

    SOURCE is a Python file with @pipeline functions, a YAML or JSON file in the IR's own form, or a
    folder of them. Without it, the project's own sources are compiled. Either all files are written
    or, if there is an error, none.
    """
    from intermodal.cli import sources as loading
    from intermodal.cli.matrix import compile_all, findings_of, resolve_targets
    from intermodal.cli.render.machine import to_json
    from intermodal.cli.report import leave, print_findings
    from intermodal.findings import Severity, errors_of
    from intermodal.output import compare, folder_names, plan, write
    from intermodal.project import find_project

    started = time.perf_counter()
    project = find_project(Path.cwd())
    resolved, unknown = resolve_targets(targets or project.targets)
    settings = _settings(project, profile, code)
    found = loading.load(sources, project, origin)
    matrix = compile_all(found.pipelines, resolved, {"": settings})
    findings = findings_of([*unknown, *found.findings], matrix)
    names = folder_names(resolved)
    root = Path(out).absolute() if out else project.out
    output, misplaced = plan(
        root, [(f"{names[cell.target]}/{cell.pipeline}", cell.compiled) for cell in matrix]
    )
    findings += misplaced
    written = None
    if not errors_of(findings) and check:
        findings += compare(output, whole=found.whole and not targets)
    elif not errors_of(findings):
        written, unwritable = write(output)
        findings += unwritable
    outcome = Outcome(project, matrix, names, output, written, tuple(findings))
    if as_json:
        click.echo(to_json(_data(outcome)))
    else:
        print_findings(findings, project.root, notes=notes)
        unshown = 0 if notes else sum(f.severity is Severity.NOTE for f in findings)
        click.echo(_text(outcome, time.perf_counter() - started, unshown, check=check))
    leave(findings)


class Outcome(Frozen):
    """What compiling gave, to be told to a person or a machine."""

    project: Project
    matrix: Sequence[Cell]
    names: Mapping[Target, str]
    output: Output
    written: Written | None
    findings: Sequence[Finding]

    def folder(self, cell: Cell) -> Path:
        """Where the files of one cell are, or would be."""
        return self.output.root / self.names[cell.target] / cell.pipeline


def _settings(project: Project, profile: str | None, code: str | None) -> Settings:
    settings = project.profile(profile)
    return replace(settings, code=cast("CodeMode", code)) if code else settings


def _text(outcome: Outcome, seconds: float, unshown: int, *, check: bool) -> str:
    """The table and the closing line, which tells of notes that were not shown."""
    from intermodal.cli.matrix import table
    from intermodal.cli.render.text import counted, summary
    from intermodal.findings import errors_of

    total = len(outcome.output.files)
    files = counted(total, "file")
    places: dict[tuple[str, Target], str] = {}
    instead = ""
    if outcome.written is not None and not errors_of(outcome.findings):
        unchanged = len(outcome.written.unchanged)
        same = f" ({unchanged} unchanged)" if unchanged else ""
        said = f"{files}{same} in {seconds:.2f} s"
        places = {(c.pipeline, c.target): shown_path(outcome.folder(c)) for c in outcome.matrix}
    elif check and not errors_of(outcome.findings):
        said = f"{files} up to date, checked in {seconds:.2f} s"
    else:
        said = "nothing written"
        compiled = all(cell.compiled.files for cell in outcome.matrix)
        instead = NOT_WRITTEN if compiled and not check else ""
    more = f"{counted(unshown, 'note')}: see them with --notes" if unshown else ""
    closing = " · ".join(part for part in (said, summary(outcome.findings), more) if part)
    return f"{table(outcome.matrix, places, instead)}\n{closing}" if outcome.matrix else closing


def _data(outcome: Outcome) -> dict[str, Any]:
    """The same for a machine."""
    from intermodal.cli.render.machine import findings_json

    written = outcome.written
    return {
        "out": str(outcome.output.root),
        "compiled": [
            {
                "pipeline": cell.pipeline,
                "target": str(cell.target),
                "folder": str(outcome.folder(cell)),
                "files": sorted(cell.compiled.files),
                "findings": findings_json(cell.compiled.findings),
            }
            for cell in outcome.matrix
        ],
        "changed": list(written.changed) if written else [],
        "removed": list(written.removed) if written else [],
        "findings": findings_json(outcome.findings),
    }
