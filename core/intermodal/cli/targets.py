"""`port targets`: what can be compiled to, what each target supports, and what real runs have shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from intermodal.cli.command import WithExamples
from intermodal.cli.options import as_json, complete_targets

if TYPE_CHECKING:
    from intermodal.compiling import Target
    from intermodal.evidence import Evidence, Row
    from intermodal.features import Declares
    from intermodal.findings import Finding

LOCAL = "local"
NO_ENGINE = "-"


@click.command(
    name="targets",
    cls=WithExamples,
    examples=(
        "port targets",
        "port targets airflow@2.11",
        "port targets local",
        "port targets --json",
    ),
)
@click.argument("target", required=False, shell_complete=complete_targets)
@as_json
def command(target: str | None, as_json: bool) -> None:
    """List targets, versions and features, or what one TARGET supports and how.

    `local` is the engine of this machine, which nothing is compiled for.

    Numbers are conformance cases that use a feature: how many compile, and how many of them ran on the
    real engine and did the same as everywhere else.
    """
    from intermodal.cli.render.machine import to_json
    from intermodal.cli.report import leave, print_findings
    from intermodal.evidence import read_evidence, rows

    chosen = _chosen(target)
    compilers, findings = _compilers([chosen.name] if chosen else None)
    print_findings(findings)
    evidence = read_evidence()
    matrix = rows(compilers.values(), evidence)
    if chosen:
        matrix = [row for row in matrix if row.version == chosen.version]
    if as_json:
        click.echo(to_json([row.model_dump(mode="json") for row in matrix]))
    elif chosen:
        click.echo(f"{chosen}\n{_details(matrix)}")
    else:
        click.echo(_overview(compilers, matrix, evidence))
    leave(findings)


def _chosen(text: str | None) -> Target | None:
    """The target that the user named.

    Raises:
        FindingsError: There is none of that name.
    """
    from intermodal.cli.matrix import resolve_targets
    from intermodal.compiling import Target
    from intermodal.findings import raise_errors
    from intermodal.running import local_backend

    if text == LOCAL:
        return Target(LOCAL, local_backend().versions[0])
    targets, unknown = resolve_targets([text] if text else [])
    raise_errors(unknown)
    return targets[0] if targets else None


def _compilers(names: Sequence[str] | None) -> tuple[dict[str, Declares], list[Finding]]:
    """The compilers that can be loaded, and a finding for each other one."""
    from intermodal import registry
    from intermodal.cli.matrix import not_loadable
    from intermodal.running import local_backend

    compilers: dict[str, Declares] = {}
    findings: list[Finding] = []
    for name in registry.names("compilers") if names is None else names:
        try:
            compilers[name] = local_backend() if name == LOCAL else registry.compiler(name)
        except (ImportError, AttributeError) as problem:
            findings.append(not_loadable(name, problem))
    return compilers, findings


def _overview(compilers: Mapping[str, Declares], matrix: Sequence[Row], evidence: Evidence) -> str:
    """Targets with their versions, then features down and targets across."""
    from intermodal.cli.matrix import columns

    versions = [["target", "versions (the default first)"]]
    versions += [[name, ", ".join(c.versions)] for name, c in compilers.items()]
    shown = [
        (c.name, version)
        for c in compilers.values()
        for version in c.versions
        if version == c.versions[0] or evidence.has_engine(f"{c.name}@{version}")
    ]
    cells: dict[str, dict[tuple[str, str], str]] = {}
    for row in matrix:
        cells.setdefault(row.feature, {})[row.target, row.version] = _in_short(row)
    features = [["feature", *(f"{name}@{version}" for name, version in shown)]]
    features += [[feature, *(of[place] for place in shown)] for feature, of in cells.items()]
    return "\n".join(
        [
            columns(versions),
            "",
            columns(features),
            "",
            "n/m: of m conformance cases that use the feature, n ran the same on the real engine",
            "`port targets TARGET` tells how, why not, and how many compile",
        ]
    )


def _in_short(row: Row) -> str:
    if row.support == "refused" or row.ran_same is None or not row.cases:
        return row.support
    return f"{row.support} {row.ran_same}/{row.cases}"


def _details(matrix: Sequence[Row]) -> str:
    from intermodal.cli.matrix import columns

    table = [["feature", "support", "compiles", "ran same", "cases", "how, or why not"]]
    for row in matrix:
        ran = NO_ENGINE if row.ran_same is None else str(row.ran_same)
        counts = [str(row.compiles), ran, str(row.cases)]
        table.append([row.feature, row.support, *counts, row.how or row.why])
    return columns(table)
