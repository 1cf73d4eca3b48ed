"""Policies of a task as arguments of Prefect's `@task`."""

from __future__ import annotations

from collections.abc import Mapping

from intermodal.findings import Finding, error
from intermodal.ir import Retry, Task
from intermodal_compilers.pysource import Expr, Value, list_of

# Prefect takes at most this many delays, and repeats the last one for further attempts.
MOST_DELAYS = 50


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
