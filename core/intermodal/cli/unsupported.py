"""What targets cannot do of the user's pipelines, as one table with the places in their files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from intermodal import registry
from intermodal.analysis.defaults import fold_defaults
from intermodal.analysis.uses import used_features
from intermodal.cli.matrix import Cell, columns
from intermodal.codes import CODES
from intermodal.compiling import Target
from intermodal.features import Refused
from intermodal.findings import Span, errors_of
from intermodal.ir import Pipeline

REFUSED = "refused"
SUPPORTED = "ok"
NOT_A_FEATURE = "PORT200"
MOST_PLACES = 3

Refusal = tuple[str, Target, Span | None]
"""What is refused, by which target, where."""


def unsupported_table(pipelines: Sequence[Pipeline], matrix: Sequence[Cell]) -> str:
    """Refused features down, targets across; empty if nothing is refused.

    Args:
        pipelines: What was compiled.
        matrix: Each of them compiled for each target.
    """
    places: dict[str, dict[str, None]] = {}
    refused: dict[str, set[Target]] = {}
    for what, target, span in _refusals(pipelines, matrix):
        lines = places.setdefault(what, {})
        if span is not None:
            lines[f"{span.file}:{span.line}"] = None
        refused.setdefault(what, set()).add(target)
    if not refused:
        return ""
    targets = list(dict.fromkeys(cell.target for cell in matrix))
    rows = [["not supported", *map(str, targets), "where"]]
    for what, by in refused.items():
        words = [REFUSED if target in by else SUPPORTED for target in targets]
        rows.append([what, *words, _shown(list(places[what]))])
    return columns(rows)


def _refusals(pipelines: Sequence[Pipeline], matrix: Sequence[Cell]) -> Iterator[Refusal]:
    by_name = {pipeline.name: pipeline for pipeline in pipelines}
    seen: set[tuple[str, Target]] = set()
    for cell in matrix:
        errors = errors_of(cell.compiled.findings)
        if (cell.pipeline, cell.target) not in seen and any(
            finding.code == NOT_A_FEATURE for finding in errors
        ):
            seen.add((cell.pipeline, cell.target))
            yield from _features(by_name[cell.pipeline], cell.target)
        for finding in errors:
            if finding.code.startswith("PORT2") and finding.code != NOT_A_FEATURE:
                yield (
                    f"{finding.code} {CODES[finding.code].title}",
                    cell.target,
                    finding.span,
                )


def _features(pipeline: Pipeline, target: Target) -> Iterator[Refusal]:
    capabilities = registry.compiler(target.name).capabilities(target.version)
    for use in used_features(fold_defaults(pipeline)):
        if isinstance(capabilities[use.feature], Refused):
            yield str(use.feature), target, use.span


def _shown(places: list[str]) -> str:
    """The places, as many as fit; a file is named once for its lines."""
    lines: dict[str, list[str]] = {}
    for place in places[:MOST_PLACES]:
        file, _, line = place.rpartition(":")
        lines.setdefault(file, []).append(line)
    shown = "; ".join(f"{file}:{','.join(numbers)}" for file, numbers in lines.items())
    more = len(places) - MOST_PLACES
    return f"{shown} and {more} more" if more > 0 else shown
