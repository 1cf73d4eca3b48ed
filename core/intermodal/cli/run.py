"""`port run`: a pipeline on this machine."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from intermodal.cli.command import WithExamples
from intermodal.cli.options import as_json, shown_path, store_option
from intermodal.cli.origin import Origin, from_option

if TYPE_CHECKING:
    from intermodal.artifacts.listing import VersionRow
    from intermodal.findings import Finding
    from intermodal.ir import Pipeline
    from intermodal.project import Project
    from intermodal.running import RunResult, TaskFailure

INTERRUPTED = 130
LONGEST_VALUE = 100


@click.command(
    name="run",
    cls=WithExamples,
    examples=(
        "port run pipelines/diagnosis.py",
        "port run pipelines/diagnosis.py -p trees=50 -p floor=0.9",
        "port run pipelines/ --pipeline etl --workers 4",
        "port run pipelines/release.py --approve publish",
        "port run pipelines/etl.py --resume 20260102T030405-9f3a",
    ),
)
@click.argument("source", type=click.Path())
@click.option(
    "-p",
    "--parameter",
    "given",
    multiple=True,
    metavar="NAME=VALUE",
    help="A parameter: text as it is, other values as JSON. Repeatable.",
)
@click.option("--pipeline", metavar="NAME", help="Which one, if the source holds several.")
@click.option("--resume", default="", metavar="RUN", help="Go on with a run where it broke.")
@click.option("--workers", type=click.IntRange(min=1), help="Worker processes.")
@store_option
@click.option(
    "--tracking",
    metavar="URI",
    envvar="INTERMODAL_TRACKING",
    help="Where to track, such as sqlite:///mlflow.db; '' for nowhere. [default: the project's]",
)
@click.option("--approve", multiple=True, metavar="ID", help="Approve this task. Repeatable.")
@click.option("--reject", multiple=True, metavar="ID", help="Reject this task. Repeatable.")
@click.option("--approve-all", is_flag=True, help="Approve every task that is not rejected.")
@from_option
@as_json
def command(  # noqa: PLR0913, PLR0917 - one argument for each option
    source: str,
    given: tuple[str, ...],
    pipeline: str | None,
    resume: str,
    workers: int | None,
    approve: tuple[str, ...],
    reject: tuple[str, ...],
    approve_all: bool,
    store: str | None,
    tracking: str | None,
    as_json: bool,
    origin: Origin | None,
) -> None:
    """Run the pipeline in SOURCE on this machine, keep its artifacts, and track it.

    A run that failed or was interrupted goes on with --resume: what has succeeded is not done again.
    Approvals are asked for at the terminal, unless they are given. Pipelines that it triggers are looked
    for in SOURCE too.
    """
    from intermodal.cli.answers import approvals_of, asker, given_answers
    from intermodal.cli.progress import showing
    from intermodal.cli.render.machine import to_json
    from intermodal.cli.report import exit_code, print_findings
    from intermodal.cli.sources import choose, load
    from intermodal.project import find_project
    from intermodal.running import RunOptions, local_backend

    if resume and given:
        raise click.UsageError("--resume goes on with the run's own parameters; leave -p out")
    project = find_project(Path.cwd())
    loaded = load([source], project, origin)
    found, findings = choose(loaded, source, pipeline)
    answers = given_answers(loaded.pipelines, approve, reject, rest=approve_all)
    ask = asker(machine=as_json)
    parameters = _checked(found, findings, given, project.root, resumed=bool(resume))
    again = ["port", "run", source, *_places(pipeline, store, tracking)]
    store = store or project.store
    tracking = project.tracking if tracking is None else tracking
    live = ask is None or set(approvals_of(found)) <= set(answers)
    with showing(found.name, _tasks(found), quiet=as_json, live=live) as listener:
        options = RunOptions(
            store=store,
            tracking=tracking,
            workers=workers,
            resume=resume,
            python_path=_python_path(source, project.root, origin),
            approvals=answers,
            ask=ask,
            pipelines={other.name: other for other in loaded.pipelines},
            pools=project.pools,
            on_event=listener,
            environment=_strictness(project),
        )
        result = local_backend().run(found, parameters, options)
    findings = [*result.findings, *(failure.finding for failure in result.failures)]
    if as_json:
        click.echo(to_json(_data(result, store, tracking)))
    else:
        print_findings(result.findings, project.root)
        for failure in result.failures:
            if failure.kind != "interrupted":  # the user did that, and knows
                _print_failure(failure, project.root)
        click.echo(_text(result, again, store, tracking))
    if result.state == "interrupted":
        raise click.exceptions.Exit(INTERRUPTED)
    raise click.exceptions.Exit(exit_code(findings) or (result.state != "succeeded"))


def _places(pipeline: str | None, store: str | None, tracking: str | None) -> list[str]:
    """The options that a run must be given again to go on."""
    from intermodal.tracking.keeping import bare_address

    options = [
        *(["--pipeline", pipeline] if pipeline else []),
        *(["--store", store] if store else []),
    ]
    return options if tracking is None else [*options, "--tracking", bare_address(tracking)]


def _checked(
    pipeline: Pipeline, findings: list[Finding], given: Sequence[str], root: Path, *, resumed: bool
) -> dict[str, Any]:
    """The parameters of a pipeline that may be run.

    Raises:
        FindingsError: It may not, or the parameters do not fit.
    """
    from intermodal.analysis.validate import validate
    from intermodal.cli.parameters import read_parameters
    from intermodal.cli.report import print_findings
    from intermodal.findings import raise_errors

    findings = [*findings, *validate(pipeline)]
    raise_errors(findings)
    print_findings(findings, root)
    return {} if resumed else read_parameters(pipeline, given)


def _tasks(pipeline: Pipeline) -> int:
    from intermodal.analysis import graph

    return sum(1 for _ in graph.tasks(pipeline))


def _python_path(source: str, root: Path, origin: Origin | None) -> tuple[Path, ...]:
    """Where workers import the user's modules from, as loading the source did."""
    path = Path(source).resolve()
    folder = path if path.is_dir() else path.parent
    named = [Path(origin.root).resolve()] if origin is not None and origin.root else []
    return tuple(dict.fromkeys((*named, root.resolve(), folder)))


