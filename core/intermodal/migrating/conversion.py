"""Pipelines of one file of another system, written as a file of ours that a user keeps and edits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field

from intermodal.analysis import graph
from intermodal.ecosystems import translate
from intermodal.findings import Finding, errors_of
from intermodal.frozen import Frozen
from intermodal.importing import Imported
from intermodal.migrating.task_lines import task_lines

WRITER = "python"
HERE = "local"
"""Whom a pipeline is translated for when it is written down; classes without a neutral form stay in it."""


class Converted(Frozen):
    """Pipelines as Python.

    Attributes:
        text: The file; empty if none of them could be had.
        findings: What was found on the way.
        lines: By pipeline and task of the other system: the line where the task is used.
    """

    text: str
    findings: tuple[Finding, ...] = ()
    lines: Mapping[tuple[str, str], int] = field(default_factory=dict)


def convert(imported: Sequence[Imported]) -> Converted:
    """Write the pipelines of one file; one that cannot be translated is left out, with the reason."""
    from intermodal import registry

    findings: list[Finding] = []
    pipelines = []
    for one in imported:
        translated = translate(one.pipeline, HERE, keep_hosted=True)
        findings += translated.findings
        if translated.pipeline is not None and not errors_of(translated.findings):
            pipelines.append(translated.pipeline)
    if not pipelines:
        return Converted("", tuple(findings))
    written = registry.load("writers", WRITER)(pipelines, worker_only=True)
    findings += written.findings
    holes = list(_holes(imported))
    text = written.text + (_stop(holes) if holes else "")
    tasks = [(one.name, [task.id for task in graph.tasks(one)]) for one in pipelines]
    return Converted(text, tuple(findings), task_lines(text, tasks))


def _holes(imported: Sequence[Imported]) -> Iterator[str]:
    for one in imported:
        for finding in errors_of(one.findings):
            yield f"{finding.span}: {finding.what}" if finding.span else finding.what


def _stop(holes: Sequence[str]) -> str:
    """The end of a file that is not to be used before its holes are filled."""
    lines = "".join(f"    {_literal(hole)}\n" for hole in holes)
    return (
        "\n\n# What only running the original could tell is missing above. Fill it in, then delete this.\n"
        f"raise RuntimeError(\n{lines})\n"
    )


def _literal(text: str) -> str:
    return repr(f"{text}\n")
