"""What a hosted pipeline must not hold: settings in neutral terms, which its own ecosystem has its own words for."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from intermodal.analysis import graph
from intermodal.findings import Finding, Span, error
from intermodal.frozen import defaults_of
from intermodal.ir import Branch, ForEach, Group, Hosted, Node, Pipeline, Task

# Fields that are written; all others must have their defaults.
WRITTEN = {
    # What a task gives and takes is for checks: operators say it nowhere.
    Task: frozenset({"id", "action", "outputs", "input_types", "after", "join", "pairing"}),
    Group: frozenset({"id", "body", "after"}),
    ForEach: frozenset({"id", "items", "item_type", "body", "after"}),
    Pipeline: frozenset({"ir_version", "name", "environment", "body", "hosted"}),
}
ALWAYS = frozenset({"span", "node"})


def hosted_findings(pipeline: Pipeline, target: str) -> Iterator[Finding]:
    """Errors about everything that the emitter of hosted pipelines would lose."""
    yield from _references(pipeline, target)
    yield from _unwritten(pipeline, f"pipeline `{pipeline.name}`", target)
    if pipeline.environment.image is not None:
        yield _lost("environment.image", f"pipeline `{pipeline.name}`", target, pipeline.span)
    for placed in graph.walk(pipeline):
        node = placed.node
        if isinstance(node, Branch):
            yield _no_place(f"branch `{node.id}`", target, node.span)
            continue
        yield from _unwritten(node, f"`{node.id}`", target)
        if isinstance(node, Task):
            action = node.action
            if not isinstance(action, Hosted) or action.ecosystem != "airflow":
                yield _no_place(
                    f"task `{node.id}`, which is no class of Airflow's,", target, node.span
                )
            elif action.expand and action.expand_maps is not None:
                yield _no_place(f"`{node.id}`, mapped in two ways,", target, node.span)


def _references(pipeline: Pipeline, target: str) -> Iterator[Finding]:
    """Labels, arrows and arguments of groups that belong to nothing in the pipeline."""
    hosted = pipeline.hosted
    assert hosted is not None
    known = {placed.node.id for placed in graph.walk(pipeline)}
    named = [*hosted.groups]
    for label in hosted.edge_labels:
        named += [label.upstream, label.downstream]
    for arrow in hosted.group_arrows:
        named += [arrow.upstream, arrow.downstream]
    for name in dict.fromkeys(named):
        if name not in known:
            yield _no_place(
                f"what is said of `{name}`, which is no task or group,", target, hosted.span
            )


def _unwritten(node: Node, whose: str, target: str) -> Iterator[Finding]:
    defaults = defaults_of(type(node))
    written = WRITTEN[type(node)] | ALWAYS
    for field in dataclasses.fields(node):
        if field.name not in written and getattr(node, field.name) != defaults.get(field.name):
            yield _lost(field.name, whose, target, node.span)


def _lost(name: str, whose: str, target: str, span: Span | None) -> Finding:
    return error(
        "PORT204",
        f"{target}: `{name}` of {whose} stands beside classes of Airflow's own",
        span,
        why="what such a class is given stands among its arguments, under the names that Airflow has for it",
        next="give it as an argument of the hosted class or pipeline",
    )


def _no_place(what: str, target: str, span: Span | None) -> Finding:
    return error(
        "PORT204",
        f"{target}: {what} cannot stand in a hosted pipeline",
        span,
        why="a hosted pipeline of Airflow holds tasks, groups and mapped groups of its own classes",
        next="compile the translated pipeline, or make it a hosted class",
    )
