"""`port diff`: what differs between two runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from intermodal.cli.command import WithExamples
from intermodal.cli.options import as_json, store_option, tracking_option

if TYPE_CHECKING:
    from collections.abc import Iterable

    from intermodal.artifacts.store import ArtifactStore
    from intermodal.findings import Finding
    from intermodal.tracking.differences import Row
    from intermodal.tracking.known_runs import KnownRuns


@click.command(
    name="diff",
    cls=WithExamples,
    examples=(
        "port diff 20260102T030405-9f3a 20260103T030405-1c22",
        "port diff diagnosis/20260102T0304 manual__2026-01-03 --all",
        "port diff 20260102T030405-9f3a 20260103T030405-1c22 --code --exit-code",
    ),
)
@click.argument("left", metavar="RUN")
@click.argument("right", metavar="RUN")
@click.option("--all", "everything", is_flag=True, help="Also what is the same.")
@click.option("--code", is_flag=True, help="Show how the code of tasks changed.")
@click.option("--exit-code", is_flag=True, help="Exit with 1 if the runs differ.")
@store_option
@tracking_option
@as_json
def command(
    left: str,
    right: str,
    everything: bool,
    code: bool,
    exit_code: bool,
    store: str | None,
    tracking: str | None,
    as_json: bool,
) -> None:
    """Compare two runs: parameters, states, metrics, artifacts and code, wherever they ran.

    RUN is a run's id, how it begins, PIPELINE/RUN, or MLflow's id of it. Artifacts are compared by their content,
    tasks by the hash of their code. What the artifact store does not know is asked of the tracker;
    without it, metrics are those that tasks returned. Times are told, but make no difference.
    """
    from intermodal.artifacts.store import ArtifactStore
    from intermodal.cli.render.differences import code_text, differences_data, differences_text
    from intermodal.cli.render.machine import findings_json, to_json
    from intermodal.cli.report import FOUND, leave, print_findings
    from intermodal.findings import errors_of
    from intermodal.project import find_project
    from intermodal.tracking.differences import differences, is_different
    from intermodal.tracking.known_runs import KnownRuns

    project = find_project(Path.cwd())
    opened = ArtifactStore(store or project.store)
    records, findings = opened.scan(pruned=True)
    tracker = project.tracking if tracking is None else tracking
    runs = KnownRuns(opened, records, tracker, findings)
    one, other = runs.find(left), runs.find(right)
    findings += _not_tracked(runs)
    rows = differences(one, other)
    sources = _sources(opened, rows) if code else {}
    print_findings(findings)
    if as_json:
        data = differences_data(one, other, rows, everything=everything)
        if code:
            data["code"] = sources
        click.echo(to_json({**data, "findings": findings_json(findings)}))
    else:
        click.echo(differences_text(one, other, rows, everything=everything))
        for text in code_text(rows, sources) if code else ():
            click.echo(text)
    if exit_code and is_different(rows) and not errors_of(findings):
        raise click.exceptions.Exit(FOUND)
    leave(findings)


def _not_tracked(runs: KnownRuns) -> list[Finding]:
    """PORT543 where the tracker knows only one of the runs: what it knows then seems to differ."""
    from intermodal.findings import warning
    from intermodal.tracking.tracker import without_password

    if len(runs.untracked) != 1 or any(finding.code == "PORT543" for finding in runs.findings):
        return []
    missing = runs.untracked[0][1]
    what = f"the tracker at `{without_password(runs.tracker)}` does not know run `{missing}`"
    return [
        warning(
            "PORT543",
            f"{what}: what only it knows of the other seems to differ",
            next="give a tracker that knows both with `--tracking`, or `--tracking none`",
        )
    ]


def _sources(store: ArtifactStore, rows: Iterable[Row]) -> dict[str, str]:
    """The texts of the code that changed, by their hash, where the store has them."""
    changed = (row for row in rows if row.section == "code" and row.task and not row.same)
    hashes = {str(value) for row in changed for value in (row.left, row.right)}
    found = {name: store.code(name) for name in sorted(hashes)}
    return {name: text for name, text in found.items() if text is not None}
