"""An attempt in a worker: when it is due to end, and why it failed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from intermodal.ir import Approval, Task, Wait
from intermodal_backends.local.agenda import Turn
from intermodal_backends.local.scheduler import Key

NEVER = float("inf")
Ending = Literal["", "timeout", "interrupted"]
OUTCOMES: Mapping[Ending, str] = {
    "timeout": "timed_out",
    "interrupted": "interrupted",
    "": "failed",
}
"""Outcomes in the event log of an attempt whose worker died, by why it was asked to end."""


@dataclass
class Running:
    """An attempt in a worker.

    Attributes:
        turn: Whose attempt, and which.
        number: The attempt, counted over all parts of the run.
        began: Monotonic seconds.
        deadline: When its timeout is over.
        ending: Why it was asked to end, if it was.
        kill_at: When it is killed, if it was asked to end.
    """

    turn: Turn
    number: int
    began: float
    deadline: float = NEVER
    ending: Ending = ""
    kill_at: float = NEVER

    @property
    def key(self) -> Key:
        """Whose attempt."""
        return self.turn.key

    def end_early(self, why: Ending, kill_at: float) -> None:
        """Note that it was asked to end."""
        self.ending = why
        self.deadline = NEVER
        self.kill_at = kill_at


@dataclass(frozen=True)
class Mishap:
    """Why an attempt failed; `kind` is one of those of `TaskFailure`."""

    kind: str
    exception: str
    message: str
    traceback: str = ""

    def __str__(self) -> str:
        return f"{self.exception}: {self.message}"


def mishap_of_reply(message: Mapping[str, Any], running: Running, task: Task) -> Mishap:
    """What a worker says its attempt failed of; an attempt that was ended failed of that."""
    told = Mishap(message["kind"], message["exception"], message["message"], message["traceback"])
    if not running.ending:
        return told
    return replace(told, kind=running.ending, message=_why_ended(running, task))


def mishap_of_death(how: str, running: Running, task: Task) -> Mishap:
    """What the attempt of a dead worker failed of."""
    if not running.ending:
        return Mishap("worker", "WorkerDied", f"the worker process {how}")
    name = "AttemptTimeout" if running.ending == "timeout" else "KeyboardInterrupt"
    return Mishap(running.ending, name, _why_ended(running, task))


def too_late(task: Task) -> Mishap:
    """What a task failed of that waited in vain."""
    what = "was not answered" if isinstance(task.action, Approval) else "waited in vain"
    length = patience_of(task)
    return Mishap("timeout", "AttemptTimeout", f"{what} for {length:g} s")


def patience_of(task: Task) -> float:
    """Seconds that a task waits for something outside the run; infinite for one that does not wait."""
    action = task.action
    limits = [action.timeout] if isinstance(action, Approval | Wait) else []
    if isinstance(action, Approval):
        limits.append(task.timeout)
    return min((limit.total_seconds() for limit in limits if limit is not None), default=NEVER)


def _why_ended(running: Running, task: Task) -> str:
    if running.ending == "timeout" and task.timeout is not None:
        return f"ran longer than its timeout of {task.timeout.total_seconds():g} s"
    return "the run was interrupted"
