"""`port artifacts`: versions in the store, their content, and removing what is no longer wanted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from intermodal.cli.command import GroupWithExamples
from intermodal.cli.options import as_json, store_option, tracking_option

if TYPE_CHECKING:
    from datetime import timedelta

    from intermodal.artifacts.listing import VersionRow
    from intermodal.artifacts.pruning import KeepInputs
    from intermodal.artifacts.store import ArtifactStore


class ListByDefault(GroupWithExamples):
    """A group whose options alone mean `list`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put `list` in front of options, and where there is nothing."""
        if not args or (args[0].startswith("-") and args[0] not in ctx.help_option_names):
            args = ["list", *args]
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; one of `port` itself is named."""
        from intermodal.cli.main import COMMANDS

        if args and args[0] not in self.commands and args[0] in COMMANDS:
            ctx.fail(f"No such command `{args[0]}`. Did you mean `port {args[0]}`?")
        return super().resolve_command(ctx, args)


@click.group(
    name="artifacts",
    cls=ListByDefault,
    examples=(
        "port artifacts",
        "port artifacts --pipeline diagnosis --kind Model",
        "port artifacts get diagnosis/train/return --out model.skops",
        "port artifacts prune --keep-last 3 --older-than 30d",
    ),
)
def command() -> None:
    """List artifact versions, fetch one, or remove old ones.

    `port lineage` shows what one was made from.
    """


@command.command(
    name="list",
    short_help="List versions, oldest first.",
    examples=(
        "port artifacts list --run 2026-01-02T03-04-05",
        "port artifacts list --task train --json",
    ),
)
@click.option("--pipeline", metavar="NAME", help="Only of this pipeline.")
@click.option("--run", metavar="ID", help="Only of this run.")
@click.option("--task", metavar="ID", help="Only of this task.")
@click.option("--output", metavar="NAME", help="Only of this output.")
@click.option("--kind", metavar="KIND", help="Only of this kind: Dataset, Model, Metrics, ...")
@click.option("--pruned", is_flag=True, help="Also those whose content was pruned.")
@store_option
@as_json
def list_versions(
    pipeline: str | None,
    run: str | None,
    task: str | None,
    output: str | None,
    kind: str | None,
    pruned: bool,
    store: str | None,
    as_json: bool,
) -> None:
    """List versions, oldest first."""
    from intermodal.artifacts.listing import versions
    from intermodal.cli.render.machine import findings_json, to_json
    from intermodal.cli.report import leave, print_findings

    opened = _open(store)
    rows, findings = versions(opened, pipeline, run, task, output, kind, pruned=pruned)
    if as_json:
        data = [row.model_dump(mode="json") for row in rows]
        click.echo(
            to_json({"store": opened.root, "artifacts": data, "findings": findings_json(findings)})
        )
    else:
        print_findings(findings)
        click.echo(_versions_table(rows) if rows else f"no artifacts in {opened.root}")
    leave(findings)


@command.command(
    name="get",
    short_help="Copy one artifact's content out of the store.",
    examples=(
        "port artifacts get diagnosis/train/return",
        "port artifacts get diagnosis/split/test@2 --out test.parquet",
        "port artifacts get 3f9a61c2",
    ),
)
@click.argument("artifact")
@click.option(
    "--out",
    metavar="PATH",
    default=".",
    type=click.Path(),
    help="File to write, or an existing folder to put it in. [default: this folder]",
)
@store_option
@as_json
def get(artifact: str, out: str, store: str | None, as_json: bool) -> None:
    """Copy the content of ARTIFACT out of the store, after comparing it with its hash.

    ARTIFACT is a URI, PIPELINE/TASK/OUTPUT (its latest version), PIPELINE/TASK/OUTPUT@VERSION, or the
    first digits of a hash.
    """
    from intermodal.artifacts.listing import find
    from intermodal.cli.render.machine import to_json

    opened = _open(store)
    record = find(opened, artifact)
    place = opened.fetch(record.ref, Path(out))
    if as_json:
        click.echo(to_json({"path": str(place), **record.model_dump(mode="json")}))
    else:
        click.echo(
            f"{place}  {record.ref.kind}, {readable_size(record.ref.size)}, {record.ref.format}"
        )


