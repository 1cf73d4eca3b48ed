"""The engine's loop: starts what may run, watches the clock, and writes down what happened."""

from __future__ import annotations

import heapq
import itertools
import os
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from intermodal.analysis import graph
from intermodal.analysis.defaults import fold_defaults
from intermodal.analysis.evaluate import EvaluationError, evaluate
from intermodal.analysis.parameters import fill_parameters
from intermodal.analysis.waits import instance_id
from intermodal.findings import Finding, FindingsError, error, raise_errors
from intermodal.ir import Pipeline, Task
from intermodal.running import (
    Progress,
    RunOptions,
    RunResult,
    TaskFailure,
    TaskResult,
)
from intermodal.runtime.context import TRACKING_VARIABLE, Context
from intermodal.runtime.events import log_end
from intermodal.runtime.problems import InfrastructureError
from intermodal.runtime.secrets import PREFIX, hide_secrets
from intermodal.runtime.stored import load_value
from intermodal.trace import pipeline_state, read_events, trace_of
from intermodal_backends.local.failures import log_tail
from intermodal_backends.local.folder import (
    Done,
    RunFolder,
    code_of,
    new_run_id,
    resumable,
    shape_hash,
)
from intermodal_backends.local.plan import Plan
from intermodal_backends.local.pool import Death, Pool, Reply
from intermodal_backends.local.retries import pause_before
from intermodal_backends.local.scheduler import Key, Scheduler
from intermodal_backends.local.scope import InstanceScope, Run
from intermodal_backends.local.signals import StopSignals
from intermodal_backends.local.support import refusals
from intermodal_backends.local.worker import WorkerProcess, variables_of_run

NEVER = float("inf")
CODES = {"timeout": "PORT601", "worker": "PORT605"}
"""Finding codes by kind of failure; any other is PORT600."""


def run(pipeline: Pipeline, parameters: Mapping[str, Any], options: RunOptions) -> RunResult:
    """See `local.run_pipeline`."""
    pipeline = fold_defaults(pipeline)
    raise_errors(refusals(pipeline))
    started = options.now()
    run_id = options.resume or options.run_id or new_run_id(started)
    folder = RunFolder(options.store, pipeline.name, run_id)
    logical_date = options.logical_date or started.isoformat()
    if options.resume:
        state = resumable(folder, pipeline, run_id)
        logical_date = state["logical_date"]
        parameters = _same_parameters(parameters, state["parameters"], run_id)
    values, findings = fill_parameters(pipeline, parameters)
    raise_errors(findings)
    folder.create()
    facts = Run(pipeline.name, run_id, values, logical_date)
    return Engine(pipeline, facts, options, folder).run()


@dataclass
class Running:
    """An attempt in a worker.

    Attributes:
        key: Whose attempt.
        number: Counted over all parts of the run.
        tries: Counted in this part.
        began: Monotonic seconds.
        deadline: When its timeout is over.
        ending: Why it was asked to end, if it was.
        kill_at: When it is killed, if it was asked to end.
    """

    key: Key
    number: int
    tries: int
    began: float
    deadline: float = NEVER
    ending: Literal["", "timeout", "interrupted"] = ""
    kill_at: float = NEVER


@dataclass(frozen=True)
class Mishap:
    """Why an attempt failed."""

    kind: str
    exception: str
    message: str
    traceback: str = ""


