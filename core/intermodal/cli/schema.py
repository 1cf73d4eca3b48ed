"""`port schema`: the JSON Schema of pipeline documents."""

from __future__ import annotations

import click

from intermodal.cli.command import WithExamples


@click.command(
    name="schema",
    cls=WithExamples,
    examples=("port schema > intermodal.schema.json",),
)
def command() -> None:
    """Print the JSON Schema of the IR, for editors and for other programs that write pipelines."""
    from intermodal.cli.render.machine import to_json
    from intermodal.ir.schema import json_schema

    click.echo(to_json(json_schema()))