@command.command(
    name="prune",
    short_help="Remove old versions; their lineage stays.",
    examples=(
        "port artifacts prune --keep-last 3 --older-than 30d",
        "port artifacts prune --keep-last 3 --older-than 30d --yes",
        "port artifacts prune --run 20260102T030405-9f3a --kind Dataset --yes",
    ),
)
@click.option(
    "--keep-last",
    type=click.IntRange(min=0),
    metavar="N",
    help="Keep the newest N versions of each output. [default: 1; with --run 0]",
)
@click.option(
    "--older-than", metavar="AGE", help="Only versions older than that, such as 30d or 12h."
)
@click.option("--pipeline", metavar="NAME", help="Only of this pipeline.")
@click.option("--run", metavar="ID", help="Only of this run.")
@click.option("--kind", metavar="KIND", help="Only of this kind: Dataset, Model, Metrics, ...")
@click.option(
    "--keep-inputs",
    type=click.Choice(["direct", "all", "none"]),
    default="direct",
    show_default=True,
    help="Keep what a version that stays was made from; with `all` also what that was made from, and so on.",
)
@click.option(
    "--keep-cached",
    is_flag=True,
    help="Keep what a cache entry refers to; else the entry goes, too.",
)
@click.option("--without-tracker", is_flag=True, help="Do not ask which models are registered.")
@click.option("--yes", is_flag=True, help="Remove them; else it is only shown what would go.")
@store_option
@tracking_option
@as_json
def prune(  # noqa: PLR0913, PLR0917 - one argument for each option
    keep_last: int | None,
    older_than: str | None,
    pipeline: str | None,
    run: str | None,
    kind: str | None,
    keep_inputs: KeepInputs,
    keep_cached: bool,
    without_tracker: bool,
    yes: bool,
    store: str | None,
    tracking: str | None,
    as_json: bool,
) -> None:
    """Show which versions are no longer needed, and remove them with --yes.

    What would go must be told: give --keep-last, --older-than or --run. Never removed are versions of runs that
    have not ended, versions that a registered model refers to, and what any version that stays was made from.
    Of a version that is removed the record stays: `port lineage` tells that it was pruned.
    """
    from intermodal.artifacts.pruning import Policy, carry_out, plan
    from intermodal.artifacts.store import utc_now
    from intermodal.cli.render.machine import to_json
    from intermodal.cli.render.pruning import pruning_data, pruning_text
    from intermodal.cli.report import leave, print_findings
    from intermodal.project import find_project
    from intermodal.tracking.tracker import is_off, without_password
    from intermodal.tracking.usage import usage

    if keep_last is None and older_than is None and run is None:
        raise click.UsageError(
            "give --keep-last, --older-than or --run: what is to go must be told"
        )
    default = 0 if run is not None else 1
    policy = Policy(
        keep_last=default if keep_last is None else keep_last,
        older_than=_age(older_than),
        pipeline=pipeline,
        run=run,
        kind=kind,
        keep_inputs=keep_inputs,
        keep_cached=keep_cached,
    )
    opened = _open(store)
    address = find_project(Path.cwd()).tracking if tracking is None else tracking
    use = usage("" if without_tracker else address, opened.root)
    planned = plan(opened, policy, use, utc_now())
    if yes:
        carry_out(opened, planned)
    if as_json:
        click.echo(to_json(pruning_data(planned, done=yes)))
    else:
        print_findings(planned.findings)
        click.echo(pruning_text(planned, done=yes))
        if planned.removed and not (without_tracker or is_off(address)):
            click.echo(f"what is in use was asked of {without_password(address)}")
    leave(planned.findings)


def _age(text: str | None) -> timedelta | None:
    from intermodal.ir.node import parse_duration

    try:
        return None if text is None else parse_duration(text)
    except ValueError as problem:
        raise click.UsageError(f"--older-than: {problem}") from problem


def _open(store: str | None) -> ArtifactStore:
    from intermodal.artifacts.store import ArtifactStore
    from intermodal.project import find_project

    return ArtifactStore(store or find_project(Path.cwd()).store)


def _versions_table(rows: list[VersionRow]) -> str:
    from intermodal.cli.matrix import columns

    heads = ["artifact", "kind", "size", "hash", "made", "run"]
    body = []
    for row in rows:
        made = f"{row.created_at:%Y-%m-%d %H:%M:%S}"
        body.append(
            [artifact_name(row), row.kind, readable_size(row.size), row.sha256[:12], made, row.run]
        )
    return columns([heads, *body])


def artifact_name(row: VersionRow) -> str:
    """How a user asks for the version, and whether it is the same as an older one."""
    index = f"[{','.join(map(str, row.index))}]" if row.index else ""
    same = f" (as @{row.same_as})" if row.same_as else ""
    gone = " (pruned)" if row.pruned_at else ""
    return f"{row.pipeline}/{row.task}{index}/{row.output}@{row.version}{same}{gone}"


def readable_size(number: int) -> str:
    """Bytes in a unit that people read."""
    size = float(number)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"
