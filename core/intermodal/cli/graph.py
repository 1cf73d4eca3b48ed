"""`port graph`: a pipeline as a picture."""

from __future__ import annotations

from pathlib import Path

import click

from intermodal.cli.command import WithExamples
from intermodal.cli.options import output_option, written
from intermodal.cli.origin import Origin, from_option

FORMATS = ("mermaid", "dot", "svg")


@click.command(
    name="graph",
    cls=WithExamples,
    examples=(
        "port graph pipelines/diagnosis.py",
        "port graph pipelines/diagnosis.py --format svg --out diagnosis.svg",
        "port graph pipelines/ --pipeline etl --format dot | dot -Tpng > etl.png",
    ),
)
@click.argument("source", type=click.Path())
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="mermaid",
    show_default=True,
    help="Mermaid for Markdown, DOT for Graphviz, or an SVG picture.",
)
@click.option("--pipeline", metavar="NAME", help="Which one, if the source holds several.")
@output_option
@from_option
def command(
    source: str, form: str, pipeline: str | None, out: str | None, origin: Origin | None
) -> None:
    """Draw the pipeline in SOURCE."""
    from intermodal import drawing
    from intermodal.analysis.validate import validate
    from intermodal.cli.report import leave, print_findings
    from intermodal.cli.sources import load_one
    from intermodal.findings import errors_of
    from intermodal.project import find_project

    project = find_project(Path.cwd())
    found, findings = load_one(source, pipeline, project, origin)
    findings += validate(found)
    print_findings(findings, project.root)
    if not errors_of(findings):
        text = drawing.FORMATS[form](found)
        written(text, out)
    leave(findings)
