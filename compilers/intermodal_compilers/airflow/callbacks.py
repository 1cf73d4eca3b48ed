"""Notifications as callbacks of tasks and of the DAG."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from intermodal.findings import Finding, error
from intermodal.ir import Notification, Pipeline, Task
from intermodal.runtime.secrets import variable_of
from intermodal_compilers.airflow.run_facts import CLOSE_RUN
from intermodal_compilers.pysource import Expr, Value, call, list_of

SAYS = {"failure": "failed", "success": "succeeded", "retry": "will be retried"}
HELPERS = {
    "log": "log_message",
    "email": "send_email",
    "webhook": "post_message",
    "slack": "post_message",
}


def task_callbacks(task: Task, pipeline: Pipeline) -> dict[str, Expr]:
    """`on_failure_callback` and the like."""
    return _alone(_lists(task.notifications, f"{task.id} of {pipeline.name}"))


def pipeline_callbacks(pipeline: Pipeline, *, tracked: bool) -> dict[str, Expr]:
    """The DAG's own `on_failure_callback` and `on_success_callback`."""
    found = _lists(pipeline.notifications, pipeline.name)
    if tracked:
        for name, state in (
            ("on_failure_callback", "failed"),
            ("on_success_callback", "succeeded"),
        ):
            found.setdefault(name, []).append(call(CLOSE_RUN, Value(state)))
    return _alone(found)


def callback_helpers(notifications: Iterable[Notification]) -> Iterator[str]:
    """The file's own functions that notifications need."""
    for notification in notifications:
        yield HELPERS[notification.channel.partition(":")[0]]


def callback_findings(pipeline: Pipeline, target: str) -> Iterator[Finding]:
    """What a DAG cannot tell of."""
    for notification in pipeline.notifications:
        if notification.on == "retry":
            yield error(
                "PORT204",
                f"{target} cannot tell of retries of the pipeline `{pipeline.name}`",
                notification.span or pipeline.span,
                why="Airflow retries tasks, not runs",
                next="give the notification to the tasks",
            )


def _lists(notifications: Iterable[Notification], subject: str) -> dict[str, list[Expr]]:
    found: dict[str, list[Expr]] = {}
    for notification in notifications:
        kind, _, place = notification.channel.partition(":")
        message = notification.message or f"{subject} {SAYS[notification.on]}"
        where = {
            "email": (place,),
            "webhook": (variable_of(place),),
            "slack": (variable_of(place),),
        }
        given = (*where.get(kind, ()), message)
        made = call(HELPERS[kind], *(Value(text) for text in given))
        found.setdefault(f"on_{notification.on}_callback", []).append(made)
    return found


def _alone(found: dict[str, list[Expr]]) -> dict[str, Expr]:
    return {key: made[0] if len(made) == 1 else list_of(made) for key, made in found.items()}
