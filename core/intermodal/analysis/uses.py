"""Which features a pipeline uses, and where: every field of the IR stands in a table here.

A field whose value is not its default is a use of the feature that the table names. `None` marks the
fields that are no feature of their own: identity, or structure that is looked at in code below.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from intermodal.analysis import graph
from intermodal.analysis.needs import type_parts
from intermodal.features import Feature as F  # noqa: N817 - it stands in every row below
from intermodal.features import Use
from intermodal.findings import Span
from intermodal.frozen import defaults_of
from intermodal.ir import (
    AnyType,
    ArtifactType,
    Expression,
    ForEach,
    Join,
    Literal_,
    Node,
    Parameter,
    Pipeline,
    Schedule,
    Task,
    Type,
)

FIELDS: Mapping[str, Mapping[str, F | None]] = {
    "Pipeline": {
        "ir_version": None,
        "name": None,
        "description": F.DESCRIPTION,
        "labels": F.LABELS,
        "owners": F.OWNERS,
        "parameters": F.PARAMETERS,
        "schedule": None,
        "defaults": None,
        "environment": None,
        "body": None,
        "exit_tasks": F.EXIT_TASKS,
        "outputs": F.PIPELINE_OUTPUTS,
        "tracking": None,
        "concurrency": None,
        "notifications": F.PIPELINE_NOTIFICATIONS,
        "hosted": F.HOSTED_PIPELINE,
    },
    "Environment": {"image": F.IMAGE, "packages": F.PACKAGES},
    "Tracking": {"enabled": None, "experiment": F.TRACKING, "tags": F.TRACKING},
    "Concurrency": {"max_active_runs": F.MAX_ACTIVE_RUNS, "max_active_tasks": F.MAX_ACTIVE_TASKS},
    "Parameter": {
        "type": None,
        "required": F.PARAMETER_REQUIRED,
        "default": None,
        "choices": F.PARAMETER_CHOICES,
        "help": F.PARAMETER_HELP,
    },
    "Schedule": {
        "triggers": None,
        "start": F.SCHEDULE_START,
        "end": F.SCHEDULE_END,
        "catch_up": F.SCHEDULE_CATCH_UP,
        "jitter": F.SCHEDULE_JITTER,
    },
    "Cron": {"kind": None, "expression": None, "timezone": F.SCHEDULE_TIMEZONE},
    "Interval": {"kind": None, "every": None},
    "OnData": {"kind": None, "assets": None, "require": None},
    "OnEvent": {"kind": None, "event": None},
    "Manual": {"kind": None},
    "Task": {
        "node": None,
        "id": None,
        "action": None,
        "inputs": None,
        "input_types": None,
        "outputs": None,
        "after": F.ORDERING,
        "join": None,
        "guard": F.GUARD,
        "pairing": F.SETUP_TEARDOWN,
        "retry": F.RETRY,
        "timeout": F.TIMEOUT,
        "cache": F.CACHE,
        "resources": None,
        "pool": F.POOL,
        "pool_slots": F.POOL,
        "priority": F.PRIORITY,
        "environment": F.ENVIRONMENT,
        "secrets": F.SECRET_VARIABLES,
        "notifications": F.NOTIFICATIONS,
        "reads": F.ASSETS,
        "writes": F.ASSETS,
        "labels": F.TASK_LABELS,
        "owners": F.TASK_OWNERS,
        "display_name": F.DISPLAY_NAME,
        "docs": F.TASK_DOCS,
        "tracks": None,
    },
    "Retry": {
        "max": None,
        "delay": F.RETRY_DELAY,
        "factor": F.RETRY_FACTOR,
        "ceiling": F.RETRY_CEILING,
        "jitter": F.RETRY_JITTER,
    },
    "Cache": {"enabled": None, "ttl": F.CACHE_TTL, "key": F.CACHE_KEY},
    "Resources": {
        "cpu": F.RESOURCE_CPU,
        "memory": F.RESOURCE_MEMORY,
        "cpu_limit": F.RESOURCE_LIMITS,
        "memory_limit": F.RESOURCE_LIMITS,
        "gpu": F.RESOURCE_GPU,
        "gpu_type": F.RESOURCE_GPU,
        "disk": F.RESOURCE_DISK,
    },
    "Branch": {
        "node": None,
        "id": None,
        "arms": None,
        "chooser": F.BRANCH,
        "otherwise": F.BRANCH,
        "outputs": F.BRANCH,
        "after": F.ORDERING,
    },
    "ForEach": {
        "node": None,
        "id": None,
        "items": None,
        "item_type": None,
        "body": None,
        "max_parallel": F.FOR_EACH,
        "outputs": F.FOR_EACH,
        "after": F.ORDERING,
    },
    "Group": {
        "node": None,
        "id": None,
        "body": None,
        "outputs": F.GROUP,
        "after": F.ORDERING,
        "display_name": F.GROUP,
        "docs": F.GROUP,
    },
}

NODES = {"branch": F.BRANCH, "for_each": F.FOR_EACH, "group": F.GROUP}
TRIGGERS = {
    "cron": F.SCHEDULE_CRON,
    "interval": F.SCHEDULE_INTERVAL,
    "data": F.SCHEDULE_DATA,
    "event": F.SCHEDULE_EVENT,
    "manual": F.SCHEDULE_MANUAL,
}
ACTIONS = {
    "python": F.ACTION_PYTHON,
    "shell": F.ACTION_SHELL,
    "container": F.ACTION_CONTAINER,
    "sql": F.ACTION_SQL,
    "http": F.ACTION_HTTP,
    "wait": F.ACTION_WAIT,
    "approval": F.ACTION_APPROVAL,
    "trigger": F.ACTION_TRIGGER,
    "noop": F.ACTION_NOOP,
    "hosted": F.ACTION_HOSTED,
}
EXPRESSIONS: Mapping[str, F | None] = {
    "literal": None,
    "parameter": None,
    "output": None,
    "input": None,
    "path": None,
    "item": F.EXPRESSION_ITEM,
    "run": F.EXPRESSION_RUN_FACT,
    "state": F.EXPRESSION_TASK_STATE,
    "secret": F.EXPRESSION_SECRET,
    "data": F.DATA_VERSION,
    "format": F.EXPRESSION_FORMAT,
    "compare": F.EXPRESSION_COMPARE,
    "logic": F.EXPRESSION_LOGIC,
    "index": F.EXPRESSION_INDEX,
    "date_shift": F.EXPRESSION_DATE,
    "date_format": F.EXPRESSION_DATE,
    "default": F.EXPRESSION_DEFAULT,
    "list": F.EXPRESSION_CONTAINER,
    "map": F.EXPRESSION_CONTAINER,
    "source": F.EXPRESSION_SOURCE,
}
# What only puts the arguments of a hosted class together: its own ecosystem has all of it.
OF_ARGUMENTS = frozenset({F.EXPRESSION_CONTAINER, F.EXPRESSION_INDEX, F.EXPRESSION_ITEM})
PARAMETER_TYPES: Mapping[str, F | None] = {
    "string": None,
    "integer": None,
    "float": None,
    "boolean": None,
    "timestamp": F.TYPE_TIMESTAMP,
    "duration": F.TYPE_DURATION,
    "any": F.TYPE_ANY,
    "optional": F.TYPE_OPTIONAL,
    "list": F.TYPE_LIST,
    "map": F.TYPE_MAP,
    "struct": F.TYPE_STRUCT,
}
JOINS = {join: F(f"join.{join.value}") for join in Join if join is not Join.ALL_SUCCESS}


def used_features(pipeline: Pipeline) -> list[Use]:
    """Every use of a feature, in the pipeline's own order."""
    uses = list(_pipeline_uses(pipeline))
    for placed in graph.walk(pipeline):
        uses.extend(_node_uses(placed.node))
    for task in pipeline.exit_tasks:
        uses.extend(_task_uses(task))
    return uses


