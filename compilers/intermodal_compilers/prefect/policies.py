"""Policies of a task as arguments of Prefect's `@task`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from intermodal.findings import Finding, error
from intermodal.ir import Notification, Pipeline, Retry, Task
from intermodal.ir.write import to_data
from intermodal.runtime.events import canonical
from intermodal_compilers.prefect.closing import CLOSE_RUN
from intermodal_compilers.pysource import Expr, Name, Operation, Value, call, list_of

# Prefect takes at most this many delays, and repeats the last one for further attempts.
MOST_DELAYS = 50


SAID = {"failure": "failed", "success": "succeeded", "retry": "will be retried"}


def notification_options(
    task: Task, pipeline: str, *, joined: bool, looped: bool
) -> dict[str, Expr]:
    """Hooks of a task, and what decides whether it is tried again."""
    hooks: dict[str, list[Expr]] = {"failure": [], "success": [], "retry": []}
    for notification in task.notifications:
        words: tuple[str, ...] = (notification.message or "",)
        if not notification.message:
            said = f" of {pipeline} {SAID[notification.on]}"
            words = (task.id, said) if looped else (f"{task.id}{said}",)
        hook = call("tell", Value(notification.channel), *(Value(word) for word in words))
        hooks[notification.on].append(hook)
    options: dict[str, Expr] = {}
    if hooks["failure"]:
        options["on_failure"] = list_of(hooks["failure"])
    if hooks["success"]:
        options["on_completion"] = list_of(hooks["success"])
    if task.retry is not None and task.retry.max:
        if hooks["retry"]:
            options["retry_condition_fn"] = call("tell_retry", *hooks["retry"])
        elif joined:
            options["retry_condition_fn"] = Name("worth_retrying")
    return options


def flow_hooks(pipeline: Pipeline, *, tracked: bool) -> dict[str, Expr]:
    """Hooks of a flow."""
    options: dict[str, Expr] = {}
    for option, on in (
        ("on_failure", "failure"),
        ("on_crashed", "failure"),
        ("on_cancellation", ""),
        ("on_completion", "success"),
    ):
        hooks = [_flow_hook(n, pipeline.name) for n in pipeline.notifications if n.on == on]
        if tracked:
            hooks.append(Name(CLOSE_RUN))
        if hooks:
            options[option] = list_of(hooks)
    return options


def _flow_hook(notification: Notification, pipeline: str) -> Expr:
    message = notification.message or f"{pipeline} {SAID[notification.on]}"
    return call("tell_of_flow", Value(notification.channel), Value(message))


def cache_options(task: Task, pipeline: str, *, joined: bool) -> dict[str, Expr]:
    """Prefect's own cache, for a task that does not call the runtime."""
    cache = task.cache
    if cache is None or not cache.enabled:
        return {}
    key = None if cache.key is None else Value(f"{pipeline}/{task.id}/{cache.key}")
    policy: Expr
    if joined:
        policy = call("step_key", Value(_identity(task)), *(() if key is None else (key,)))
    elif key is not None:
        policy = call("same_key", key)
    else:
        policy = Operation("+", (Name("INPUTS"), Name("TASK_SOURCE")))
    if joined or key is not None:
        policy = call("CacheKeyFnPolicy", cache_key_fn=policy)
    options: dict[str, Expr] = {"cache_policy": policy, "persist_result": Value(value=True)}
    if cache.ttl is not None:
        options["cache_expiration"] = Value(cache.ttl)
    return options


def cache_argument(task: Task) -> Expr | None:
    """What the runtime is told of the cache."""
    cache = task.cache
    if cache is None or not cache.enabled:
        return None
    ttl = None if cache.ttl is None else number(cache.ttl.total_seconds())
    return Value({"key": cache.key, "ttl": ttl})


def _identity(task: Task) -> str:
    """Changes when what a task does changes."""
    text = canonical([to_data(task.action, spans=False), dict(task.environment)])
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def retry_options(retry: Retry | None) -> dict[str, Expr]:
    """`retries`, `retry_delay_seconds` and `retry_jitter_factor`."""
    if retry is None or retry.max == 0:
        return {}
    options: dict[str, Expr] = {"retries": Value(retry.max)}
    delays = retry_delays(retry)
    if len(delays) == 1 and delays[0]:
        options["retry_delay_seconds"] = Value(delays[0])
    elif len(delays) > 1:
        options["retry_delay_seconds"] = list_of(Value(delay) for delay in delays)
    if retry.jitter and delays[0]:
        options["retry_jitter_factor"] = Value(number(retry.jitter))
    return options


def retry_delays(retry: Retry) -> list[int | float]:
    """Seconds before each further attempt; the last one holds for all that follow."""
    delay = retry.delay.total_seconds()
    ceiling = retry.ceiling.total_seconds() if retry.ceiling else None
    delays: list[int | float] = []
    for _ in range(retry.max):
        bounded = delay if ceiling is None else min(delay, ceiling)
        if delays and delays[-1] == number(bounded):
            break
        delays.append(number(bounded))
        delay = min(delay * retry.factor, 1e12)
    return delays


def retry_findings(task: Task) -> list[Finding]:
    """An error if Prefect cannot hold that many different delays."""
    if task.retry is None or len(retry_delays(task.retry)) <= MOST_DELAYS:
        return []
    return [
        error(
            "PORT204",
            f"task `{task.id}` has more than {MOST_DELAYS} different retry delays",
            task.retry.span or task.span,
            why="Prefect takes a list of at most 50 delays",
            next="give the retry a ceiling, or fewer attempts",
        )
    ]


def tags(labels: Mapping[str, str], owners: tuple[str, ...]) -> list[str]:
    """Labels and owners as tags."""
    return [
        *(f"owner:{owner}" for owner in owners),
        *(f"{key}:{value}" if value else key for key, value in labels.items()),
    ]


def number(seconds: float) -> int | float:
    """A whole number where it is one."""
    return int(seconds) if seconds == int(seconds) else seconds
