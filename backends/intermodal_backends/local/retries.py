"""How long to wait before the next attempt."""

from __future__ import annotations

from collections.abc import Callable

from intermodal.ir import Retry


def pause_before(attempt: int, retry: Retry, random: Callable[[], float]) -> float:
    """Seconds before the attempt of this number, which is 2 or more.

    Args:
        attempt: Counted from the first attempt of the task in this run, which is 1.
        retry: The task's policy.
        random: Gives numbers from 0 to 1; used only with jitter.
    """
    pause = retry.delay.total_seconds()
    ceiling = retry.ceiling.total_seconds() if retry.ceiling is not None else float("inf")
    for _ in range(attempt - 2):
        if retry.factor == 1 or pause >= ceiling:
            break
        pause *= retry.factor
    pause = min(pause, ceiling)
    if retry.jitter:
        pause *= 1 + retry.jitter * (2 * random() - 1)
    return min(pause, ceiling)
