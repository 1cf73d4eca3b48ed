"""`port check`: everything compiled in memory; the gate in CI."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from intermodal.cli.command import WithExamples
from intermodal.cli.options import complete_profiles, complete_targets
from intermodal.cli.origin import Origin, from_option

if TYPE_CHECKING:
    from intermodal.cli.matrix import Cell
    from intermodal.cli.render.junit import Case
    from intermodal.compiling import Settings
    from intermodal.findings import Finding
    from intermodal.project import Project

FORMATS = ("text", "json", "sarif", "junit", "github")


@click.command(
    name="check",
    cls=WithExamples,
    examples=(
        "port check",
        "port check pipelines/etl.py --target kfp",
        "port check --all-profiles --format sarif > findings.sarif",
        "port check --format junit > report.xml",
    ),
)
@click.argument("sources", nargs=-1, metavar="[SOURCE]...", type=click.Path())
@click.option(
    "--target",
    "targets",
    multiple=True,
    metavar="TARGET",
    shell_complete=complete_targets,
    help="Only this target. Repeatable. [default: the project's targets]",
)
@click.option(
    "--profile",
    "profiles",
    multiple=True,
    metavar="NAME",
    shell_complete=complete_profiles,
    help="Only this profile. Repeatable.",
)
@click.option("--all-profiles", is_flag=True, help="All profiles: the default.")
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="text",
    show_default=True,
    help="How to print what was found.",
)
@click.option("--json", "as_json", is_flag=True, help="Short for --format json.")
@click.option("--notes", is_flag=True, help="Print notes too, such as what was lowered and how.")
@from_option
def command(
    sources: tuple[str, ...],
    targets: tuple[str, ...],
    profiles: tuple[str, ...],
    all_profiles: bool,
    form: str,
    as_json: bool,
    notes: bool,
    origin: Origin | None,
) -> None:
    """Compile for all targets and profiles of the project, write nothing, and report.

    Fails with exit code 1 if any pipeline cannot be compiled for any of them.
    """
    from intermodal.cli import sources as loading
    from intermodal.cli.matrix import compile_all, findings_of, resolve_targets
    from intermodal.cli.report import leave
    from intermodal.cli.unsupported import unsupported_table
    from intermodal.project import find_project

    if all_profiles and profiles:
        raise click.UsageError("--all-profiles and --profile exclude each other")
    started = time.perf_counter()
    project = find_project(Path.cwd())
    resolved, unknown = resolve_targets(targets or project.targets)
    found = loading.load(sources, project, origin)
    loading_findings = [*unknown, *found.findings]
    matrix = compile_all(found.pipelines, resolved, _settings(project, profiles))
    findings = findings_of(loading_findings, matrix)
    form = "json" if as_json else form
    if form == "text":
        if refused := unsupported_table(found.pipelines, matrix):
            click.echo(f"{refused}\n")
        _print_text(matrix, findings, project.root, time.perf_counter() - started, notes=notes)
    elif said := _machine(form, matrix, loading_findings, findings):
        click.echo(said)
    leave(findings)


def _settings(project: Project, profiles: Sequence[str]) -> dict[str, Settings]:
    """Settings by profile: those named, or all, and those outside of profiles."""
    if profiles:
        return {name: project.profile(name) for name in profiles}
    return {"": project.settings, **project.profiles}


def _print_text(
    matrix: Sequence[Cell], findings: Sequence[Finding], root: Path, seconds: float, *, notes: bool
) -> None:
    from intermodal.cli.matrix import table
    from intermodal.cli.render.text import counted, summary
    from intermodal.cli.report import print_findings

    print_findings(findings, root, notes=notes)
    if matrix:
        click.echo(table(matrix))
    pipelines = counted(len({cell.pipeline for cell in matrix}), "pipeline")
    click.echo(f"{pipelines} checked in {seconds:.2f} s · {summary(findings) or 'clean'}")


def _machine(
    form: str, matrix: Sequence[Cell], loading: Sequence[Finding], findings: Sequence[Finding]
) -> str:
    from intermodal.cli.render.github import github
    from intermodal.cli.render.junit import junit
    from intermodal.cli.render.machine import findings_json, to_json
    from intermodal.cli.render.sarif import sarif

    if form == "sarif":
        return to_json(sarif(findings))
    if form == "github":
        return github(findings)
    if form == "junit":
        return junit(_cases(matrix, loading))
    checked = [
        {
            "pipeline": cell.pipeline,
            "target": str(cell.target),
            "profile": cell.profile,
            "files": sorted(cell.compiled.files),
            "findings": findings_json(cell.compiled.findings),
        }
        for cell in matrix
    ]
    return to_json({"checked": checked, "findings": findings_json(findings)})


def _cases(matrix: Sequence[Cell], loading: Sequence[Finding]) -> list[Case]:
    """One case for each cell, and one for reading the sources."""
    from intermodal.cli.render.junit import Case

    return [
        Case("sources", "load", tuple(loading)),
        *(
            Case(
                cell.pipeline,
                f"{cell.target} {cell.profile}".strip(),
                tuple(cell.compiled.findings),
            )
            for cell in matrix
        ),
    ]
