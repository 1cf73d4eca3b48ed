"""How instances end: noted in the run's folder, told to the scheduler, and reported."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from intermodal.analysis import graph
from intermodal.analysis.waits import instance_id
from intermodal.ir import Pipeline
from intermodal.runtime.events import log_end, log_start
from intermodal.trace import read_events
from intermodal_backends.local.attempts import Mishap, Running
from intermodal_backends.local.folder import Done, RunFolder, code_of
from intermodal_backends.local.plan import EXIT
from intermodal_backends.local.record import Record
from intermodal_backends.local.scheduler import Key, Scheduler


class Endings:
    """Everything that has to happen when an instance ends, and what earlier parts of the run did.

    Args:
        pipeline: What is run.
        scheduler: Is told of states.
        record: Reports.
        folder: The run's.
        resumed: Whether there are earlier parts.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        scheduler: Scheduler,
        record: Record,
        folder: RunFolder,
        *,
        resumed: bool,
    ) -> None:
        self._scheduler = scheduler
        self._record = record
        self._folder = folder
        self._codes = {task.id: code_of(task) for task in graph.tasks(pipeline)}
        self._done: dict[str, Done] = folder.read_successes() if resumed else {}
        self._starts = _starts_so_far(folder) if resumed else {}
        self._ran: set[str] = set()

    def starts_of(self, key: Key) -> int:
        """How often the instance started in earlier parts of the run."""
        return self._starts.get(instance_id(*key), 0)

    def begin(self, key: Key) -> None:
        """Note that an instance runs in this part: what follows it has to run again."""
        self._ran.update(self._scheduler.plan.around(key[0]))

    def restore(self, key: Key) -> bool:
        """Take over what an earlier part of the run did, if nothing before it has changed."""
        done = self._done.get(instance_id(*key))
        if done is None or done.code != self._codes[key[0]]:
            return False
        step = self._scheduler.plan.steps[key[0]]
        if any(up in self._ran for up in step.ups) or (step.region == EXIT and self._ran):
            return False  # an exit task waits for the whole run
        self._record.restored(key, self.starts_of(key), done.state)
        self._finish(key, done.state, done.outputs)
        return True

    def succeed(
        self,
        key: Key,
        number: int,
        seconds: float,
        outputs: Mapping[str, Any],
        state: str = "succeeded",
    ) -> None:
        """An attempt succeeded, or found its outputs in the cache."""
        self._folder.note_success(instance_id(*key), outputs, self._codes[key[0]], state)
        attempts = number - 1 if state == "cached" else number
        self._record.succeeded(key, attempts, number, seconds, state)
        self._finish(key, state, outputs)

    def skip(self, key: Key, number: int, seconds: float) -> None:
        """An attempt ended by skipping the instance."""
        self.log_end(key, number, "skipped")
        self._record.skipped(key, number, seconds)
        self._finish(key, "skipped")

    def fail(self, key: Key, number: int, seconds: float, mishap: Mishap) -> None:
        """An instance failed for good; number 0 if it never started."""
        self._record.failed(key, number, seconds, mishap)
        if mishap.kind == "interrupted":
            return  # it has no final state: the run can go on with it
        self._finish(key, "failed", problem=str(mishap))

    def retry(self, running: Running, pause: float, mishap: Mishap) -> None:
        """An attempt failed, and another follows."""
        self._record.retrying(running.key, running.number, pause, mishap)

    def log_start(self, key: Key, number: int) -> None:
        """Log the start of an attempt that no worker makes."""
        log_start(*key, number, file=str(self._folder.events))

    def log_end(self, key: Key, number: int, outcome: str, error: str = "") -> None:
        """Log the end of an attempt where no worker can."""
        log_end(*key, number, outcome, error=error, file=str(self._folder.events))

    def _finish(
        self, key: Key, state: str, outputs: Mapping[str, Any] | None = None, problem: str = ""
    ) -> None:
        self._scheduler.finish(key, state, outputs)
        self._record.tell_ended(problem)


def _starts_so_far(folder: RunFolder) -> dict[str, int]:
    """How often each instance has started in earlier parts of the run."""
    starts: dict[str, int] = {}
    for event in read_events(folder.events):
        if event.event == "start" and event.source == "runtime":
            starts[event.instance] = starts.get(event.instance, 0) + 1
    return starts
