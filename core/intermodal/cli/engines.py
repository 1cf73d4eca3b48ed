"""`port engines`: environments with the real software of targets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from intermodal.cli.command import GroupWithExamples
from intermodal.cli.options import as_json, complete_engines

if TYPE_CHECKING:
    from intermodal.engines import EngineOffer


@click.group(
    name="engines",
    cls=GroupWithExamples,
    examples=(
        "port engines list",
        "port engines install airflow@3.3 airflow@2.11 prefect@3 kfp@2",
    ),
)
def command() -> None:
    """Real engines, each in an environment of its own, to run cases on."""


@command.command(
    name="list",
    short_help="List engines and where they are installed.",
    examples=("port engines list --json",),
)
@as_json
def list_engines(as_json: bool) -> None:
    """List the engines that can be installed, and where those are that have been."""
    from intermodal.cli.matrix import columns
    from intermodal.cli.render.machine import to_json
    from intermodal.engines import catalogue

    offers = catalogue()
    if as_json:
        click.echo(to_json([_data(offer) for offer in offers]))
        return
    rows = [["engine", "software", "python", "installed"]]
    rows += [[o.name, o.software, o.python, o.path or "-"] for o in offers]
    click.echo(columns(rows))


@command.command(
    name="install",
    short_help="Make the environments of engines.",
    examples=(
        "port engines install airflow@3.3 prefect@3",
        "port engines install kfp --requirements requirements.txt",
    ),
)
@click.argument("engines", nargs=-1, required=True, shell_complete=complete_engines)
@click.option(
    "--requirements",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Packages of your own to add, as far as the engine's pins allow.",
)
@as_json
def install_engines(engines: tuple[str, ...], requirements: Path | None, as_json: bool) -> None:
    """Make an environment for each of ENGINES from its hash-pinned lock file, unless it is there."""
    from intermodal.cli.render.machine import to_json
    from intermodal.engines import install, offer

    offers = [offer(name) for name in engines]  # an unknown one stops before anything is made
    made = []
    for wanted in offers:
        if not as_json:
            click.echo(f"{wanted.name} ({wanted.software}) ...", err=True)
        done = install(wanted.name, requirements)
        made.append(done)
        if not as_json:
            click.echo(f"{done.name}  {done.path}")
    if as_json:
        click.echo(to_json([_data(done) for done in made]))


def _data(offer: EngineOffer) -> dict[str, Any]:
    return {
        "name": offer.name,
        "software": offer.software,
        "python": offer.python,
        "path": offer.path,
    }
