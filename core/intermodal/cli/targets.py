"""`port targets`: what can be compiled to, and what each target supports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from intermodal.cli.command import WithExamples
from intermodal.cli.options import as_json, complete_targets

if TYPE_CHECKING:
    from intermodal.compiling import Compiler
    from intermodal.features import Support
    from intermodal.findings import Finding


@click.command(
    name="targets",
    cls=WithExamples,
    examples=(
        "port targets",
        "port targets airflow@2.11",
        "port targets --json",
    ),
)
@click.argument("target", required=False, shell_complete=complete_targets)
@as_json
def command(target: str | None, as_json: bool) -> None:
    """List targets with their versions, or what one TARGET supports."""
    if target is None:
        _print_all(as_json=as_json)
    else:
        _print_one(target, as_json=as_json)


def _print_all(*, as_json: bool) -> None:
    from intermodal import registry
    from intermodal.cli.matrix import columns, not_loadable
    from intermodal.cli.render.machine import to_json
    from intermodal.cli.report import leave, print_findings

    compilers: dict[str, Compiler] = {}
    findings: list[Finding] = []
    for name in registry.names("compilers"):
        try:
            compilers[name] = registry.compiler(name)
        except (ImportError, AttributeError) as problem:
            findings.append(not_loadable(name, problem))
    print_findings(findings)
    if as_json:
        click.echo(to_json({name: _versions(c) for name, c in compilers.items()}))
        leave(findings)
    rows = [["target", "versions (the default first)"]]
    rows += [[name, ", ".join(c.versions)] for name, c in compilers.items()]
    click.echo(columns(rows))
    click.echo("`port targets TARGET` shows what it supports")
    leave(findings)


def _versions(compiler: Compiler) -> dict[str, Any]:
    """The support of every feature, by version."""
    return {
        version: {str(f): _support_data(s) for f, s in compiler.capabilities(version).items()}
        for version in compiler.versions
    }


def _print_one(text: str, *, as_json: bool) -> None:
    from intermodal import registry
    from intermodal.cli.matrix import columns, resolve_targets
    from intermodal.cli.render.machine import to_json
    from intermodal.findings import raise_errors

    targets, unknown = resolve_targets([text])
    raise_errors(unknown)
    [target] = targets
    capabilities = registry.compiler(target.name).capabilities(target.version)
    if as_json:
        data = {str(feature): _support_data(s) for feature, s in capabilities.items()}
        click.echo(to_json({"target": str(target), "features": data}))
        return
    rows = [["feature", "support", "how, or why not"]]
    for feature, support in capabilities.items():
        told = _support_data(support)
        rows.append([str(feature), told["support"], told.get("how") or told.get("why") or ""])
    click.echo(f"{target}\n{columns(rows)}")


def _support_data(support: Support) -> dict[str, Any]:
    from intermodal.features import Lowered, Refused

    match support:
        case Lowered(how=how):
            return {"support": "lowered", "how": how}
        case Refused(why=why, hint=hint):
            return {"support": "refused", "why": why, "hint": hint}
        case _:
            return {"support": "native"}
