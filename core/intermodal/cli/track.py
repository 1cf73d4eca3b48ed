"""`port track`: records that no tracker took yet, why, and sending them."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from intermodal.cli.command import GroupWithExamples
from intermodal.cli.options import as_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from intermodal.findings import Finding
    from intermodal.project import Project
    from intermodal.tracking.keeping import Kept
    from intermodal.tracking.spool import Synced

Answer = TypeVar("Answer")

MOMENT = "%Y-%m-%d %H:%M:%S"


@click.group(
    name="track",
    cls=GroupWithExamples,
    examples=("port track status", "port track sync", "port track sync --to http://mlflow:5000"),
)
def command() -> None:
    """Show what tasks tracked while the tracker was away, and send it."""


def _folder(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.argument("folder", required=False, type=click.Path(path_type=Path))(function)


def _run(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.option("--run", metavar="ID", help="Only of this run.")(function)


@command.command(
    name="status",
    short_help="Show what is kept, how much, and why.",
    examples=("port track status", "port track status --run 20260131T120000-1f9c03 --json"),
)
@_folder
@_run
@as_json
def status(folder: Path | None, run: str | None, as_json: bool) -> None:
    """Show the records that no tracker took yet, and why.

    Looks below FOLDER, or in the project's store.
    """
    from intermodal.cli.render.machine import findings_json, to_json
    from intermodal.cli.report import leave, print_findings
    from intermodal.project import find_project

    findings: list[Finding] = []
    project = find_project(Path.cwd())
    logs = _kept(folder, run, project, findings)
    stores = {} if folder or run else _waiting(project, findings)
    if as_json:
        rows = [_row(kept) for kept in logs]
        data = {"logs": rows, "stores": stores, "findings": findings_json(findings)}
        click.echo(to_json(data))
    else:
        print_findings(findings)
        if logs:
            click.echo(_table(logs))
        for store, number in stores.items():
            click.echo(f"{_plural(number, 'log')} in {store}; `port track sync` sends it all")
        if not logs and not stores:
            click.echo(_nothing(findings))
    leave(findings)


@command.command(
    name="sync",
    short_help="Send what is kept.",
    examples=(
        "port track sync",
        "port track sync --run 20260131T120000-1f9c03",
        "port track sync /mnt/work/spool --to http://mlflow:5000",
    ),
)
@_folder
@_run
@click.option(
    "--to", metavar="URI", help="Send to this tracker. [default: the one each task was to use]"
)
@as_json
def sync(folder: Path | None, run: str | None, to: str | None, as_json: bool) -> None:
    """Send the records that no tracker took yet, in the order in which they were made.

    Looks below FOLDER, or in the project's store. Sending the same twice changes nothing. What belongs to
    tasks that still run is left alone. Credentials come from the environment, or from the address in
    `INTERMODAL_TRACKING` or in the project's settings.
    """
    from intermodal.cli.render.machine import findings_json, to_json
    from intermodal.cli.report import leave, print_findings
    from intermodal.project import find_project
    from intermodal.tracking.spool import replay
    from intermodal.tracking.tracker import is_off

    if to is not None and is_off(to):
        raise click.UsageError("--to needs the address of a tracker")
    project = find_project(Path.cwd())
    findings: list[Finding] = []
    fetched = _fetched(project, findings) if folder is None else {}
    logs = _kept(folder, run, project, findings)
    known = _known_addresses(project)
    done = replay(logs, lambda kept: to or known.get(kept.log.address, kept.log.address))
    findings += _as_errors(done)
    _put_back(done, fetched)
    if as_json:
        data = {"sent": done.sent, "kept": done.kept, "running": done.running}
        rows = {name: [_row(kept) for kept in part] for name, part in data.items()}
        click.echo(to_json({**rows, "findings": findings_json(findings)}))
    else:
        print_findings(findings)
        click.echo(_summary(done, findings))
    leave(findings)


def _kept(
    folder: Path | None, run: str | None, project: Project, findings: list[Finding]
) -> list[Kept]:
    from intermodal.findings import FindingsError, error
    from intermodal.tracking.keeping import kept_logs

    if folder is not None and not folder.is_dir():
        raise FindingsError([error("PORT009", f"there is no folder `{folder}`")])
    roots = _places(project) if folder is None else [folder]
    logs = kept_logs(roots, findings)
    return [kept for kept in logs if run is None or kept.log.identity.run_id == run]


def _stores(project: Project) -> list[str]:
    """The stores on other machines, where workers that do not last leave what was not delivered."""
    from intermodal.runtime.context import STORE_VARIABLE
    from intermodal.tracking.parking import is_elsewhere

    profiles = (project.settings, *project.profiles.values())
    stores = {os.environ.get(STORE_VARIABLE, ""), project.store, *(p.store for p in profiles)}
    return sorted(filter(is_elsewhere, stores))


def _waiting(project: Project, findings: list[Finding]) -> dict[str, int]:
    """How many logs wait in each of those stores, where there are any."""
    from intermodal.tracking.parking import waiting

    asked = {store: _reached(store, waiting, findings) for store in _stores(project)}
    return {store: number for store, number in asked.items() if number}


def _fetched(project: Project, findings: list[Finding]) -> dict[Path, str]:
    """What was left in those stores, now on this machine; and where to put it if it cannot be sent."""
    from intermodal.runtime.context import DEFAULT_STORE
    from intermodal.tracking.parking import fetch

    root = project.root / DEFAULT_STORE / ".work"
    return {
        path: store
        for store in _stores(project)
        for path in _reached(store, lambda store: fetch(store, root), findings) or ()
    }


def _reached(store: str, ask: Callable[[str], Answer], findings: list[Finding]) -> Answer | None:
    """What a store answers; None, and an error, if it cannot be used: the others still are asked."""
    from intermodal.findings import FindingsError

    try:
        return ask(store)
    except FindingsError as problem:
        findings += problem.findings
        return None


def _put_back(done: Synced, fetched: dict[Path, str]) -> None:
    from intermodal.tracking.parking import park

    for kept in done.kept:
        if kept.path in fetched:
            park(kept.path, fetched[kept.path])


def _places(project: Project) -> list[Path]:
    """Where the runs of a project keep logs: not the whole store, which may be large."""
    from intermodal.runtime.context import DEFAULT_STORE, STORE_VARIABLE, WORK_VARIABLE
    from intermodal.tracking.log import elsewhere

    places = [elsewhere()]
    for store in (os.environ.get(STORE_VARIABLE), project.store, str(project.root / DEFAULT_STORE)):
        if store and ("://" not in store or store.startswith(("file://", "local://"))):
            root = Path(store.removeprefix("file://").removeprefix("local://"))
            places += [root / ".work", *root.glob("*/*/.work")]
    if given := os.environ.get(WORK_VARIABLE):
        places.append(Path(given))
    return places


def _known_addresses(project: Project) -> dict[str, str]:
    """Addresses by what is left of them without credentials, which logs do not have."""
    from intermodal.runtime.context import TRACKING_VARIABLE
    from intermodal.tracking.keeping import bare_address

    addresses = [p.tracking for p in project.profiles.values()]
    addresses += [project.settings.tracking, project.tracking]
    addresses.append(os.environ.get(TRACKING_VARIABLE, ""))
    return {bare_address(address): address for address in addresses if address}


def _as_errors(done: Synced) -> list[Finding]:
    """The findings; here it is an error, not a remark, that something could not be sent."""
    import dataclasses

    from intermodal.findings import Severity
    from intermodal.tracking.spool import is_undelivered

    return [
        dataclasses.replace(finding, severity=Severity.ERROR, next=_again(finding.next))
        if is_undelivered([finding])
        else finding
        for finding in done.findings
    ]


def _again(advice: str) -> str:
    """The advice of a task's finding, which names one folder, for somebody who sends all of them."""
    return f"{advice.partition(':')[0]}: the same command again" if advice else ""