def _pipeline_uses(pipeline: Pipeline) -> Iterator[Use]:
    subject, span = f"pipeline `{pipeline.name}`", pipeline.span
    yield from _field_uses(pipeline, subject, span)
    for part in (pipeline.environment, pipeline.tracking, pipeline.concurrency):
        yield from _field_uses(part, subject, span)
    if pipeline.schedule is not None:
        yield from _schedule_uses(pipeline.schedule, subject, span)
    for name, parameter in pipeline.parameters.items():
        yield from _parameter_uses(parameter, f"parameter `{name}`", span)
    yield from _expression_uses(pipeline.outputs.values(), subject, span)


def _schedule_uses(schedule: Schedule, subject: str, span: Span | None) -> Iterator[Use]:
    span = schedule.span or span
    yield from _field_uses(schedule, subject, span)
    if len(schedule.triggers) > 1:
        yield Use(F.SCHEDULE_MULTIPLE, subject, span)
    for trigger in schedule.triggers:
        yield Use(TRIGGERS[trigger.kind], subject, trigger.span or span)
        yield from _field_uses(trigger, subject, trigger.span or span)


def _parameter_uses(parameter: Parameter, subject: str, span: Span | None) -> Iterator[Use]:
    span = parameter.span or span
    yield from _field_uses(parameter, subject, span)
    yield from _type_uses(parameter.type, subject, span)


