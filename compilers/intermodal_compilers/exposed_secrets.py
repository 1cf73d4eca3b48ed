"""Secrets that an engine would have to keep: in its metadata, its parameters, its pages or its commands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from intermodal.analysis import graph
from intermodal.findings import Finding, Span, error
from intermodal.ir import (
    Approval,
    BodyNode,
    Container,
    Expression,
    ForEach,
    InputRef,
    PathRef,
    Pipeline,
    SecretRef,
    Task,
    TriggerRun,
)

AS_INPUT = "give it to the task that needs it in `secrets`, or to a function as an input"


def exposed_secret_findings(pipeline: Pipeline, target: str, kept_in: str) -> Iterator[Finding]:
    """An error for each secret whose value would leave the task that reads it.

    Args:
        pipeline: The pipeline.
        target: What findings call the target.
        kept_in: Where its engine keeps the items of loops and what a run gives; empty for nowhere.
    """
    nodes: list[BodyNode] = [placed.node for placed in graph.walk(pipeline)]
    for node in (*nodes, *pipeline.exit_tasks):
        for what, why, values in _places(node, kept_in):
            yield from _findings(values, f"{target}: {what} `{node.id}`", why, node.span)
    outputs = pipeline.outputs.values() if kept_in else ()
    what = f"{target}: the outputs of `{pipeline.name}`"
    yield from _findings(outputs, what, f"outputs are kept in {kept_in}", pipeline.span)


def _places(node: BodyNode, kept_in: str) -> Iterator[tuple[str, str, Iterable[Expression]]]:
    """What may hold no secrets, why, and its expressions."""
    if isinstance(node, ForEach) and kept_in:
        yield "the items of loop", f"items are kept in {kept_in}", node.items.lists
    if not isinstance(node, Task):
        return
    match node.action:
        case TriggerRun(parameters=parameters):
            why = "parameters of a run are kept, and anybody who may see the run sees them"
            yield "the parameters of the run started by", why, parameters.values()
        case Approval(message=message):
            yield "what people are asked by", "the question is kept, and shown", [message]
        case Container() as action:
            why = (
                "whoever may list containers sees their commands; a container is given secrets in "
                "environment variables only"
            )
            yield "the command of container", why, _words(node, action)


def _words(task: Task, action: Container) -> Iterator[Expression]:
    """What the command is made of: inputs count unless they are files."""
    words = (*action.command, *action.args)
    yield from words
    parts = [part for word in words for part in graph.parts(word)]
    files = {part.name for part in parts if isinstance(part, PathRef)}
    shown = {part.name for part in parts if isinstance(part, InputRef)}
    yield from (value for name, value in task.inputs.items() if name in shown or name not in files)


def _findings(
    values: Iterable[Expression], what: str, why: str, span: Span | None
) -> Iterator[Finding]:
    for value in values:
        for part in graph.parts(value):
            if isinstance(part, SecretRef):
                text = f"{what} cannot hold the secret `{part.name}`"
                yield error("PORT204", text, part.span or span, why=why, next=AS_INPUT)
