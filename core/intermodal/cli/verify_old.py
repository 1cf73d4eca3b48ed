"""`port verify --old FILE --new FILE`: an old file on its own engine, the new pipeline next to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from intermodal.cli.origin import VALUES, Origin

if TYPE_CHECKING:
    from intermodal.engines import SourceRun
    from intermodal.findings import Finding
    from intermodal.importing import Importer, ImportSettings, ReadSource
    from intermodal.ir import Pipeline
    from intermodal.project import Project
    from intermodal.side_by_side import Old, Side
    from intermodal.verifying import Request

LOCAL = "local"

# What the summary says is the same, by the field that `--ignore` leaves out of it.
COMPARED = {"state": "states", "attempts": "attempts", "outputs": "outputs"}


def verify_old(
    source: str | None,
    on: Sequence[str],
    given: Sequence[str],
    name: str | None,
    project: Project,
    *,
    as_json: bool,
    **how: Any,
) -> NoReturn:
    """Run both, tell what differs, and end the command.

    Args:
        source: The command's argument, which has no place here.
        on: The engines as named.
        given: Parameters of both, as `name=value`.
        name: Which pipeline, if the files hold several.
        project: The project around the command.
        as_json: Whether to print JSON.
        how: The command's other options.

    Raises:
        FindingsError: The old file does not run, or either holds not what is asked for.
    """
    from intermodal.cli.render.machine import to_json
    from intermodal.cli.report import leave, print_findings
    from intermodal.side_by_side import compare_on, run_old

    if source is not None or not (how["old"] and how["new"]):
        raise click.UsageError("--old and --new go together, without a SOURCE")
    system = _system(how["system"])
    origin = Origin(system.name, **{option: how[option] for option in VALUES})
    root = project.root
    before = _read(system, how["old"], origin.settings())
    new, all_new = _new_pipelines(system, how["new"], origin.settings(), name, project)
    findings: list[Finding] = []
    engines = _engines(on, project)
    results: list[tuple[Request, Old, SourceRun, list[Side]]] = []
    for pipeline in new:
        request = _request(pipeline, all_new, given, project, how)
        old = _old(pipeline, before, system, engines, how)
        ran = run_old(old, request)
        sides = [compare_on(engine, request, old, ran) for engine in engines]
        results.append((request, old, ran, sides))
        told = [f for side in sides for f in side.verified.findings]
        findings += told
        if not as_json:
            click.echo(_text(pipeline, ran, sides, request.ignore))
            print_findings(told, root)
            for side in sides:
                _print_log(side)
    if as_json:
        click.echo(to_json([_data(*result) for result in results]))
    leave(findings)


def _system(name: str | None) -> Importer:
    """The importer of that name, or the only one.

    Raises:
        FindingsError: PORT009, there is none, or it is not clear which.
    """
    from intermodal import registry
    from intermodal.findings import FindingsError, error
    from intermodal.importing import importer

    known = registry.names("importers")
    if name is None and len(known) != 1:
        what = "which system the old file was written for is not clear"
        next_step = f"say `--from` with one of {', '.join(known) or 'none'}"
        raise FindingsError([error("PORT009", what, next=next_step)])
    return importer(name or known[0])


def _read(system: Importer, file: Path, settings: ImportSettings) -> ReadSource:
    """The file as its importer reads it, without running it.

    Raises:
        FindingsError: PORT001, there is no such file.
    """
    from intermodal.findings import FindingsError, error

    if not file.is_file():
        raise FindingsError([error("PORT001", f"`{file}` is no file")])
    [source] = system.read([file], settings)
    return source


def _new_pipelines(
    system: Importer, file: Path, settings: ImportSettings, name: str | None, project: Project
) -> tuple[list[Pipeline], list[Pipeline]]:
    """Pipelines to verify, and all that their file holds.

    Raises:
        FindingsError: The file has errors, or there is no such pipeline.
    """
    from intermodal.cli import sources
    from intermodal.findings import FindingsError, error, raise_errors

    read = _read(system, file, settings)
    if read.pipelines:
        built = [one.build() for one in read.pipelines if name in (None, one.id)]
        findings = [*read.findings, *(f for one in built for f in one.findings)]
        pipelines = [one.pipeline for one in built]
        every = [one.build().pipeline for one in read.pipelines]
    else:
        found = sources.load([str(file)], project)
        findings, every = list(found.findings), list(found.pipelines)
        pipelines = [p for p in every if name in (None, p.name)]
    raise_errors(findings)
    if not pipelines:
        what = f"`{file}` holds no pipeline{f' `{name}`' if name else ''}"
        held = ", ".join(f"`{p.name}`" for p in every) or "none"
        raise FindingsError([error("PORT009", what, next=f"it holds {held}")])
    return pipelines, every


def _engines(on: Sequence[str], project: Project) -> list[str]:
    from intermodal.cli.verify import engines_named

    named = {part.strip() for text in on for part in text.split(",")}
    here = [LOCAL] if LOCAL in named else []
    if named == {LOCAL}:
        return here
    return [*here, *engines_named(on, project)]


def _request(
    pipeline: Pipeline,
    others: Sequence[Pipeline],
    given: Sequence[str],
    project: Project,
    how: Mapping[str, Any],
) -> Request:
    from intermodal.cli.answers import given_answers
    from intermodal.side_by_side import data_beside
    from intermodal.verifying import Request

    root = Path(how["root"]) if how["root"] else None
    folders = (root, project.root, how["old"].parent, how["new"].parent)
    return Request(
        pipeline=pipeline,
        others=_others(pipeline, others),
        parameters=_parameters(pipeline, given),
        settings=project.profile(how["profile"]),
        python_path=tuple(dict.fromkeys(folder.resolve() for folder in folders if folder)),
        approvals=given_answers([pipeline], how["approve"], how["reject"], rest=how["approve_all"]),
        ignore=how["ignore"],
        requirements=how["requirements"],
        timeout=how["timeout"],
        beside=data_beside(how["old"]),
    )


def _others(pipeline: Pipeline, every: Sequence[Pipeline]) -> tuple[Pipeline, ...]:
    """Pipelines that it may start, and all of the file where its tasks are classes of another system."""
    from intermodal.verifying import started_by

    if pipeline.hosted is None:
        return started_by(pipeline, every)
    return tuple(other for other in every if other.name != pipeline.name)


def _parameters(pipeline: Pipeline, given: Sequence[str]) -> dict[str, Any]:
    """Parameters for both; a pipeline of another system tells what it takes once it is translated.

    Raises:
        FindingsError: PORT603, they do not fit.
    """
    from intermodal.cli.parameters import read_parameters
    from intermodal.ecosystems import translate

    return read_parameters(translate(pipeline, LOCAL).pipeline or pipeline, given)


def _old(
    pipeline: Pipeline,
    before: ReadSource,
    system: Importer,
    engines: Sequence[str],
    how: Mapping[str, Any],
) -> Old:
    """What to hold the pipeline against: the one of its name, or the file's only one.

    Raises:
        FindingsError: PORT009, it is not clear which, or a name is not given as OLD=NEW.
    """
    from intermodal.findings import FindingsError, error
    from intermodal.side_by_side import Old

    held = [one.id for one in before.pipelines]
    name = pipeline.name if pipeline.name in held or not held else held[0]
    if name != pipeline.name and len(held) > 1:
        what = f"`{how['old']}` holds no {system.unit} `{pipeline.name}`"
        raise FindingsError([error("PORT009", what, next=f"it holds {', '.join(held)}")])
    wrong = [text for text in how["names"] if not all(text.partition("=")[::2])]
    if wrong:
        raise FindingsError([error("PORT009", f"`--map {wrong[0]}` is not OLD=NEW")])
    names = dict(text.split("=", 1) for text in how["names"])
    engine = how["old_on"] or _engine_of(system.name, engines)
    return Old(how["old"], name, engine, names)


def _engine_of(system: str, engines: Sequence[str]) -> str:
    """The first engine named that is of this system, else the first that is installed."""
    from intermodal.engines import catalogue

    named = [name for name in engines if name.partition("@")[0] == system]
    installed = [o.name for o in catalogue() if o.path and o.name.partition("@")[0] == system]
    return [*named, *installed, system][0]


def _text(pipeline: Pipeline, ran: SourceRun, sides: Sequence[Side], ignore: Sequence[str]) -> str:
    """One line if all is the same, otherwise a table under a line."""
    from intermodal.cli.render.text import counted
    from intermodal.cli.verify import table
    from intermodal.comparable import counted_tasks

    tasks, mapped = counted_tasks(ran.trace)
    head = f"{pipeline.name}: {counted(tasks, 'task')}"
    head += f", {mapped} of them mapped" if mapped else ""
    verified = [side.verified for side in sides]
    if any(made.verdict != "same" for made in verified):
        shown = table(pipeline.name, f"old ({ran.engine})", sides[0].expected, verified)
        return f"{head}: {_not_same(sides)}\n" + shown.partition("\n")[2]
    same = [f"same {word}" for field, word in COMPARED.items() if field not in ignore]
    lines = [f"{head}: {', '.join(same)}"]
    lines.append(f"  old on {ran.engine}, new on {', '.join(made.engine for made in verified)}")
    by_type = sorted({name for side in sides for name in side.by_type})
    if by_type:
        lines.append(f"  by type only, for what it returns is no JSON: {', '.join(by_type)}")
    by_value = sorted({name for side in sides for name in side.by_value})
    if by_value:
        lines.append(f"  skipped by a value of its own, not by state: {', '.join(by_value)}")
    if ignore:
        lines.append(f"  not compared: {', '.join(ignore)}")
    return "\n".join(lines)


def _not_same(sides: Sequence[Side]) -> str:
    found = [f"{side.verified.verdict} on {side.verified.engine}" for side in sides]
    return ", ".join(found)


def _print_log(side: Side) -> None:
    from intermodal.cli.verify import print_log

    print_log(side.verified)


def _data(request: Request, old: Old, ran: SourceRun, sides: Sequence[Side]) -> dict[str, Any]:
    from intermodal.cli.verify import verdict_data

    return {
        "pipeline": request.pipeline.name,
        "parameters": dict(request.parameters),
        "old": {
            "file": str(old.file),
            "name": old.name,
            "engine": ran.engine,
            "trace": ran.trace.model_dump(mode="json"),
        },
        "engines": [
            {
                **verdict_data(side.verified),
                "compared_by_type": list(side.by_type),
                "skipped_by_value": list(side.by_value),
            }
            for side in sides
        ],
    }
