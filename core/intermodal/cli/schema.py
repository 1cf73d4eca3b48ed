"""`port schema`: the JSON Schema of pipeline documents."""

from __future__ import annotations

import click


@click.command(name="schema")
def command() -> None:
    """Print the JSON Schema of the IR, for editors and for other programs that write pipelines.

    \b
    Examples:
      port schema > intermodal.schema.json
    """
    from intermodal.cli.render.machine import to_json
    from intermodal.ir.schema import json_schema

    click.echo(to_json(json_schema()))
