# ruff: noqa: N999 - the module has the command's name, as all of them
"""`port import`: read pipelines of another system without running them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from intermodal.cli.command import WithExamples
from intermodal.cli.options import as_json

if TYPE_CHECKING:
    from intermodal.findings import Finding
    from intermodal.importing import Importer, ReadSource

TOTALS = ("tasks", "native", "lowered", "hosted", "holes")


@click.command(
    name="import",
    cls=WithExamples,
    examples=(
        "port import airflow dags/",
        "port import airflow dags/etl.py --root . --variables variables.json",
        "port import airflow dags/ --env prod.env --json > reading.json",
    ),
)
@click.argument("system")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
@click.option("--root", metavar="DIR", help="Follow imports of modules below this folder.")
@click.option("--variables", metavar="FILE", help="Values of Variables: JSON, YAML or NAME=VALUE.")
@click.option("--env", metavar="FILE", help="Environment of the files: JSON, YAML or NAME=VALUE.")
@click.option("--notes", is_flag=True, help="Show what was taken for granted, too.")
@as_json
def command(
    system: str,
    paths: tuple[str, ...],
    root: str | None,
    variables: str | None,
    env: str | None,
    notes: bool,
    as_json: bool,
) -> None:
    """Read pipelines of another SYSTEM from files and folders, and tell what they become.

    Files are never imported or run. What only running them could tell becomes a hole with its place and
    reason, never a guess.
    """
    from intermodal.cli.render.machine import to_json
    from intermodal.cli.report import leave, print_findings
    from intermodal.importing import ImportSettings

    importer = _importer(system)
    settings = ImportSettings(
        root=_existing(root) if root else None,
        variables=_values(variables),
        environment={name: str(value) for name, value in _values(env).items()},
    )
    sources = list(importer.read([_existing(path) for path in paths], settings))
    findings: list[Finding] = [finding for source in sources for finding in source.findings]
    if as_json:
        click.echo(to_json({"files": [source.to_data() for source in sources]}))
    else:
        print_findings(findings, notes=notes)
        click.echo(_table(sources))
    leave(findings)


def _importer(system: str) -> Importer:
    """The importer of that name.

    Raises:
        FindingsError: There is none.
    """
    from intermodal import registry
    from intermodal.findings import FindingsError, error

    if not registry.has("importers", system):
        known = ", ".join(registry.names("importers")) or "none"
        raise FindingsError(
            [error("PORT009", f"no importer for `{system}`", next=f"known ones: {known}")]
        )
    found: Importer = registry.load("importers", system)()
    return found


def _existing(path: str) -> Path:
    """The path.

    Raises:
        FindingsError: It does not exist.
    """
    from intermodal.findings import FindingsError, error

    found = Path(path)
    if not found.exists():
        raise FindingsError([error("PORT001", f"`{path}` does not exist")])
    return found


def _values(path: str | None) -> dict[str, Any]:
    """Names and values from a file: a mapping in JSON or YAML, or lines of NAME=VALUE.

    Raises:
        FindingsError: The file cannot be read as one.
    """
    import yaml

    from intermodal.findings import FindingsError, Span, error

    if path is None:
        return {}
    try:
        text = _existing(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise FindingsError([error("PORT002", f"`{path}` is not readable text")]) from problem
    if Path(path).suffix not in (".json", ".yaml", ".yml"):
        return _lines(text)
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as problem:
        raise FindingsError([error("PORT003", f"`{path}` is no YAML", Span(path))]) from problem
    if not isinstance(data, dict):
        raise FindingsError([error("PORT009", f"`{path}` must map names to values")])
    return {str(name): value for name, value in data.items()}


def _lines(text: str) -> dict[str, str]:
    found = {}
    for line in text.splitlines():
        name, mark, value = line.strip().removeprefix("export ").partition("=")
        if mark and not name.startswith("#"):
            found[name.strip()] = value.strip().strip("'\"")
    return found


def _table(sources: Sequence[ReadSource]) -> str:
    """Files and pipelines down, what their tasks become across, and the totals."""
    from intermodal.cli.matrix import columns

    rows: list[Mapping[str, str | int]] = [row for source in sources for row in source.rows()]
    table = [["file", "pipeline", *TOTALS]]
    table += [
        [str(row["file"]), str(row["pipeline"]), *(str(row[n]) for n in TOTALS)] for row in rows
    ]
    sums = [str(sum(int(row[name]) for row in rows)) for name in TOTALS]
    table.append([f"{len(sources)} files", f"{len(rows)} pipelines", *sums])
    return columns(table)
