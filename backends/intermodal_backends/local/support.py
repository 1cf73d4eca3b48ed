"""What the embedded engine can run, said before anything runs."""

from __future__ import annotations

from collections.abc import Iterator

from intermodal.analysis import graph
from intermodal.findings import Finding, Span, error
from intermodal.ir import Container, Noop, Pipeline, PythonCall, Shell, SourceExpression, Task
from intermodal_backends.local.container import docker_problem

SUPPORTED = (PythonCall, Shell, Container, Noop)
INSTEAD = "do it in a Python task, or run the pipeline on a target that has it"


def refusals(pipeline: Pipeline) -> list[Finding]:
    """A finding for each thing in a pipeline that this engine cannot run."""
    return [finding for task in graph.tasks(pipeline) for finding in _of_task(task)]


def _of_task(task: Task) -> Iterator[Finding]:
    if not isinstance(task.action, SUPPORTED):
        yield _refused(task, f"has an action of the kind `{task.action.kind}`", INSTEAD)
    if isinstance(task.action, Container) and (problem := docker_problem()):
        yield _refused(task, "runs a container", "install docker, or run it on a target", problem)
    for value in graph.expressions(task):
        for part in graph.parts(value):
            if isinstance(part, SourceExpression):
                what = f"uses an expression that only {part.ecosystem} understands"
                yield _refused(task, what, "write it as a Python task", span=part.span)


def _refused(
    task: Task, what: str, instead: str, why: str = "", span: Span | None = None
) -> Finding:
    return error(
        "PORT606",
        f"`{task.id}` cannot run here: it {what}",
        span or task.span,
        why=why or "the local engine does not have it",
        next=instead,
    )