class Engine:
    """One run, from start to end; used once."""

    def __init__(
        self, pipeline: Pipeline, run: Run, options: RunOptions, folder: RunFolder
    ) -> None:
        self.pipeline = pipeline
        self.options = options
        self.folder = folder
        self.plan = Plan(pipeline)
        self.scheduler = Scheduler(self.plan, run, self._fetch)
        self.started = options.now()
        self._done: dict[str, Done] = {}
        self._starts: dict[str, int] = {}
        if options.resume:
            self._done = folder.read_successes()
            for event in read_events(folder.events):
                if event.event == "start" and event.source == "runtime":
                    self._starts[event.instance] = self._starts.get(event.instance, 0) + 1
        self._ran: set[str] = set()
        self._running: dict[int, Running] = {}
        self._retries: list[tuple[float, int, Key, int]] = []
        self._order = itertools.count()
        self._results: dict[Key, TaskResult] = {}
        self._failures: list[TaskFailure] = []
        self._findings: list[Finding] = []
        self._stopping = False
        self._in_exit = False
        limit = pipeline.concurrency.max_active_tasks
        self._limit = NEVER if limit is None else limit

    def run(self) -> RunResult:
        """Run everything and say what became of it."""
        self._write_state("running")
        worker = self._worker()
        with StopSignals() as signals, Pool(self._size(), worker.serve, (signals.wakeup,)) as pool:
            self._open_tracking()
            self._tell_ended()
            while self._go_on(pool):
                for event in pool.wait(self._patience()):
                    self._handle(pool, event)
                signals.clear()
                if signals.count and (not self._stopping or signals.count > 1):
                    self._stop(pool, at_once=signals.count > 1)
                self._watch_clock(pool)
        return self._result()

    # --- the loop's parts

    def _go_on(self, pool: Pool) -> bool:
        """Start what may start; whether anything is left to wait for."""
        self._fill(pool)
        if self._running:
            return True
        if self._stopping:
            return False
        if self._retries:
            return True
        if self._in_exit or not self.pipeline.exit_tasks:
            return False
        self._in_exit = True
        self.scheduler.begin_exit(pipeline_state(self.pipeline, self.scheduler.final_states()))
        self._tell_ended()
        return self._go_on(pool)

    def _fill(self, pool: Pool) -> None:
        while not self._stopping and pool.has_idle and len(self._running) < self._limit:
            if self._retries and self._retries[0][0] <= time.monotonic():
                _, _, key, tries = heapq.heappop(self._retries)
                self._start(pool, key, tries)
                continue
            found = self.scheduler.take()
            if found is None:
                return
            if self._restore(found):
                continue
            self._start(pool, found, 1)

    def _patience(self) -> float | None:
        """Seconds until something is due; None if nothing is."""
        moments = [min(r.deadline, r.kill_at) for r in self._running.values()]
        if self._retries and len(self._running) < self._size():
            moments.append(self._retries[0][0])
        due = min(moments, default=NEVER)
        return None if due == NEVER else max(0.0, due - time.monotonic())

    def _watch_clock(self, pool: Pool) -> None:
        now = time.monotonic()
        for worker, running in self._running.items():
            if now >= running.kill_at:
                running.kill_at = NEVER
                pool.signal(worker, signal.SIGKILL)
            elif now >= running.deadline:
                self._end_early(pool, worker, "timeout", signal.SIGTERM)

    def _stop(self, pool: Pool, *, at_once: bool) -> None:
        self._stopping = True
        for worker, running in self._running.items():
            if at_once:
                running.kill_at = 0.0
            elif not running.ending:
                self._end_early(pool, worker, "interrupted", signal.SIGINT)

    def _end_early(
        self, pool: Pool, worker: int, why: Literal["timeout", "interrupted"], which: int
    ) -> None:
        running = self._running[worker]
        running.ending = why
        running.deadline = NEVER
        running.kill_at = time.monotonic() + self.options.grace
        pool.signal(worker, which)

    # --- attempts

    def _start(self, pool: Pool, key: Key, tries: int) -> None:
        task = self._task(key)
        instance = instance_id(*key)
        number = self._starts.get(instance, 0) + tries
        try:
            scope = self.scheduler.scope(key, number)
            inputs = {name: evaluate(value, scope) for name, value in task.inputs.items()}
        except (EvaluationError, InfrastructureError) as problem:
            kind = "user" if isinstance(problem, EvaluationError) else "infrastructure"
            self._fail(key, 0, Mishap(kind, type(problem).__name__, str(problem)), 0.0)
            return
        self._ran.update(self.plan.around(key[0]))
        log = self.folder.log_of(key[0], key[1], number)
        running = Running(key, number, tries, time.monotonic())
        if task.timeout is not None:
            running.deadline = running.began + task.timeout.total_seconds()
        order = {"task": key[0], "index": key[1], "attempt": number}
        self._running[pool.order({**order, "inputs": inputs, "log": str(log)})] = running
        self.options.on_event(Progress(instance, "running", number))

    def _handle(self, pool: Pool, event: Reply | Death) -> None:
        running = self._running.pop(event.worker)
        seconds = time.monotonic() - running.began
        self._hide_secrets(running)
        if isinstance(event, Death):
            mishap = self._mishap_of_death(running, event)
            self._after_failure(running, mishap, seconds)
            return
        if running.ending:
            pool.retire(event.worker)
        message = event.message
        self._findings += [Finding.model_validate(data) for data in message["findings"]]
        if message["ok"]:
            self._succeed(running, message["outputs"], seconds)
            return
        mishap = Mishap(
            message["kind"], message["exception"], message["message"], message["traceback"]
        )
        if running.ending:
            mishap = replace(mishap, kind=running.ending, message=self._why_ended(running))
        self._after_failure(running, mishap, seconds)

    def _mishap_of_death(self, running: Running, death: Death) -> Mishap:
        """What a dead worker's attempt failed of; it could not log its end itself."""
        outcome = {"timeout": "timed_out", "interrupted": "interrupted"}.get(
            running.ending, "failed"
        )
        message = self._why_ended(running) or f"the worker process {death.how}"
        name, index = running.key
        log_end(name, index, running.number, outcome, error=message, file=str(self.folder.events))
        exception = "AttemptTimeout" if running.ending == "timeout" else "WorkerDied"
        return Mishap(running.ending or "worker", exception, message)

    def _why_ended(self, running: Running) -> str:
        if running.ending == "timeout":
            timeout = self._task(running.key).timeout
            assert timeout is not None
            return f"ran longer than its timeout of {timeout.total_seconds():g} s"
        return "the run was interrupted" if running.ending else ""

    def _after_failure(self, running: Running, mishap: Mishap, seconds: float) -> None:
        retry = self._task(running.key).retry
        if retry is None or running.tries > retry.max or self._stopping:
            self._fail(running.key, running.number, mishap, seconds)
            return
        pause = pause_before(running.tries + 1, retry, self.options.random)
        due = time.monotonic() + pause
        heapq.heappush(self._retries, (due, next(self._order), running.key, running.tries + 1))
        instance = instance_id(*running.key)
        text = f"{mishap.exception}: {mishap.message}"
        self.options.on_event(Progress(instance, "retrying", running.number, pause, text))

    def _succeed(self, running: Running, outputs: Mapping[str, Any], seconds: float) -> None:
        key = running.key
        self.folder.note_success(instance_id(*key), outputs, code_of(self._task(key)))
        log = self.folder.log_of(*key, running.number)
        self._results[key] = TaskResult(
            "succeeded", running.number, seconds, log=log if log.exists() else None
        )
        self.scheduler.finish(key, "succeeded", outputs)
        self._tell_ended()

    def _fail(self, key: Key, number: int, mishap: Mishap, seconds: float) -> None:
        log = self.folder.log_of(*key, number)
        failure = TaskFailure(
            instance=instance_id(*key),
            attempt=number,
            kind=mishap.kind,
            exception=mishap.exception,
            message=mishap.message,
            traceback=mishap.traceback,
            log_tail=log_tail(log),
            log=log if log.exists() else None,
            finding=self._finding(key, mishap),
        )
        self._failures.append(failure)
        self._results[key] = TaskResult("failed", number, seconds, log=failure.log)
        if mishap.kind == "interrupted":
            return  # it has no final state: the run can go on with it
        self.scheduler.finish(key, "failed")
        self._tell_ended(f"{mishap.exception}: {mishap.message}")

    def _finding(self, key: Key, mishap: Mishap) -> Finding:
        code = CODES.get(mishap.kind, "PORT600")
        text = f"{mishap.exception}: {mishap.message}" if code == "PORT600" else mishap.message
        span = self.plan.steps[key[0]].node.span
        return error(code, f"`{instance_id(*key)}`: {text}", span, next="see its traceback and log")

    def _restore(self, key: Key) -> bool:
        """Take over what an earlier part of the run did, if nothing before it has changed."""
        done = self._done.get(instance_id(*key))
        if done is None or done.code != code_of(self._task(key)):
            return False
        if any(up in self._ran for up in self.plan.steps[key[0]].ups):
            return False
        attempts = self._starts.get(instance_id(*key), 0)
        self._results[key] = TaskResult("succeeded", attempts, restored=True)
        self.scheduler.finish(key, "succeeded", done.outputs)
        self._tell_ended()
        return True

    def _tell_ended(self, error_text: str = "") -> None:
        """Tell of what has ended since the last time: one instance, and what follows from it."""
        ended, self.scheduler.ended = self.scheduler.ended, []
        for key in ended:
            problem = self.scheduler.problems.get(key)
            if problem is not None:
                self._note_problem(key, problem)
            if not isinstance(self.plan.steps[key[0]].node, Task):
                continue
            state = self.scheduler.states[key]
            result = self._results.setdefault(key, TaskResult(state))
            text = problem or (error_text if state == "failed" else "")
            self.options.on_event(
                Progress(
                    instance_id(*key), state, result.attempts, result.seconds, text, result.restored
                )
            )

    def _note_problem(self, key: Key, problem: str) -> None:
        mishap = Mishap("user", "EvaluationError", problem)
        self._failures.append(
            TaskFailure(
                instance=instance_id(*key),
                attempt=0,
                kind=mishap.kind,
                exception=mishap.exception,
                message=problem,
                traceback="",
                log_tail="",
                log=None,
                finding=self._finding(key, mishap),
            )
        )

    # --- the run as a whole

    def _worker(self) -> WorkerProcess:
        context = Context(
            pipeline=self.pipeline.name,
            run_id=self.scheduler.run.run_id,
            task="",
            target="local",
            store=self.options.store,
            tracking=self._tracking_uri(),
            parameters=self.scheduler.run.parameters,
            experiment=self.options.experiment or self.pipeline.tracking.experiment or "",
        )
        variables = variables_of_run(
            self.folder.events, self.folder.path / ".work", self.options.environment
        )
        tasks = {task.id: task for task in graph.tasks(self.pipeline)}
        return WorkerProcess(tasks, context, variables, self.options.python_path)

    def _size(self) -> int:
        wanted = self.options.workers or os.cpu_count() or 1
        return max(1, int(min(wanted, self._limit, self._most_at_once())))

    def _most_at_once(self) -> float:
        """More workers than this would have nothing to do; loops may need any number."""
        steps = self.plan.steps.values()
        return NEVER if any(step.depth for step in steps) else len(self.plan.steps)

    def _task(self, key: Key) -> Task:
        node = self.plan.steps[key[0]].node
        assert isinstance(node, Task)
        return node

    def _fetch(self, value: Any) -> Any:
        return load_value(value, self.options.store)

    def _hide_secrets(self, running: Running) -> None:
        environment = {**os.environ, **self.options.environment}
        if not any(name.startswith(PREFIX) for name in environment):
            return
        log = self.folder.log_of(*running.key, running.number)
        if not log.exists():
            return
        text = log.read_text(encoding="utf-8", errors="surrogateescape")
        hidden = hide_secrets(text, environment)
        if hidden != text:
            log.write_text(hidden, encoding="utf-8", errors="surrogateescape")

    def _tracking_uri(self) -> str:
        if not self.pipeline.tracking.enabled:
            return ""
        uri = os.environ.get(TRACKING_VARIABLE) or self.options.tracking
        return "" if uri.strip().lower() == "none" else uri

    def _open_tracking(self) -> None:
        """Make the tracker's run first: the tasks' own runs are nested in it."""
        if self._tracking_uri():
            from intermodal.tracking.session import open_run

            self._findings += open_run(self._identity(), self._tracking_uri())

    def _close_tracking(self, state: str) -> None:
        if not self._tracking_uri():
            return
        from intermodal.tracking.records import State
        from intermodal.tracking.session import close_run

        ends: dict[str, State] = {"succeeded": "finished", "failed": "failed"}
        end = ends.get(state, "killed")
        work = self.folder.path / ".work"
        self._findings += close_run(self._identity(), end, self._tracking_uri(), work)

    def _identity(self) -> Any:
        from intermodal.tracking.identity import TaskIdentity

        return TaskIdentity(
            pipeline=self.pipeline.name,
            run_id=self.scheduler.run.run_id,
            task="",
            pipeline_hash=shape_hash(self.pipeline),
            target="local",
            parameters=self.scheduler.run.parameters,
            experiment=self.options.experiment or self.pipeline.tracking.experiment or "",
        )

    def _result(self) -> RunResult:
        states = self.scheduler.final_states()
        state: Literal["succeeded", "failed", "interrupted"]
        if self._stopping:
            state = "interrupted"
            self._findings.append(self._interrupted())
        else:
            state = pipeline_state(self.pipeline, states)
        outputs = self._outputs()
        self._close_tracking(state)
        ended = self.options.now()
        self._write_state(state, outputs, ended.isoformat())
        return RunResult(
            pipeline=self.pipeline.name,
            run_id=self.scheduler.run.run_id,
            state=state,
            folder=self.folder.path,
            parameters=self.scheduler.run.parameters,
            outputs=outputs,
            instances={instance_id(*key): result for key, result in self._results.items()},
            failures=tuple(self._failures),
            findings=tuple(dict.fromkeys(self._findings)),
            trace=trace_of(self.pipeline, read_events(self.folder.events), states),
            started=self.started,
            ended=ended,
        )

    def _outputs(self) -> dict[str, Any]:
        """The pipeline's outputs; null for one that has no value."""
        scope = InstanceScope(self.scheduler, ("", ()), 0)
        outputs: dict[str, Any] = {}
        for name, value in self.pipeline.outputs.items():
            try:
                outputs[name] = evaluate(value, scope)
            except (EvaluationError, InfrastructureError) as problem:
                outputs[name] = None
                what = f"output `{name}` of the pipeline has no value: {problem}"
                self._findings.append(error("PORT600", what, value.span or self.pipeline.span))
        return outputs

    def _interrupted(self) -> Finding:
        run_id = self.scheduler.run.run_id
        return error(
            "PORT604",
            f"run `{run_id}` was interrupted",
            next=f"go on with `port run ... --resume {run_id}`",
        )

    def _write_state(
        self, state: str, outputs: Mapping[str, Any] | None = None, ended: str | None = None
    ) -> None:
        facts = self.scheduler.run
        self.folder.write_state(
            {
                "pipeline": facts.pipeline,
                "run_id": facts.run_id,
                "state": state,
                "parameters": dict(facts.parameters),
                "logical_date": facts.logical_date,
                "pipeline_hash": shape_hash(self.pipeline),
                "started": self.started.isoformat(),
                "ended": ended,
                "outputs": dict(outputs or {}),
                "instances": {
                    instance_id(*key): {"state": result.state, "attempts": result.attempts}
                    for key, result in self._results.items()
                },
            }
        )


def _same_parameters(
    given: Mapping[str, Any], before: Mapping[str, Any], run_id: str
) -> Mapping[str, Any]:
    """The parameters that the run began with; giving others is a mistake (PORT607)."""
    changed = [name for name, value in given.items() if before.get(name) != value]
    if not changed:
        return before
    raise FindingsError(
        [
            error(
                "PORT607",
                f"run `{run_id}` cannot go on with another value of `{name}`",
                why=f"it began with {before.get(name)!r}",
                next="leave the parameter out, or start a new run",
            )
            for name in changed
        ]
    )
