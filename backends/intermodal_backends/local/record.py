"""What became of a run so far: told to the listener, kept in its folder, and given as its result."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from intermodal.analysis.evaluate import EvaluationError, evaluate
from intermodal.analysis.waits import instance_id
from intermodal.findings import Finding, error
from intermodal.ir import Pipeline, Task
from intermodal.running import Progress, RunOptions, RunResult, RunState, TaskFailure, TaskResult
from intermodal.runtime.problems import InfrastructureError
from intermodal.trace import read_events, trace_of
from intermodal_backends.local.attempts import Mishap
from intermodal_backends.local.failures import log_tail
from intermodal_backends.local.folder import RunFolder, shape_hash
from intermodal_backends.local.notices import Notices
from intermodal_backends.local.scheduler import Key, Scheduler

CODES = {"timeout": "PORT601", "worker": "PORT605"}
"""Finding codes by kind of failure; any other is PORT600."""

TOLD = re.compile(r" \[(PORT\d{3})\]$")
"""How a message ends that is our own: it says why, and its code's story what to do."""


class Record:
    """Results, failures and findings of one run."""

    def __init__(
        self,
        pipeline: Pipeline,
        scheduler: Scheduler,
        options: RunOptions,
        folder: RunFolder,
        notices: Notices,
    ) -> None:
        self.findings: list[Finding] = []
        self._pipeline = pipeline
        self._hash = shape_hash(pipeline)
        self._scheduler = scheduler
        self._tell = options.on_event
        self._folder = folder
        self._notices = notices
        self._started = options.now()
        self._results: dict[Key, TaskResult] = {}
        self._failures: list[TaskFailure] = []

    def started(self, key: Key, number: int) -> None:
        """An attempt starts."""
        self._tell(Progress(instance_id(*key), "running", number))

    def retrying(self, key: Key, number: int, pause: float, mishap: Mishap) -> None:
        """An attempt failed, and another follows."""
        self._tell(Progress(instance_id(*key), "retrying", number, pause, str(mishap)))
        self._notify(key, "retry")

    def succeeded(
        self, key: Key, attempts: int, number: int, seconds: float, state: str = "succeeded"
    ) -> None:
        """An instance succeeded after so many attempts; the log is that of this number."""
        log = self._folder.log_of(*key, number)
        kept = log if log.exists() else None
        self._results[key] = TaskResult(state, attempts, seconds, log=kept)
        self._notify(key, "success")

    def skipped(self, key: Key, number: int, seconds: float) -> None:
        """An instance was skipped by its own attempt."""
        self._results[key] = TaskResult("skipped", number, seconds)

    def restored(self, key: Key, attempts: int, state: str = "succeeded") -> None:
        """An instance had succeeded in an earlier part of the run."""
        self._results[key] = TaskResult(state, attempts, restored=True)

    def failed(self, key: Key, number: int, seconds: float, mishap: Mishap) -> None:
        """An instance failed for good; number 0 if it never started."""
        log = self._folder.log_of(*key, number)
        kept = log if log.exists() else None
        self._results[key] = TaskResult("failed", number, seconds, log=kept)
        self._failures.append(
            TaskFailure(
                instance=instance_id(*key),
                attempt=number,
                kind=mishap.kind,
                exception=mishap.exception,
                message=mishap.message,
                traceback=mishap.traceback,
                log_tail=log_tail(log),
                log=kept,
                finding=self._finding(key, mishap),
            )
        )
        if mishap.kind != "interrupted":
            self._notify(key, "failure")

    def tell_ended(self, problem: str = "") -> None:
        """Tell of what has ended since the last time: one instance, and what follows from it."""
        ended, self._scheduler.ended = self._scheduler.ended, []
        for key in ended:
            no_value = self._scheduler.problems.get(key)
            if no_value is not None:
                self.failed(key, 0, 0.0, Mishap("user", "EvaluationError", no_value))
            if not isinstance(self._scheduler.plan.steps[key[0]].node, Task):
                self._results.pop(key, None)
                continue
            state = self._scheduler.states[key]
            result = self._results.setdefault(key, TaskResult(state))
            text = no_value or (problem if state == "failed" else "")
            facts = (result.attempts, result.seconds, text, result.restored)
            self._tell(Progress(instance_id(*key), state, *facts))

    def write_state(
        self, state: str, outputs: Mapping[str, Any] | None = None, ended: datetime | None = None
    ) -> None:
        """Replace the run's `run.json`."""
        run = self._scheduler.run
        self._folder.write_state(
            {
                "pipeline": run.pipeline,
                "run_id": run.run_id,
                "state": state,
                "parameters": dict(run.parameters),
                "logical_date": run.logical_date,
                "pipeline_hash": self._hash,
                "started": self._started.isoformat(),
                "ended": None if ended is None else ended.isoformat(),
                "outputs": dict(outputs or {}),
                "instances": {
                    instance_id(*key): {"state": result.state, "attempts": result.attempts}
                    for key, result in self._results.items()
                },
            }
        )

    def result(self, state: RunState, ended: datetime) -> RunResult:
        """Close `run.json`, and say what became of the run."""
        run = self._scheduler.run
        if state == "interrupted":
            self.findings.append(_interrupted(run.run_id))
        outputs = self._outputs()
        self.write_state(state, outputs, ended)
        states = self._scheduler.final_states()
        return RunResult(
            pipeline=run.pipeline,
            run_id=run.run_id,
            state=state,
            folder=self._folder.path,
            parameters=run.parameters,
            outputs=outputs,
            instances={instance_id(*key): result for key, result in self._results.items()},
            failures=tuple(self._failures),
            findings=tuple(dict.fromkeys(self.findings)),
            trace=trace_of(self._pipeline, read_events(self._folder.events), states),
            started=self._started,
            ended=ended,
        )

    def _notify(self, key: Key, on: str) -> None:
        node = self._scheduler.plan.steps[key[0]].node
        if isinstance(node, Task):
            self._notices.of_task(instance_id(*key), node.notifications, on)

    def _finding(self, key: Key, mishap: Mishap) -> Finding:
        code = CODES.get(mishap.kind, "PORT600")
        no_value = mishap.exception == EvaluationError.__name__
        text = str(mishap) if code == "PORT600" and not no_value else mishap.message
        told = TOLD.search(mishap.message)  # our own message, which says why and what to do
        advice = "see its traceback and log" if mishap.traceback else "see its log"
        if told is not None:
            text = text.replace(told[0], "")
            advice = f"`port explain {told[1]}` tells what to do"
        elif no_value:
            advice = "give it a value that fits"
        span = self._scheduler.plan.steps[key[0]].node.span
        return error(code, f"`{instance_id(*key)}`: {text}", span, next=advice)

    def _outputs(self) -> dict[str, Any]:
        """The pipeline's outputs; null for one that has no value."""
        scope = self._scheduler.scope(("", ()))
        outputs: dict[str, Any] = {}
        for name, value in self._pipeline.outputs.items():
            try:
                outputs[name] = evaluate(value, scope)
            except (EvaluationError, InfrastructureError) as problem:
                outputs[name] = None
                what = f"output `{name}` of the pipeline has no value: {problem}"
                span = value.span or self._pipeline.span
                self.findings.append(error("PORT600", what, span))
        return outputs


def _interrupted(run_id: str) -> Finding:
    return error(
        "PORT604",
        f"run `{run_id}` was interrupted",
        next=f"go on with `port run ... --resume {run_id}`",
    )
