"""What can be said before anything runs: what the embedded engine cannot do, ignores, or still needs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from intermodal.analysis import graph
from intermodal.analysis.connection_calls import call_connections
from intermodal.analysis.defaults import fold_defaults
from intermodal.analysis.uses import used_features
from intermodal.analysis.validate import validate
from intermodal.features import Feature, Lowered, Refused, Use
from intermodal.findings import Finding, Span, error, note
from intermodal.ir import (
    Action,
    Approval,
    Container,
    Noop,
    Pipeline,
    PythonCall,
    Shell,
    Task,
    TriggerRun,
    Wait,
)
from intermodal.running import RunOptions
from intermodal_backends.local.attempts import NEVER, patience_of
from intermodal_backends.local.capabilities import CAPABILITIES
from intermodal_backends.local.container import docker_problem

CACHED = (PythonCall, Shell, Container)
"""Actions whose outputs can be used again; others act on something outside."""

CHECKS = (PythonCall, Shell, Container, Noop)
INSTEAD = "do it in a Python task, or run the pipeline on a target that has it"


def beforehand(
    pipeline: Pipeline, options: RunOptions, seen: frozenset[str] = frozenset()
) -> list[Finding]:
    """Everything that stands against a run, and a note for each feature that has no effect here.

    Pipelines that it triggers are looked at too.

    Args:
        pipeline: With its defaults folded in.
        options: Of the run.
        seen: Names of the pipelines that led to this one.
    """
    findings = [*_of_features(used_features(pipeline))]
    for task in graph.tasks(pipeline):
        findings += _of_task(task, options)
        if isinstance(task.action, TriggerRun):
            findings += _of_trigger(task, task.action, options, seen | {pipeline.name})
    return list(dict.fromkeys([*findings, *_of_pools(pipeline, options)]))


def _of_features(uses: list[Use]) -> Iterator[Finding]:
    told: set[Feature] = set()
    for use in uses:
        support = CAPABILITIES[use.feature]
        if isinstance(support, Refused):
            what = f"{use.subject} cannot run here: it uses `{use.feature}`"
            yield error("PORT606", what, use.span, why=support.why, next=support.hint or INSTEAD)
        elif isinstance(support, Lowered) and use.feature not in told:
            told.add(use.feature)
            yield note("PORT201", f"local: `{use.feature}`: {support.how}", use.span)


def _of_task(task: Task, options: RunOptions) -> Iterator[Finding]:
    action: Action = task.action
    if isinstance(action, Wait):
        action = action.check
        if not isinstance(action, CHECKS):
            yield _refused(task, f"checks by an action of the kind `{action.kind}`")
    if isinstance(action, Container) and (problem := docker_problem()):
        yield _refused(task, "runs a container", "install docker, or run it on a target", problem)
    if isinstance(task.action, Approval) and (problem := _unanswered(task, options)):
        yield error(
            "PORT608",
            f"nobody can approve `{task.id}`",
            task.span,
            why=problem,
            next=f"give `--approve {task.id}` or `--reject {task.id}`",
        )
    if task.cache is not None and task.cache.enabled and not isinstance(task.action, CACHED):
        what = f"local: the cache of `{task.id}` has no effect: it acts on something outside"
        yield note("PORT201", what, task.span)


def _unanswered(task: Task, options: RunOptions) -> str:
    """Why an approval would wait for ever; empty if it would not."""
    answers = {
        answer
        for name, answer in options.approvals.items()
        if name == task.id or name.startswith(f"{task.id}[")
    }
    if not answers and options.ask is None:
        return "there is no terminal to ask at, and no answer was given"
    if "nobody" in answers and patience_of(task) == NEVER:
        return "nobody is to answer it, and it has no timeout"
    return ""


def _of_trigger(
    task: Task, action: TriggerRun, options: RunOptions, seen: frozenset[str]
) -> Iterator[Finding]:
    known = options.pipelines
    if action.pipeline not in known:
        names = ", ".join(f"`{name}`" for name in sorted(known)) or "there are no others"
        yield _not_triggered(
            task, f"there is no pipeline `{action.pipeline}` to trigger", f"known here: {names}"
        )
        return
    other = fold_defaults(known[action.pipeline])
    required = {name for name, p in other.parameters.items() if p.required}
    for name in sorted(required - set(action.parameters)):
        what = f"`{other.name}` needs a value for its parameter `{name}`"
        yield _not_triggered(task, what, "give it one in `trigger(...)`")
    for name in sorted(set(action.parameters) - set(other.parameters)):
        what = f"`{other.name}` has no parameter `{name}`"
        yield _not_triggered(task, what, "leave it out, or correct its name")
    if other.name not in seen:
        yield from validate(other)
        # There is nobody to ask in a run that is not at the terminal.
        yield from beforehand(call_connections(other), replace(options, ask=None), seen)


def _not_triggered(task: Task, what: str, following: str) -> Finding:
    why = f"`{task.id}` triggers it"
    return error("PORT609", what, task.span, why=why, next=following)


def _of_pools(pipeline: Pipeline, options: RunOptions) -> Iterator[Finding]:
    told: set[str] = set()
    for task in graph.tasks(pipeline):
        size = options.pools.get(task.pool or "")
        if task.pool is None:
            continue
        if size is None and task.pool not in told:
            told.add(task.pool)
            what = f"local: pool `{task.pool}` has no size here and limits nothing"
            following = f"set `{task.pool} = 4`, say, in `[tool.intermodal.pools]`"
            yield note("PORT611", what, task.span, next=following)
        elif size is not None and task.pool_slots > size:
            what = f"`{task.id}` takes {task.pool_slots} slots of pool `{task.pool}`"
            why = f"the pool has {size}, so the task could never start"
            yield error("PORT611", what, task.span, why=why, next="give the pool more slots")


def _refused(
    task: Task,
    what: str,
    instead: str = INSTEAD,
    why: str = "the local engine does not have it",
    span: Span | None = None,
) -> Finding:
    text = f"`{task.id}` cannot run here: it {what}"
    return error("PORT606", text, span or task.span, why=why, next=instead)
