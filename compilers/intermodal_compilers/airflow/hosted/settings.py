"""Arguments of DAGs, groups and operators that one version of Airflow has and another has not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from intermodal.findings import Finding, Span, error, warning
from intermodal.frozen import Frozen
from intermodal.ir import Expression, ListOf, Literal_, MapOf, SourceExpression

Arguments = Mapping[str, Expression]

# Where another version has something of its own for it: from it, to it.
DAG_3: Mapping[str, str] = {
    "concurrency": "max_active_tasks",
    "fail_stop": "fail_fast",
    "schedule_interval": "schedule",
    "timetable": "schedule",
}
DAG_2: Mapping[str, str] = {
    "concurrency": "max_active_tasks",
    "fail_fast": "fail_stop",
    "schedule_interval": "schedule",
    "timetable": "schedule",
}
TASK: Mapping[str, str] = {"task_concurrency": "max_active_tis_per_dag"}
# By the class's name.
OF_CLASS_3: Mapping[str, Mapping[str, str]] = {
    "BashOperator": {"skip_exit_code": "skip_on_exit_code"},
    "BranchDateTimeOperator": {"use_task_execution_date": "use_task_logical_date"},
    "BranchDayOfWeekOperator": {"use_task_execution_day": "use_task_logical_date"},
    "DayOfWeekSensor": {"use_task_execution_day": "use_task_logical_date"},
    "ExternalTaskMarker": {"execution_date": "logical_date"},
    "TriggerDagRunOperator": {"execution_date": "logical_date"},
}
OF_CLASS_2: Mapping[str, Mapping[str, str]] = {
    "BashOperator": {"skip_exit_code": "skip_on_exit_code"},
    "BranchDateTimeOperator": {"use_task_execution_date": "use_task_logical_date"},
    "BranchDayOfWeekOperator": {"use_task_execution_day": "use_task_logical_date"},
    "DayOfWeekSensor": {"use_task_execution_day": "use_task_logical_date"},
    "ExternalTaskMarker": {"logical_date": "execution_date"},
    "TriggerDagRunOperator": {"logical_date": "execution_date"},
}
# What a version has no longer, or not yet, and why it does not matter to what the tasks compute.
GONE_DAG_3: Mapping[str, str] = {
    "default_view": "its pages have no view to choose",
    "orientation": "its pages have no such setting",
    "sla_miss_callback": "it has no SLAs; deadlines are what it has instead",
    "full_filepath": "it knows where the file is",
}
GONE_DAG_2: Mapping[str, str] = {
    "allowed_run_types": "every kind of run is allowed",
    "deadline": "it has no deadlines",
    "disable_bundle_versioning": "it has no bundles",
    "rerun_with_latest_version": "it has no bundles",
}
GONE_GROUP_2: Mapping[str, str] = {"doc_md": "its groups have a tooltip only"}
GONE_TASK_3: Mapping[str, str] = {
    "sla": "it has no SLAs; deadlines are what it has instead",
    "sla_miss_callback": "it has no SLAs; deadlines are what it has instead",
}
GONE_TASK_2: Mapping[str, str] = {"retry_policy": "it retries by number and delay only"}
# Said nothing in any version since 2.0.
IDLE = frozenset({"provide_context", "adhoc"})
# Classes that a version does not have; what to do instead.
NO_CLASS_3: Mapping[str, str] = {
    "SubDagOperator": "put the tasks into a TaskGroup",
    "SmartSensorOperator": "use the sensor itself, deferrable",
}
NO_CLASS_2: Mapping[str, str] = {
    "ApprovalOperator": "compile for airflow@3.1 or later",
    "HITLOperator": "compile for airflow@3.1 or later",
    "HITLBranchOperator": "compile for airflow@3.1 or later",
    "HITLEntryOperator": "compile for airflow@3.1 or later",
    "_AssetMainOperator": "compile for airflow@3.0 or later",
}


class Fitted(Frozen):
    """Arguments as a version has them, and what was found."""

    arguments: Arguments
    findings: tuple[Finding, ...] = ()


def dag_arguments(arguments: Arguments, target: str, whose: str, span: Span | None) -> Fitted:
    """Arguments of a DAG."""
    old = _is_2(target)
    renamed, gone = (DAG_2, GONE_DAG_2) if old else (DAG_3, GONE_DAG_3)
    return _fitted(arguments, renamed, gone, target, whose, span)


def group_arguments(arguments: Arguments, target: str, whose: str, span: Span | None) -> Fitted:
    """Arguments of a group."""
    gone = GONE_GROUP_2 if _is_2(target) else {}
    if arguments.get("doc_md") == arguments.get("tooltip"):
        # A docstring is both; its tooltip says the same.
        arguments = {k: v for k, v in arguments.items() if k != "doc_md" or not gone}
    return _fitted(arguments, {}, gone, target, whose, span)


def task_arguments(
    arguments: Arguments, kind: str, target: str, whose: str, span: Span | None
) -> Fitted:
    """Arguments of a class `kind`, or default arguments of all tasks."""
    old = _is_2(target)
    of_class = (OF_CLASS_2 if old else OF_CLASS_3).get(kind, {})
    gone = GONE_TASK_2 if old else GONE_TASK_3
    return _fitted(arguments, {**TASK, **of_class}, gone, target, whose, span)


def class_finding(kind: str, target: str, whose: str, span: Span | None) -> Finding | None:
    """An error where a version does not have a class."""
    instead = (NO_CLASS_2 if _is_2(target) else NO_CLASS_3).get(kind)
    if instead is None:
        return None
    what = f"{target} has no `{kind}`, of which {whose} is made"
    return error("PORT204", what, span, why="this version does not bring it", next=instead)


def entries_of(expression: Expression | None) -> dict[str, Expression] | None:
    """The entries of a map whose keys are known; None where it is none."""
    if isinstance(expression, MapOf):
        return dict(expression.entries)
    if isinstance(expression, Literal_) and isinstance(expression.value, Mapping):
        return {key: Literal_.of(value=value) for key, value in expression.value.items()}
    return None


def items_of(expression: Expression | None) -> tuple[Expression, ...] | None:
    """The items of a list; None where it is none."""
    if expression is None:
        return ()
    if isinstance(expression, ListOf):
        return expression.items
    if isinstance(expression, Literal_) and isinstance(expression.value, list):
        return tuple(Literal_.of(value=item) for item in expression.value)
    return None


def equal(one: Expression, other: Expression) -> bool:
    """Whether two values are the same, however they are held."""
    if isinstance(one, Literal_) and isinstance(other, Literal_):
        return type(one.value) is type(other.value) and bool(one.value == other.value)
    if isinstance(one, SourceExpression) and isinstance(other, SourceExpression):
        return one.text == other.text and one.definitions == other.definitions
    entries, others = entries_of(one), entries_of(other)
    if entries is not None and others is not None:
        return entries.keys() == others.keys() and all(
            equal(entries[k], others[k]) for k in entries
        )
    items, more = items_of(one), items_of(other)
    if items is not None and more is not None:
        return len(items) == len(more) and all(map(equal, items, more))
    return one == other


def _fitted(
    arguments: Arguments,
    renamed: Mapping[str, str],
    gone: Mapping[str, str],
    target: str,
    whose: str,
    span: Span | None,
) -> Fitted:
    found: dict[str, Expression] = {}
    findings: list[Finding] = []
    for name, value in arguments.items():
        new = renamed.get(name, name)
        if name in IDLE:
            continue
        if name in gone:
            findings += _lost(name, value, target, whose, gone[name], span)
        elif new not in arguments or new == name:
            found[new] = value
    return Fitted(found, tuple(findings))


def _lost(
    name: str, value: Expression, target: str, whose: str, why: str, span: Span | None
) -> Iterator[Finding]:
    if isinstance(value, Literal_) and value.value is None:
        return
    yield warning(
        "PORT209",
        f"`{name}` of {whose} has no effect in {target}",
        value.span or span,
        why=why,
        next="take it out, or use what that version has instead",
    )


def _is_2(target: str) -> bool:
    return target.partition("@")[2].startswith("2.")