def _print_failure(failure: TaskFailure, root: Path) -> None:
    """The finding, the user's own traceback, and the end of the task's output."""
    from intermodal.cli.render.text import printable
    from intermodal.cli.report import print_findings

    print_findings([failure.finding], root)
    sections = [("traceback", failure.traceback), ("output", failure.log_tail)]
    for title, text in sections:
        rows = text.strip("\n").splitlines()
        if rows:
            click.echo(
                "\n".join([f"   {title}:", *(f"     {printable(r)}" for r in rows)]), err=True
            )
    if failure.log is not None:
        click.echo(f"   all output: {shown_path(failure.log)}", err=True)
    click.echo(err=True)


def _text(result: RunResult, command: Sequence[str], store: str, tracking: str) -> str:
    """What a person wants to know at the end; `command` ran the pipeline."""
    seconds = (result.ended - result.started).total_seconds()
    lines = [f"{result.pipeline} {result.state} in {seconds:.2f} s"]
    rows = [("run", result.run_id)]
    rows += [("output", f"{name} = {_shown(value)}") for name, value in result.outputs.items()]
    rows.append(("store", _shown_store(store)))
    rows += _tracking_rows(tracking)
    if result.state != "succeeded":
        rows.append(("go on", shlex.join([*command, "--resume", result.run_id])))
    lines += [f"  {label:<10}{text}" for label, text in rows]
    made = _artifacts(result, store)
    if made:
        lines += ["artifacts", _table(made)]
    return "\n".join(lines)


def _data(result: RunResult, store: str, tracking: str) -> dict[str, Any]:
    from intermodal.cli.render.machine import findings_json

    findings = [*result.findings, *(failure.finding for failure in result.failures)]
    return {
        "pipeline": result.pipeline,
        "run": result.run_id,
        "state": result.state,
        "seconds": (result.ended - result.started).total_seconds(),
        "parameters": dict(result.parameters),
        "outputs": dict(result.outputs),
        "tasks": {
            name: {"state": i.state, "attempts": i.attempts, "seconds": i.seconds}
            for name, i in result.instances.items()
        },
        "artifacts": [row.model_dump(mode="json") for row in _artifacts(result, store)],
        "store": store,
        "tracking": tracking,
        "folder": str(result.folder),
        "failures": [
            {"task": f.instance, "attempt": f.attempt, "traceback": f.traceback, "log": f.log_tail}
            for f in result.failures
        ],
        "findings": findings_json(findings),
    }


def _artifacts(result: RunResult, store: str) -> list[VersionRow]:
    from intermodal.artifacts.listing import versions
    from intermodal.artifacts.store import ArtifactStore

    rows, _ = versions(ArtifactStore(store), result.pipeline, result.run_id)
    return rows


def _table(rows: Sequence[VersionRow]) -> str:
    from intermodal.cli.artifacts import artifact_name, readable_size
    from intermodal.cli.matrix import columns

    return columns([[artifact_name(r), r.kind, readable_size(r.size), r.sha256[:12]] for r in rows])


def _strictness(project: Project) -> dict[str, str]:
    """The project's word on undelivered records; the user's own variable goes before it."""
    from intermodal.runtime.context import STRICT_VARIABLE

    strict = project.settings.tracking_strict and STRICT_VARIABLE not in os.environ
    return {STRICT_VARIABLE: "1"} if strict else {}


def _tracking_rows(tracking: str) -> list[tuple[str, str]]:
    from intermodal.tracking.tracker import addresses_of, without_password

    rows: list[tuple[str, str]] = []
    for address in addresses_of(tracking):
        rows.append(("tracking", without_password(address)))
        if address.startswith(("sqlite:", "postgresql:", "mysql:")):
            shown = shlex.quote(without_password(address))
            rows.append(("see it", f"{_mlflow()} ui --backend-store-uri {shown}"))
    return rows


def _mlflow() -> str:
    """How to call MLflow: by its path where it is ours and no shell finds it."""
    beside = Path(sys.executable).with_name("mlflow")
    return shown_path(beside) if beside.exists() and not shutil.which("mlflow") else "mlflow"


def _shown_store(store: str) -> str:
    return store if "://" in store else shown_path(Path(store))


def _shown(value: Any) -> str:
    """An output in a line; an artifact by what it is."""
    import json

    from intermodal.artifacts.model import REF_MARK, is_ref
    from intermodal.cli.render.text import printable

    if is_ref(value):
        ref = value[REF_MARK]
        return f"{ref['kind']} {ref['uri']}"
    text = printable(json.dumps(value, ensure_ascii=False, default=str))
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"
