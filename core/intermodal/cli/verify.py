"""`port verify`: whether a pipeline does the same here and on real engines."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from intermodal.cli.command import WithExamples
from intermodal.cli.options import as_json, complete_engines, profile_option
from intermodal.cli.origin import VALUES, value_options

if TYPE_CHECKING:
    from intermodal.cli.sources import Found
    from intermodal.ir import Pipeline
    from intermodal.project import Project
    from intermodal.trace import Instance, Trace
    from intermodal.verifying import Request, Verified

LOCAL = "local"
LOG_LINES = 12
# Options that only `--old` takes.
OF_OLD = ("old_on", "system", "names")


@click.command(
    name="verify",
    cls=WithExamples,
    examples=(
        "port verify pipelines/diagnosis.py",
        "port verify pipelines/etl.py --on local,airflow,prefect,kfp -p limit=10",
        "port verify pipelines/train.py --on airflow@2.11 --ignore train.outputs.return",
        "port verify --old dags/etl.py --new pipelines/etl.py --on airflow,prefect",
    ),
)
@click.argument("source", type=click.Path(), required=False)
@click.option(
    "--old",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Hold the new pipeline against this file of another system. It is EXECUTED on its own engine.",
)
@click.option(
    "--new",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="With --old: the new pipeline, or another file of the old system, which is read.",
)
@click.option(
    "--old-on",
    metavar="ENGINE",
    shell_complete=complete_engines,
    help="With --old: where that runs. [default: the first of its system in --on, or installed]",
)
@click.option(
    "--from",
    "system",
    metavar="SYSTEM",
    help="With --old: the system that it was written for. [default: the only one there is]",
)
@click.option(
    "--map",
    "names",
    multiple=True,
    metavar="OLD=NEW",
    help="With --old: a task that has another name now. Repeatable.",
)
@click.option(
    "--on",
    "on",
    multiple=True,
    metavar="ENGINE[,ENGINE]...",
    shell_complete=complete_engines,
    help="Engines to run on. [default: those of the project's targets that are installed]",
)
@click.option(
    "-p",
    "--parameter",
    "given",
    multiple=True,
    metavar="NAME=VALUE",
    help="A parameter: text as it is, other values as JSON. Repeatable.",
)
@click.option("--pipeline", metavar="NAME", help="Only this one, if the source holds several.")
@click.option(
    "--ignore",
    multiple=True,
    metavar="FIELD",
    help="What differs by nature: `attempts`, `train.outputs.return`. Repeatable.",
)
@click.option("--approve", multiple=True, metavar="ID", help="Approve this task. Repeatable.")
@click.option("--reject", multiple=True, metavar="ID", help="Reject this task. Repeatable.")
@click.option("--approve-all", is_flag=True, help="Approve every task that is not rejected.")
@click.option(
    "--requirements",
    type=click.Path(path_type=Path),
    help="The file that the engines were installed with.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=1),
    default=600.0,
    show_default=True,
    metavar="SECONDS",
    help="How long an engine may take.",
)
@value_options
@profile_option
@as_json
def command(
    source: str | None,
    on: tuple[str, ...],
    given: tuple[str, ...],
    pipeline: str | None,
    as_json: bool,
    **how: Any,
) -> None:
    """Run the pipelines in SOURCE on this machine and on real engines, and compare what they did.

    Compared are the state, attempts, outputs and artifacts of every task instance, and that nothing
    started too early. Exits with 1 if anything differs, and with 3 if an engine cannot be run.

    With --old and --new, it is the run of the old file that the new pipeline is held against: states,
    attempts, return values, order. The old file is run as it is, with all that it does.
    """
    from dataclasses import replace

    from intermodal.cli import sources as loading
    from intermodal.cli.answers import given_answers
    from intermodal.cli.render.machine import to_json
    from intermodal.cli.report import leave, print_findings
    from intermodal.project import find_project
    from intermodal.verifying import Request, run_reference, started_by, verify_on

    project = find_project(Path.cwd())
    if how["old"] or how["new"]:
        from intermodal.cli.verify_old import verify_old

        verify_old(source, on, given, pipeline, project, as_json=as_json, **how)
    foreign = [f"--{name.replace('_', '-')}" for name in (*VALUES, *OF_OLD) if how[name]]
    if source is None or foreign:
        told = (
            f"{foreign[0]} is for --old and --new"
            if foreign
            else "give a SOURCE, or --old and --new"
        )
        raise click.UsageError(told)
    found = loading.load([source], project)
    chosen = _chosen(found, source, pipeline, given)
    engines = engines_named(on, project)
    shared = Request(
        pipeline=chosen[0],
        settings=project.profile(how["profile"]),
        python_path=_python_path(source, project.root),
        approvals=given_answers(
            found.pipelines, how["approve"], how["reject"], rest=how["approve_all"]
        ),
        ignore=how["ignore"],
        requirements=how["requirements"],
        timeout=how["timeout"],
    )
    results: list[tuple[Request, Trace, list[Verified]]] = []
    for one in chosen:
        request = replace(
            shared,
            pipeline=one,
            others=started_by(one, found.pipelines),
            parameters=_parameters(one, found, given),
        )
        reference = run_reference(request)
        verified = [verify_on(name, request, reference) for name in engines]
        results.append((request, reference, verified))
        if not as_json:
            click.echo(table(one.name, LOCAL, reference, verified))
            for made in verified:
                print_findings(made.findings, project.root)
                print_log(made)
    if as_json:
        click.echo(to_json([_data(*result) for result in results]))
    leave([f for _, _, verified in results for made in verified for f in made.findings])


def _chosen(found: Found, source: str, name: str | None, given: Sequence[str]) -> list[Pipeline]:
    """The pipelines meant.

    Raises:
        FindingsError: The source has errors, there is no such pipeline, or parameters fit several.
    """
    from intermodal.findings import FindingsError, error, raise_errors

    raise_errors(found.findings)
    chosen = [p for p in found.pipelines if name in (None, p.name)]
    names = ", ".join(f"`{p.name}`" for p in found.pipelines)
    if not chosen:
        what = f"`{source}` holds no pipeline{f' `{name}`' if name else ''}"
        raise FindingsError([error("PORT009", what, next=f"it holds {names or 'none'}")])
    if given and len(chosen) > 1:
        what = f"`{source}` holds several pipelines, and parameters are for one"
        next_step = f"choose one of {names} with `--pipeline`"
        raise FindingsError([error("PORT009", what, next=next_step)])
    return chosen


def _parameters(pipeline: Pipeline, found: Found, given: Sequence[str]) -> dict[str, Any]:
    """Parameters of a pipeline that may be run.

    Raises:
        FindingsError: It may not, or the parameters do not fit.
    """
    from intermodal.analysis.validate import validate
    from intermodal.cli.parameters import read_parameters
    from intermodal.findings import raise_errors

    raise_errors([*found.findings, *validate(pipeline)])
    return read_parameters(pipeline, given)


def engines_named(on: Sequence[str], project: Project) -> list[str]:
    """The engines to run on, apart from this machine's own.

    Raises:
        FindingsError: PORT702 for an unknown one, PORT700 if none is installed.
    """
    from intermodal.engines import catalogue, offer
    from intermodal.findings import FindingsError, error

    named = [name.strip() for text in on for name in text.split(",") if name.strip()]
    if named:
        return list(dict.fromkeys(offer(name).name for name in named if name != LOCAL))
    families = {target.partition("@")[0] for target in project.targets}
    found = [o for o in catalogue() if o.path and o.name.partition("@")[0] in families]
    if found:
        return [o.name for o in found]
    what = "no engine of the project's targets is installed"
    next_step = f"run `port engines install {' '.join(project.targets)}`"
    raise FindingsError([error("PORT700", what, next=next_step)])


def _python_path(source: str, root: Path) -> tuple[Path, ...]:
    path = Path(source).resolve()
    folder = path if path.is_dir() else path.parent
    return tuple(dict.fromkeys((root.resolve(), folder)))


def table(name: str, told: str, reference: Trace, verified: Sequence[Verified]) -> str:
    """Instances down, engines across; what the others are held against is called `told`."""
    from intermodal.cli.matrix import columns
    from intermodal.cli.render.text import counted

    rows = [["", told, *(made.engine for made in verified)]]
    rows.append(
        ["the run", reference.state, *(_cell(made, "", reference.state) for made in verified)]
    )
    names = {*reference.instances, *(d.place for made in verified for d in made.differences)} - {""}
    for place in sorted(names):
        here = _shown(reference.instances.get(place))
        rows.append([place, here, *(_cell(made, place, here) for made in verified)])
    good = sum(made.verdict == "same" for made in verified)
    head = f"{name}: {counted(len(reference.instances), 'task instance')}"
    if verified:
        head += f" · the same on {good} of {counted(len(verified), 'engine')}"
    return f"{head}\n{columns(rows)}"


def _cell(made: Verified, name: str, here: str) -> str:
    if made.trace is None:
        return made.verdict
    fields = [d.field for d in made.differences if d.place == name]
    if not fields:
        return "same"
    if not name:
        return made.trace.state
    there = _shown(made.trace.instances.get(name))
    other = [f for f in fields if f not in ("state", "attempts", "instance")]
    told = [*([there] if there != here else []), *other]
    return " · ".join(told)


def _shown(instance: Instance | None) -> str:
    """`succeeded`, or with the number of attempts where it is not one."""
    if instance is None:
        return "-"
    if instance.attempts in (0, 1):
        return instance.state
    return f"{instance.state} after {instance.attempts}"


def print_log(made: Verified) -> None:
    """The end of an engine's own words, where something ran otherwise or not at all."""
    from intermodal.cli.render.text import printable
    from intermodal.runtime.secrets import hide_secrets

    lines = hide_secrets(made.log).strip().splitlines()[-LOG_LINES:]
    if lines and any(d.field in ("state", "attempts", "instance") for d in made.differences):
        shown = "\n".join(f"     {printable(line)}" for line in lines)
        click.echo(f"\n   the last lines of {made.engine}:\n{shown}", err=True)


def _data(request: Request, reference: Trace, verified: Sequence[Verified]) -> dict[str, Any]:
    return {
        "pipeline": request.pipeline.name,
        "parameters": dict(request.parameters),
        "reference": reference.model_dump(mode="json"),
        "engines": [verdict_data(made) for made in verified],
    }


def verdict_data(made: Verified) -> dict[str, Any]:
    """One engine's verdict as JSON data."""
    from intermodal.cli.render.machine import findings_json
    from intermodal.runtime.secrets import hide_secrets

    return {
        "engine": made.engine,
        "verdict": made.verdict,
        "differences": [
            {
                "instance": d.place or None,
                "field": d.field,
                "expected": d.expected,
                "actual": d.actual,
            }
            for d in made.differences
        ],
        "trace": made.trace.model_dump(mode="json") if made.trace else None,
        "findings": findings_json(made.findings),
        "log": hide_secrets(made.log),
    }