def _row(kept: Kept) -> dict[str, Any]:
    identity = kept.log.identity
    return {
        "pipeline": identity.pipeline,
        "run": identity.run_id,
        "task": identity.instance_name,
        "attempt": identity.attempt,
        "path": str(kept.path),
        "address": kept.log.address,
        "started": _moment(kept.log.started),
        "records_bytes": kept.size,
        "files_bytes": kept.files,
        "running": kept.running,
        "tries": kept.tries,
        "tried": _moment(kept.tried) if kept.tried else None,
        "why": kept.why,
    }


def _table(logs: list[Kept]) -> str:
    from intermodal.cli.artifacts import readable_size
    from intermodal.cli.matrix import columns

    rows = [["run", "task", "records", "files", "for", "tried", "why"]]
    for kept in logs:
        identity = kept.log.identity
        times = _plural(kept.tries, "time")
        tried = f"{times}, {_moment(kept.tried)}" if kept.tries else "never"
        why = kept.why or ("it still runs" if kept.running else "its process was killed")
        rows.append(
            [
                f"{identity.pipeline} {identity.run_id}",
                identity.instance_name or "(end of the run)",
                readable_size(kept.size),
                readable_size(kept.files),
                kept.log.address or "(not known)",
                tried,
                why,
            ]
        )
    return columns(rows)


def _nothing(findings: list[Finding]) -> str:
    """What to say where no log is; not that all is well if something could not be looked at."""
    return "nothing else is kept" if findings else "nothing is kept: all records were delivered"


def _summary(done: Synced, findings: list[Finding]) -> str:
    if not (done.sent or done.kept or done.running):
        return _nothing(findings)
    lines = []
    if done.sent:
        lines.append(f"sent: {_counted(done.sent)}")
    if done.kept:
        lines.append(f"still kept: {_counted(done.kept)}; `port track status` shows why")
    if done.running:
        lines.append(f"left alone, because the task still runs: {_counted(done.running)}")
    return "\n".join(lines)


def _counted(logs: Iterable[Kept]) -> str:
    found = [kept.log.identity for kept in logs]
    tasks, ends = sum(bool(i.task) for i in found), sum(not i.task for i in found)
    runs = len({(i.pipeline, i.run_id) for i in found})
    parts = [_plural(tasks, "task"), _plural(ends, "end of a run", "ends of runs")]
    return f"{', '.join(filter(None, parts))} ({_plural(runs, 'run')})"


def _plural(number: int, one: str, several: str = "") -> str:
    if not number:
        return ""
    return f"{number} {one if number == 1 else several or one + 's'}"


def _moment(milliseconds: int) -> str:
    return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):{MOMENT}}"
