"""What a target has nothing like, and no task's result depends on: it is left out with a warning."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping

from intermodal import registry
from intermodal.analysis.rewrite import map_tasks
from intermodal.features import Feature, Refused
from intermodal.ir import (
    BodyNode,
    ForEach,
    Group,
    Hosted,
    Join,
    OnData,
    Pipeline,
    PythonCall,
    SourceExpression,
    Task,
)
from intermodal_compilers.airflow.translate.context import Context, hosted_of
from intermodal_compilers.airflow.translate.functions import function_of
from intermodal_compilers.airflow.translate.sources import statements

# Settings of tasks by feature: the name in Airflow, and the fields without it.
SETTINGS: Mapping[Feature, tuple[str, Mapping[str, object]]] = {
    Feature.ASSETS: ("inlets and outlets", {"reads": (), "writes": ()}),
    Feature.POOL: ("pool", {"pool": None, "pool_slots": 1}),
    Feature.PRIORITY: ("priority_weight", {"priority": None}),
}


def refused_by(target: str) -> Callable[[Feature], str]:
    """Why a target refuses a feature; empty if it does not, or is no compiler's."""
    if not registry.has("compilers", target):
        return lambda _feature: ""
    compiler = registry.compiler(target)
    capabilities = compiler.capabilities(compiler.versions[0])

    def why(feature: Feature) -> str:
        support = capabilities.get(feature)
        return support.why if isinstance(support, Refused) else ""

    return why


def fitted(pipeline: Pipeline, context: Context) -> Pipeline:
    """The pipeline without settings of Airflow's scheduler that the target has nothing like."""
    refused = refused_by(context.target)
    for feature, (setting, nothing) in SETTINGS.items():
        why = refused(feature)
        if not why:
            continue

        def cleared(
            task: Task,
            setting: str = setting,
            nothing: Mapping[str, object] = nothing,
            why: str = why,
        ) -> Task:
            if all(getattr(task, name) == value for name, value in nothing.items()):
                return task
            context.warn_once(setting, why, task.span)
            return task.model_copy(update=nothing)

        pipeline = map_tasks(pipeline, cleared)
    limit = pipeline.concurrency.max_active_tasks
    if limit is not None and (why := refused(Feature.MAX_ACTIVE_TASKS)):
        context.warn_once("max_active_tasks", why, pipeline.span)
        concurrency = pipeline.concurrency.model_copy(update={"max_active_tasks": None})
        pipeline = pipeline.model_copy(update={"concurrency": concurrency})
    why = refused(Feature.SCHEDULE_DATA)
    return _started_by_time(pipeline, context, why) if why else pipeline


def _started_by_time(pipeline: Pipeline, context: Context, why: str) -> Pipeline:
    """The pipeline without triggers on data: it has to be started in another way."""
    schedule = pipeline.schedule
    if schedule is None or not any(isinstance(trigger, OnData) for trigger in schedule.triggers):
        return pipeline
    context.warn_once("schedule on assets", why, schedule.span or pipeline.span)
    kept = tuple(trigger for trigger in schedule.triggers if not isinstance(trigger, OnData))
    changed = schedule.model_copy(update={"triggers": kept}) if kept else None
    return pipeline.model_copy(update={"schedule": changed})


def without_watchers(pipeline: Pipeline, context: Context) -> Pipeline:
    """The pipeline without tasks that only fail its run when another task failed.

    Airflow needs them where the last tasks run after failures, too; a target on which nothing but exit
    tasks runs after a failure lets the run fail by itself, and cannot start them.
    """
    why = refused_by(context.target)(Feature.JOIN_ONE_FAILED)
    if not why:
        return pipeline
    watchers = {name for name, task in context.tasks.items() if is_watcher(task, context)}
    for name in sorted(watchers):
        context.warn(
            f"`{name}` is left out",
            context.tasks[name].span,
            f"it only fails the run when another task failed, and {why}",
        )
    body = without(pipeline.body, watchers)
    return pipeline.model_copy(update={"body": body}) if watchers else pipeline


def is_watcher(task: Task, context: Context) -> bool:
    """Whether a task waits for failures only, raises an exception then, and nothing waits for it."""
    if task.join is not Join.ONE_FAILED or context.downstream[task.id]:
        return False
    action = task.action
    if isinstance(action, PythonCall) and action.source is not None:
        function = next(iter(statements(action.source.function)), None)
        return isinstance(function, ast.FunctionDef) and _only_raises(function)
    if not isinstance(action, Hosted):
        return False
    source = hosted_of(task).arguments.get("python_callable")
    found = function_of(source) if isinstance(source, SourceExpression) else None
    return found is not None and _only_raises(found.node)


def _only_raises(function: ast.FunctionDef) -> bool:
    body = [one for one in function.body if not isinstance(one, ast.Expr)]
    return len(body) == 1 and isinstance(body[0], ast.Raise)


def without(body: tuple[BodyNode, ...], dropped: set[str]) -> tuple[BodyNode, ...]:
    """A body without some of its tasks; groups that hold nothing else go, too."""
    found: list[BodyNode] = []
    for node in body:
        if node.id in dropped:
            continue
        if isinstance(node, (Group, ForEach)):
            inner = without(node.body, dropped)
            if not inner:
                continue
            node = node.model_copy(update={"body": inner})  # noqa: PLW2901 - the same one, smaller
        found.append(node)
    return tuple(found)
