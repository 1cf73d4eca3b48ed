"""The engine's loop: starts what may run, watches the clock, and takes what the workers say."""

from __future__ import annotations

import heapq
import itertools
import os
import signal
import time
from collections.abc import Mapping
from typing import Any

from intermodal.analysis import graph
from intermodal.analysis.defaults import fold_defaults
from intermodal.analysis.evaluate import EvaluationError, evaluate
from intermodal.analysis.parameters import fill_parameters
from intermodal.analysis.waits import instance_id
from intermodal.findings import Finding, FindingsError, error, raise_errors
from intermodal.ir import Pipeline, Task
from intermodal.running import RunOptions, RunResult
from intermodal.runtime.context import (
    STORE_VARIABLE,
    TRACKING_VARIABLE,
    WORK_VARIABLE,
    Context,
)
from intermodal.runtime.events import VARIABLE as EVENTS_VARIABLE
from intermodal.runtime.events import log_end
from intermodal.runtime.problems import InfrastructureError
from intermodal.runtime.secrets import PREFIX, hide_secrets
from intermodal.runtime.stored import load_value
from intermodal.trace import pipeline_state, read_events
from intermodal_backends.local.attempts import (
    NEVER,
    OUTCOMES,
    Ending,
    Mishap,
    Running,
    mishap_of_death,
    mishap_of_reply,
)
from intermodal_backends.local.folder import (
    Done,
    RunFolder,
    code_of,
    new_run_id,
    resumable,
)
from intermodal_backends.local.plan import Plan
from intermodal_backends.local.pool import Death, Pool, Reply
from intermodal_backends.local.record import Record
from intermodal_backends.local.retries import pause_before
from intermodal_backends.local.scheduler import Key, Scheduler
from intermodal_backends.local.scope import Run
from intermodal_backends.local.signals import StopSignals
from intermodal_backends.local.support import refusals
from intermodal_backends.local.tracked import RunTracking
from intermodal_backends.local.worker import WorkerProcess


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
        self.record = Record(pipeline, self.scheduler, options, folder)
        self.tracking = RunTracking(pipeline, run, options, folder.work)
        self._codes = {task.id: code_of(task) for task in graph.tasks(pipeline)}
        self._done: dict[str, Done] = {}
        self._starts: dict[str, int] = {}
        if options.resume:
            self._done = folder.read_successes()
            self._starts = _starts_so_far(folder)
        self._ran: set[str] = set()
        self._running: dict[int, Running] = {}
        self._retries: list[tuple[float, int, Key, int]] = []
        self._order = itertools.count()
        self._stopping = False
        self._in_exit = False
        limit = pipeline.concurrency.max_active_tasks
        self._limit = NEVER if limit is None else limit
        self._environment = {**os.environ, **options.environment}
        self._has_secrets = any(name.startswith(PREFIX) for name in self._environment)

    def run(self) -> RunResult:
        """Run everything and say what became of it."""
        self.record.write_state("running")
        worker = self._worker()
        with StopSignals() as signals, Pool(self._size(), worker.serve, (signals.wakeup,)) as pool:
            self.record.findings += self.tracking.open()
            self.record.tell_ended()
            while self._go_on(pool):
                for event in pool.wait(self._patience()):
                    self._handle(pool, event)
                signals.clear()
                if signals.count and (not self._stopping or signals.count > 1):
                    self._stop(pool, at_once=signals.count > 1)
                self._watch_clock(pool)
        states = self.scheduler.final_states()
        state = "interrupted" if self._stopping else pipeline_state(self.pipeline, states)
        self.record.findings += self.tracking.close(state)
        return self.record.result(state, self.options.now())

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
        self.record.tell_ended()
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
            if not self._restore(found):
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

    def _end_early(self, pool: Pool, worker: int, why: Ending, which: int) -> None:
        self._running[worker].end_early(why, time.monotonic() + self.options.grace)
        pool.signal(worker, which)

    # --- attempts

    def _start(self, pool: Pool, key: Key, tries: int) -> None:
        task = self._task(key)
        number = self._starts.get(instance_id(*key), 0) + tries
        try:
            scope = self.scheduler.scope(key, number)
            inputs = {name: evaluate(value, scope) for name, value in task.inputs.items()}
        except (EvaluationError, InfrastructureError) as problem:
            kind = "user" if isinstance(problem, EvaluationError) else "infrastructure"
            self._fail(key, 0, 0.0, Mishap(kind, type(problem).__name__, str(problem)))
            return
        self._ran.update(self.plan.around(key[0]))
        running = Running(key, number, tries, time.monotonic())
        if task.timeout is not None:
            running.deadline = running.began + task.timeout.total_seconds()
        order = {"task": key[0], "index": key[1], "attempt": number, "inputs": inputs}
        order["log"] = str(self.folder.log_of(*key, number))
        self._running[pool.order(order)] = running
        self.record.started(key, number)

    def _restore(self, key: Key) -> bool:
        """Take over what an earlier part of the run did, if nothing before it has changed."""
        done = self._done.get(instance_id(*key))
        if done is None or done.code != self._codes[key[0]]:
            return False
        if any(up in self._ran for up in self.plan.steps[key[0]].ups):
            return False
        self.record.restored(key, self._starts.get(instance_id(*key), 0), done.state)
        self.scheduler.finish(key, done.state, done.outputs)
        self.record.tell_ended()
        return True

    def _handle(self, pool: Pool, event: Reply | Death) -> None:
        running = self._running.pop(event.worker)
        key, task = running.key, self._task(running.key)
        seconds = time.monotonic() - running.began
        self._hide_secrets(running)
        if isinstance(event, Death):
            mishap = mishap_of_death(event.how, running, task)
            outcome = OUTCOMES[running.ending]
            # The runtime in the dead worker could not log the end.
            file = str(self.folder.events)
            log_end(*key, running.number, outcome, error=mishap.message, file=file)
            self._after_failure(running, mishap, seconds)
            return
        if running.ending:
            pool.retire(event.worker)
        message = event.message
        self.record.findings += [Finding.from_data(data) for data in message["findings"]]
        if not message["ok"]:
            self._after_failure(running, mishap_of_reply(message, running, task), seconds)
            return
        self._succeed(key, running.number, seconds, message["outputs"], message["state"])

    def _succeed(
        self,
        key: Key,
        number: int,
        seconds: float,
        outputs: Mapping[str, Any],
        state: str = "succeeded",
    ) -> None:
        self.folder.note_success(instance_id(*key), outputs, self._codes[key[0]], state)
        attempts = number - 1 if state == "cached" else number
        self.record.succeeded(key, attempts, number, seconds, state)
        self.scheduler.finish(key, state, outputs)
        self.record.tell_ended()

    def _after_failure(self, running: Running, mishap: Mishap, seconds: float) -> None:
        retry = self._task(running.key).retry
        if retry is None or running.tries > retry.max or self._stopping:
            self._fail(running.key, running.number, seconds, mishap)
            return
        pause = pause_before(running.tries + 1, retry, self.options.random)
        due = time.monotonic() + pause
        heapq.heappush(self._retries, (due, next(self._order), running.key, running.tries + 1))
        self.record.retrying(running.key, running.number, pause, mishap)

    def _fail(self, key: Key, number: int, seconds: float, mishap: Mishap) -> None:
        self.record.failed(key, number, seconds, mishap)
        if mishap.kind == "interrupted":
            return  # it has no final state: the run can go on with it
        self.scheduler.finish(key, "failed")
        self.record.tell_ended(str(mishap))

    # --- what all of it shares

    def _worker(self) -> WorkerProcess:
        context = Context(
            pipeline=self.pipeline.name,
            run_id=self.scheduler.run.run_id,
            task="",
            target="local",
            store=self.options.store,
            tracking=self.tracking.uri,
            parameters=self.scheduler.run.parameters,
            experiment=self.tracking.experiment,
            tags=self.tracking.tags,
        )
        variables = {
            **self.options.environment,
            EVENTS_VARIABLE: str(self.folder.events),
            STORE_VARIABLE: self.options.store,
            TRACKING_VARIABLE: self.tracking.uri,
            WORK_VARIABLE: str(self.folder.work),
        }
        tasks = {task.id: task for task in graph.tasks(self.pipeline)}
        return WorkerProcess(tasks, context, variables, self.options.python_path)

    def _size(self) -> int:
        """Workers; more than there are tasks would have nothing to do, but loops may need any number."""
        steps = self.plan.steps.values()
        most = NEVER if any(step.depth for step in steps) else len(steps)
        wanted = self.options.workers or os.cpu_count() or 1
        return max(1, int(min(wanted, self._limit, most)))

    def _task(self, key: Key) -> Task:
        node = self.plan.steps[key[0]].node
        assert isinstance(node, Task)
        return node

    def _fetch(self, value: Any) -> Any:
        return load_value(value, self.options.store)

    def _hide_secrets(self, running: Running) -> None:
        log = self.folder.log_of(*running.key, running.number)
        if not self._has_secrets or not log.exists():
            return
        text = log.read_text(encoding="utf-8", errors="surrogateescape")
        hidden = hide_secrets(text, self._environment)
        if hidden != text:
            log.write_text(hidden, encoding="utf-8", errors="surrogateescape")


def _starts_so_far(folder: RunFolder) -> dict[str, int]:
    """How often each instance has started in earlier parts of the run."""
    starts: dict[str, int] = {}
    for event in read_events(folder.events):
        if event.event == "start" and event.source == "runtime":
            starts[event.instance] = starts.get(event.instance, 0) + 1
    return starts


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
