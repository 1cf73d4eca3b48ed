"""Join rules: whether a task runs, by the states of its direct upstreams.

The definitions are Airflow's (`airflow.ti_deps.deps.trigger_rule_dep`), but for one thing: where Airflow's
answer depends on which upstream ends first, this one waits until it no longer does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from intermodal.ir import Join

Verdict = Literal["run", "skipped", "upstream_failed", "wait"]
SUCCESS = ("succeeded", "cached")


@dataclass(slots=True)
class Counts:
    """How many upstreams there are, and how many have ended in which state."""

    total: int = 0
    success: int = 0
    skipped: int = 0
    failed: int = 0
    upstream_failed: int = 0

    def add(self, state: str) -> None:
        """Count one more final state."""
        field = "success" if state in SUCCESS else state
        setattr(self, field, getattr(self, field) + 1)

    @property
    def bad(self) -> int:
        """Those that failed, or never ran because others did."""
        return self.failed + self.upstream_failed

    @property
    def done(self) -> bool:
        """Whether all have ended."""
        return self.success + self.skipped + self.bad >= self.total


def count(states: Iterable[str | None]) -> Counts:
    """Counts of these states; None stands for an upstream that has not ended."""
    counts = Counts()
    for state in states:
        counts.total += 1
        if state is not None:
            counts.add(state)
    return counts


def decide(rule: Join, counts: Counts) -> Verdict:
    """What becomes of a task; one without upstreams always runs."""
    return RULES[rule](counts) if counts.total else "run"


def decide_by_setups(setups: Counts) -> Verdict | None:
    """What setups further up make of a task, before its own rule counts; None if they are all there."""
    if setups.bad:
        return "upstream_failed"
    if setups.skipped:
        return "skipped"
    return None if setups.done else "wait"


def decide_teardown(counts: Counts, setups: Counts) -> Verdict:
    """What becomes of a teardown: it runs after everything if one of its setups succeeded."""
    if not (counts.done and setups.done):
        return "wait"
    if not setups.total or setups.success:
        return "run"
    return "skipped" if setups.skipped == setups.total else "upstream_failed"


def _all_success(counts: Counts) -> Verdict:
    if counts.bad:
        return "upstream_failed"
    if not counts.done:
        return "wait"
    return "skipped" if counts.skipped else "run"


def _all_done(counts: Counts) -> Verdict:
    return "run" if counts.done else "wait"


def _none_failed(counts: Counts) -> Verdict:
    if counts.bad:
        return "upstream_failed"
    return "run" if counts.done else "wait"


def _none_failed_min_one_success(counts: Counts) -> Verdict:
    if counts.bad:
        return "upstream_failed"
    if not counts.done:
        return "wait"
    return "run" if counts.success else "skipped"


def _one_success(counts: Counts) -> Verdict:
    if counts.success:
        return "run"
    if not counts.done:
        return "wait"
    return "upstream_failed" if counts.bad else "skipped"


def _one_failed(counts: Counts) -> Verdict:
    if counts.bad:
        return "run"
    return "skipped" if counts.done else "wait"


def _one_done(counts: Counts) -> Verdict:
    """Airflow counts neither the skipped nor those that never ran as done here."""
    if counts.success or counts.failed:
        return "run"
    return "skipped" if counts.done else "wait"


def _all_failed(counts: Counts) -> Verdict:
    if counts.success or counts.skipped:
        return "skipped"
    return "run" if counts.done else "wait"


def _all_skipped(counts: Counts) -> Verdict:
    if counts.success or counts.bad:
        return "skipped"
    return "run" if counts.done else "wait"


def _none_skipped(counts: Counts) -> Verdict:
    if counts.skipped:
        return "skipped"
    return "run" if counts.done else "wait"


def _always(counts: Counts) -> Verdict:  # noqa: ARG001 - a row like the others
    return "run"


RULES: Mapping[Join, Callable[[Counts], Verdict]] = {
    Join.ALL_SUCCESS: _all_success,
    Join.ALL_DONE: _all_done,
    Join.NONE_FAILED: _none_failed,
    Join.NONE_FAILED_MIN_ONE_SUCCESS: _none_failed_min_one_success,
    Join.ONE_SUCCESS: _one_success,
    Join.ONE_FAILED: _one_failed,
    Join.ONE_DONE: _one_done,
    Join.ALL_FAILED: _all_failed,
    Join.ALL_SKIPPED: _all_skipped,
    Join.NONE_SKIPPED: _none_skipped,
    Join.ALWAYS: _always,
}