def _node_uses(node: Any) -> Iterator[Use]:
    if isinstance(node, Task):
        yield from _task_uses(node)
        return
    subject = f"`{node.id}`"
    yield Use(NODES[node.node], subject, node.span)
    yield from _field_uses(node, subject, node.span)
    yield from _expression_uses(graph.expressions(node), subject, node.span)
    if isinstance(node, ForEach):
        yield from _type_uses(node.item_type, subject, node.span)


def _task_uses(task: Task) -> Iterator[Use]:
    subject, span = f"task `{task.id}`", task.span
    yield Use(ACTIONS[task.action.kind], subject, span)
    yield from _field_uses(task, subject, span)
    if task.join is not Join.ALL_SUCCESS:
        yield Use(JOINS[task.join], subject, span)
    for policy in (task.retry, task.cache, task.resources):
        if policy is not None:
            yield from _field_uses(policy, subject, policy.span or span)
    yield from _data_uses(task, subject, span)
    uses = _expression_uses(graph.expressions(task), subject, span)
    if task.action.kind == "hosted":
        uses = (use for use in uses if use.feature not in OF_ARGUMENTS)
    yield from uses


def _data_uses(task: Task, subject: str, span: Span | None) -> Iterator[Use]:
    if len(task.outputs) > 1:
        yield Use(F.MULTIPLE_OUTPUTS, subject, span)
    types = (*task.input_types.values(), *task.outputs.values())
    if any(isinstance(type_, ArtifactType) for type_ in types):
        yield Use(F.ARTIFACT_PASSING, subject, span)
    if any(not isinstance(type_, ArtifactType) for type_ in task.outputs.values()):
        yield Use(F.VALUE_PASSING, subject, span)
    for type_ in types:
        if not isinstance(type_, (ArtifactType, AnyType)):
            yield from _type_uses(type_, subject, span)


def _type_uses(type_: Type, subject: str, span: Span | None) -> Iterator[Use]:
    for part in type_parts(type_):
        feature = None if isinstance(part, ArtifactType) else PARAMETER_TYPES[part.kind]
        if feature is not None:
            yield Use(feature, subject, part.span or span)


def _expression_uses(values: Any, subject: str, span: Span | None) -> Iterator[Use]:
    expressions: Iterator[Expression] = iter(values)
    for value in expressions:
        if isinstance(value, Literal_):
            continue
        for part in graph.parts(value):
            feature = EXPRESSIONS[part.op]
            if feature is not None:
                yield Use(feature, subject, part.span or span)


def _field_uses(node: Node, subject: str, span: Span | None) -> Iterator[Use]:
    """A use for each field of the table that differs from its default."""
    kind: type = type(node)
    for name, feature, default in _table_of(kind):
        if getattr(node, name) != default:
            yield Use(feature, subject, span)


@cache
def _table_of(kind: type) -> tuple[tuple[str, F, Any], ...]:
    defaults = defaults_of(kind)
    return tuple(
        (name, feature, defaults[name])
        for name, feature in FIELDS[kind.__name__].items()
        if feature is not None
    )
