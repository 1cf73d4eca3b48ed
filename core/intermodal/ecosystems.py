"""Other ecosystems whose classes a pipeline may hold: how their tasks look in neutral terms."""

from __future__ import annotations

from typing import Protocol

from intermodal.findings import Finding, error
from intermodal.frozen import Frozen
from intermodal.ir import Hosted, Pipeline, SourceExpression


class Translated(Frozen):
    """A pipeline without hosted tasks, and what was found on the way; None where an error stands against it."""

    pipeline: Pipeline | None
    findings: tuple[Finding, ...] = ()


class Ecosystem(Protocol):
    """Knows the classes of one ecosystem; registered under `intermodal.ecosystems` by its name."""

    name: str

    def translate(
        self, pipeline: Pipeline, target: str, *, keep_hosted: bool = False
    ) -> Translated:
        """The pipeline with neutral actions in place of this ecosystem's hosted tasks.

        A class that has no neutral action becomes a Python call that hosts it: the worker makes an
        object of the class and runs it.

        Args:
            pipeline: A valid pipeline.
            target: The target's name, for findings.
            keep_hosted: Leave classes without a neutral action as they are, and what hangs on them to
                the translation of the result.
        """
        ...


def translate(pipeline: Pipeline, target: str, *, keep_hosted: bool = False) -> Translated:
    """The pipeline as a target sees it: hosted tasks of other ecosystems than its own are replaced.

    Args:
        pipeline: A valid pipeline.
        target: The target's name; its own ecosystem's tasks stay.
        keep_hosted: Replace only those that have a neutral form, for a pipeline that a user edits.
    """
    from intermodal import registry

    findings: list[Finding] = []
    for name in _foreign(pipeline, target):
        if not registry.has("ecosystems", name):
            findings.append(_unknown(pipeline, name))
            return Translated(None, tuple(findings))
        ecosystem: Ecosystem = registry.load("ecosystems", name)()
        translated = ecosystem.translate(pipeline, target, keep_hosted=keep_hosted)
        findings += translated.findings
        if translated.pipeline is None:
            return Translated(None, tuple(findings))
        pipeline = translated.pipeline
    return Translated(pipeline, tuple(findings))


def _foreign(pipeline: Pipeline, target: str) -> list[str]:
    """Ecosystems of hosted tasks, and of source, that are not the target's own."""
    from intermodal.analysis import graph

    found = {
        task.action.ecosystem for task in graph.tasks(pipeline) if isinstance(task.action, Hosted)
    }
    values = [e for placed in graph.walk(pipeline) for e in graph.expressions(placed.node)]
    if pipeline.hosted is not None:
        found.add(pipeline.hosted.ecosystem)
        values += pipeline.hosted.arguments.values()
        values += [e for given in pipeline.hosted.groups.values() for e in given.values()]
    found |= {
        part.ecosystem
        for value in values
        for part in graph.parts(value)
        if isinstance(part, SourceExpression)
    }
    return sorted(found - {target})


def _unknown(pipeline: Pipeline, name: str) -> Finding:
    return error(
        "PORT206",
        f"`{pipeline.name}` holds classes of `{name}`, of which nothing is installed here",
        pipeline.span,
        next=f"install the package that registers `{name}` under `intermodal.ecosystems`",
    )
