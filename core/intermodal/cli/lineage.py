"""`port lineage`: what an artifact or a run came from, and what was made from it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from intermodal.cli.command import WithExamples
from intermodal.cli.options import output_option, store_option, tracking_option

if TYPE_CHECKING:
    from intermodal.artifacts.lineage import Direction, Lineage, RunName
    from intermodal.findings import Finding
    from intermodal.tracking.facts import RunFacts
    from intermodal.tracking.known_runs import KnownRuns

FORMATS = ("text", "mermaid", "dot", "svg", "json")
MOST_ASKED = 20
"""Runs that the tracker is asked about at most."""


class Asked(NamedTuple):
    """What is asked for: the ids of its nodes, and the run if it is one."""

    title: str
    starts: list[str]
    run: RunName | None = None


@click.command(
    name="lineage",
    cls=WithExamples,
    examples=(
        "port lineage diagnosis/train/return",
        "port lineage diagnosis/load/return@2 --down",
        "port lineage 20260102T030405-9f3a --format svg --out lineage.svg",
        "port lineage s3://bucket/store/etl/r1/load/-/1/return/content.parquet --up --depth 3",
    ),
)
@click.argument("what", metavar="ARTIFACT|RUN")
@click.option("--up", "way", flag_value="up", help="Only what it came from.")
@click.option("--down", "way", flag_value="down", help="Only what was made from it.")
@click.option("--both", "way", flag_value="both", default=True, help="Both. [default]")
@click.option(
    "--depth", type=click.IntRange(min=1), metavar="N", help="How many steps to go. [default: all]"
)
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="text",
    show_default=True,
    help="Text, a picture, or JSON.",
)
@output_option
@click.option("--also", metavar="URI", multiple=True, help="Look in this store, too. Repeatable.")
@store_option
@tracking_option
def command(
    what: str,
    way: str,
    depth: int | None,
    form: str,
    out: str | None,
    also: tuple[str, ...],
    store: str | None,
    tracking: str | None,
) -> None:
    """Show what ARTIFACT or RUN came from, and what was made from it, across runs and targets.

    ARTIFACT is a URI, PIPELINE/TASK/OUTPUT (its latest version), PIPELINE/TASK/OUTPUT@VERSION, or the
    first digits of a hash. RUN is a run's id, how it begins, or PIPELINE/RUN. An input is the same artifact
    wherever its URI, or else its content, is that of an output. Artifacts that were pruned are still
    told of. Tasks that gave no artifacts are known from the tracker.
    """
    from intermodal.cli.options import written
    from intermodal.cli.report import leave, print_findings

    directions: tuple[Direction, ...] = ("up", "down") if way == "both" else (way,)  # type: ignore[assignment]
    lineage, runs = _read(store, also, tracking)
    asked = _asked(what, lineage, runs)
    facts = _ask_tracker(asked, lineage, runs, directions, depth)
    if asked.run is not None:
        asked = asked._replace(starts=[node.id for node in lineage.runs.get(asked.run, ())])
    text = _shown(form, asked, lineage, facts, directions, depth, runs.findings)
    print_findings(runs.findings)
    written(text, out)
    leave(runs.findings)


def _read(
    store: str | None, also: tuple[str, ...], tracking: str | None
) -> tuple[Lineage, KnownRuns]:
    """The graph of the stores' versions, and what finds their runs."""
    from intermodal.artifacts.lineage import Lineage
    from intermodal.artifacts.store import ArtifactStore
    from intermodal.project import find_project
    from intermodal.tracking.known_runs import KnownRuns

    project = find_project(Path.cwd())
    opened = ArtifactStore(store or project.store)
    records, findings = opened.scan(pruned=True)
    for other in also:
        more, damaged = ArtifactStore(other).scan(pruned=True)
        records += more
        findings += damaged
    lineage = Lineage(records)
    tracker = project.tracking if tracking is None else tracking
    return lineage, KnownRuns(opened, lineage.records, tracker, findings)


def _asked(what: str, lineage: Lineage, runs: KnownRuns) -> Asked:
    """The artifact or run that is meant.

    Raises:
        FindingsError: PORT400 or PORT541, there is none, or several.
    """
    from intermodal.artifacts.listing import chosen, is_hash, is_name, is_place

    if what in lineage.nodes:
        return Asked(what, [what])
    hashed = is_hash(what) and any(one.ref.sha256.startswith(what) for one in lineage.records)
    if is_place(what) or ((is_name(what) or hashed) and not runs.named(what)):
        record = chosen(lineage.records, what, runs.store.root)
        return Asked(lineage.node_of(record).name, [record.ref.uri])
    found = runs.find(what, metrics=False)
    return Asked(f"run {found.run_id} of {found.pipeline}", [], (found.pipeline, found.run_id))


def _ask_tracker(
    asked: Asked,
    lineage: Lineage,
    runs: KnownRuns,
    directions: tuple[Direction, ...],
    depth: int | None,
) -> RunFacts | None:
    """Add tasks without artifacts of the runs in sight; the facts of the run that was asked for."""
    from intermodal.tracking.tracker import is_off

    if asked.run is not None:
        facts = runs.facts(asked.run, metrics=False)
        lineage.add_run(facts)
        return facts
    if "down" not in directions:
        return None  # what has no artifacts is nothing that anything came from
    nodes, _ = lineage.around(asked.starts, directions, depth)
    seen = dict.fromkeys(node.run for node in nodes if node.run is not None)
    for pipeline, run in list(seen)[:MOST_ASKED]:
        for facts in runs.tracked(run, pipeline):
            lineage.add_run(facts)
    if len(seen) > MOST_ASKED and not is_off(runs.tracker):
        runs.findings.append(_not_all_asked(len(seen)))
    return None


def _not_all_asked(count: int) -> Finding:
    from intermodal.findings import warning

    return warning(
        "PORT543",
        f"the tracker was asked about {MOST_ASKED} of {count} runs: tasks without artifacts of the others are missing",
        next="see fewer with `--depth`, or ask about one run",
    )


def _shown(
    form: str,
    asked: Asked,
    lineage: Lineage,
    facts: RunFacts | None,
    directions: tuple[Direction, ...],
    depth: int | None,
    findings: list[Finding],
) -> str:
    from intermodal.cli.render.lineage import artifact_text, run_text

    if form == "text":
        if asked.run is not None:
            return run_text(lineage, asked.run, facts, directions) + "\n"
        return artifact_text(lineage, lineage.nodes[asked.starts[0]], directions, depth) + "\n"
    nodes, links = lineage.around(asked.starts, directions, depth)
    if form == "json":
        from intermodal.cli.render.machine import findings_json, to_json

        data = _data(asked, nodes, links)
        return to_json({**data, "findings": findings_json(findings)}) + "\n"
    from intermodal.drawing import PICTURES
    from intermodal.drawing.lineage import lineage_picture

    return PICTURES[form](lineage_picture(f"lineage of {asked.title}", lineage, nodes, links))


def _data(asked: Asked, nodes: list[Any], links: list[Any]) -> dict[str, Any]:
    return {
        "asked": asked.starts if asked.run is None else list(asked.run),
        "nodes": [
            {
                "id": node.id,
                "kind": node.kind,
                "name": node.name,
                "pipeline": node.run[0] if node.run else None,
                "run": node.run[1] if node.run else None,
                "sha256": node.content or None,
                "record": node.record.model_dump(mode="json") if node.record else None,
                "page": node.task.page if node.task else None,
            }
            for node in nodes
        ],
        "edges": [{"from": link.source, "to": link.target, "input": link.name} for link in links],
    }
