"""Pipelines compiled for targets and profiles, and the table that shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from intermodal.cli.render.text import counted
from intermodal.compile import compile_pipeline
from intermodal.compiling import Compiled, Settings, Target
from intermodal.findings import Finding, Severity, error
from intermodal.frozen import Frozen
from intermodal.ir import Pipeline
from intermodal.registry import resolve_target
from intermodal.textwidth import cells

LOWERED = "PORT201"


class Cell(Frozen):
    """One pipeline compiled for one target with one profile's settings (`""` for none)."""

    pipeline: str
    target: Target
    profile: str
    compiled: Compiled


def resolve_targets(texts: Sequence[str]) -> tuple[list[Target], list[Finding]]:
    """The targets meant, each once, and PORT007 for each that is unknown."""
    targets: list[Target] = []
    findings: list[Finding] = []
    for text in dict.fromkeys(texts):
        try:
            target, found = resolve_target(text)
        except (ImportError, AttributeError) as problem:
            target, found = None, [not_loadable(text.partition("@")[0], problem)]
        findings += found
        if target is not None:
            targets.append(target)
    return list(dict.fromkeys(targets)), findings


def compile_all(
    pipelines: Sequence[Pipeline], targets: Sequence[Target], profiles: Mapping[str, Settings]
) -> list[Cell]:
    """Compile each pipeline for each target with each profile's settings; PORT012 where that fails."""
    return [
        Cell(pipeline.name, target, profile, _compile(pipeline, target, settings))
        for pipeline in pipelines
        for profile, settings in profiles.items()
        for target in targets
    ]


def _compile(pipeline: Pipeline, target: Target, settings: Settings) -> Compiled:
    from intermodal.tracking.compiled import compiled_address

    findings: list[Finding] = []
    if settings.tracking and pipeline.tracking.enabled:
        address, findings = compiled_address(settings.tracking)
        settings = replace(settings, tracking=address)
    try:
        compiled = compile_pipeline(pipeline, target, settings)
        return Compiled(compiled.files, (*compiled.findings, *findings), compiled.names)
    except ImportError as problem:
        return Compiled({}, (not_loadable(target.name, problem),))


def not_loadable(name: str, problem: Exception) -> Finding:
    """PORT012: a target whose compiler, or what it needs, is not there."""
    return error(
        "PORT012",
        f"target `{name}` cannot be loaded",
        why=f"{type(problem).__name__}: {problem}",
        next=f"install what it needs, perhaps with `pip install 'intermodal[{name}]'`",
    )


def findings_of(found: Sequence[Finding], matrix: Sequence[Cell]) -> list[Finding]:
    """All findings, each once, in order."""
    return list(dict.fromkeys([*found, *(f for cell in matrix for f in cell.compiled.findings)]))


def verdict(findings: Sequence[Finding]) -> str:
    """One cell's result in a word or two: the worst that was found."""
    findings = list(dict.fromkeys(findings))  # as they are printed: each once
    for severity in (Severity.ERROR, Severity.WARNING):
        number = sum(f.severity is severity for f in findings)
        if number:
            return counted(number, severity.value)
    lowered = sum(f.code == LOWERED for f in findings)
    return f"{lowered} lowered" if lowered else "ok"


def table(
    matrix: Sequence[Cell],
    places: Mapping[tuple[str, Target], str] | None = None,
    instead: str = "",
) -> str:
    """Pipelines down, targets across; with a column for the profile where there are several.

    Args:
        matrix: What was compiled.
        places: Where each pipeline's files for a target are, to be shown in its cell.
        instead: What to say of cells that compiled, if compiling was not all.
    """
    targets = list(dict.fromkeys(cell.target for cell in matrix))
    profiles = list(dict.fromkeys(cell.profile for cell in matrix))
    with_profile = profiles != [""]
    rows: dict[tuple[str, str], dict[Target, str]] = {}
    for cell in matrix:
        said = (cell.compiled.files and instead) or verdict(cell.compiled.findings)
        place = (places or {}).get((cell.pipeline, cell.target), "")
        shown = f"{said}  {place}" if place and cell.compiled.files else said
        rows.setdefault((cell.pipeline, cell.profile), {})[cell.target] = shown
    heads = ["pipeline", *(["profile"] if with_profile else []), *map(str, targets)]
    body = [
        [name, *([profile or "-"] if with_profile else []), *(row[t] for t in targets)]
        for (name, profile), row in rows.items()
    ]
    return columns([heads, *body])


def columns(rows: Sequence[Sequence[str]], *, indent: str = "  ") -> str:
    """Rows of cells as aligned text, two blanks between columns."""
    widths = [max(cells(row[i]) for row in rows) for i in range(len(rows[0]))] if rows else []
    return "\n".join(
        (
            indent + "  ".join(c + " " * (w - cells(c)) for c, w in zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )
