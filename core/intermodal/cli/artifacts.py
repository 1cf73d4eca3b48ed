"""`port artifacts`: versions in the store, their content, and removing what is no longer wanted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from intermodal.cli.command import GroupWithExamples
from intermodal.cli.options import as_json, store_option

if TYPE_CHECKING:
    from intermodal.artifacts.listing import VersionRow
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
@store_option
@as_json
def list_versions(
    pipeline: str | None,
    run: str | None,
    task: str | None,
    output: str | None,
    kind: str | None,
    store: str | None,
    as_json: bool,
) -> None:
    """List versions, oldest first."""
    from intermodal.artifacts.listing import versions
    from intermodal.cli.render.machine import findings_json, to_json
    from intermodal.cli.report import leave, print_findings

    opened = _open(store)
    rows, findings = versions(opened, pipeline, run, task, output, kind)
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
    return f"{row.pipeline}/{row.task}{index}/{row.output}@{row.version}{same}"


def readable_size(number: int) -> str:
    """Bytes in a unit that people read."""
    size = float(number)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"
