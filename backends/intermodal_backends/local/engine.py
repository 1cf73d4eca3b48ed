"""The engine's loop: starts what may run, watches the clock, and takes what the workers say."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping
from typing import Any

from intermodal.analysis import graph
from intermodal.analysis.evaluate import EvaluationError, evaluate
from intermodal.analysis.waits import instance_id
from intermodal.findings import Finding
from intermodal.ir import Approval, Pipeline, Task, TriggerRun, Wait
from intermodal.running import Answer, Progress, RunOptions, RunResult
from intermodal.runtime.context import (
    STORE_VARIABLE,
    TRACKING_VARIABLE,
    WORK_VARIABLE,
    Context,
)
from intermodal.runtime.events import VARIABLE as EVENTS_VARIABLE
from intermodal.runtime.problems import InfrastructureError
from intermodal.runtime.secrets import PREFIX, hide_secrets
from intermodal.runtime.stored import load_value
from intermodal.trace import pipeline_state
from intermodal_backends.local.agenda import Agenda, Turn
from intermodal_backends.local.attempts import (
    NEVER,
    OUTCOMES,
    Ending,
    Mishap,
    Running,
    mishap_of_death,
    mishap_of_reply,
    patience_of,
    too_late,
)
from intermodal_backends.local.desk import Desk, Question
from intermodal_backends.local.endings import Endings
from intermodal_backends.local.folder import RunFolder, new_run_id
from intermodal_backends.local.notices import Notices
from intermodal_backends.local.orders import Order, message_of, names_in_action, parameters_of
from intermodal_backends.local.plan import Plan
from intermodal_backends.local.pool import Death, Pool, Reply
from intermodal_backends.local.record import Record
from intermodal_backends.local.retries import pause_before
from intermodal_backends.local.scheduler import Key, Scheduler
from intermodal_backends.local.scope import InstanceScope, Run
from intermodal_backends.local.signals import StopSignals
from intermodal_backends.local.tracked import RunTracking
from intermodal_backends.local.triggered import Triggered, failed_behind
from intermodal_backends.local.worker import WorkerProcess


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
        self._environment = {**os.environ, **options.environment}
        self._has_secrets = any(name.startswith(PREFIX) for name in self._environment)
        self.notices = Notices(pipeline, self._environment, self._tell_notice)
        self.record = Record(pipeline, self.scheduler, options, folder, self.notices)
        self.endings = Endings(
            pipeline, self.scheduler, self.record, folder, resumed=bool(options.resume)
        )
        self.agenda = Agenda(self.scheduler, options.pools)
        self.desk = Desk(options.ask)
        self.tracking = RunTracking(pipeline, run, options, folder.work)
        self._running: dict[int, Running] = {}
        self._behind: dict[int, tuple[str, Triggered]] = {}
        self._until: dict[Key, float] = {}
        self._stopping = False
        self._in_exit = False
        limit = pipeline.concurrency.max_active_tasks
        self._limit = NEVER if limit is None else limit

    def run(self) -> RunResult:
        """Run everything and say what became of it."""
        self.record.write_state("running")
        worker = self._worker()
        with StopSignals() as signals:
            wakeups = signals.wakeup, self.desk.wakeup
            with Pool(self._size(), worker.serve, wakeups) as pool:
                self.tracking.open()
                self.record.tell_ended()
                while self._go_on(pool):
                    for event in pool.wait(self._patience()):
                        self._handle(pool, event)
                    signals.clear()
                    if signals.count and (not self._stopping or signals.count > 1):
                        self._stop(pool, at_once=signals.count > 1)
                    self._watch_clock(pool)
                    self._hear()
        states = self.scheduler.final_states()
        state = "interrupted" if self._stopping else pipeline_state(self.pipeline, states)
        if state != "interrupted":
            self.notices.of_pipeline("success" if state == "succeeded" else "failure")
        self.record.findings += self.notices.close()
        self.record.findings += self.tracking.close(state)
        return self.record.result(state, self.options.now())

    # --- the loop's parts

    def _go_on(self, pool: Pool) -> bool:
        """Start what may start; whether anything is left to wait for."""
        self._fill(pool)
        if self._running:
            return True
        if self._stopping:
            return bool(self._behind)
        if self.agenda.has_later or self.desk.open:
            return True
        if self._in_exit or not self.pipeline.exit_tasks:
            return bool(self._behind)
        self._in_exit = True
        self.scheduler.begin_exit(pipeline_state(self.pipeline, self.scheduler.final_states()))
        self.record.tell_ended()
        return self._go_on(pool)

    def _fill(self, pool: Pool) -> None:
        while not self._stopping and pool.has_idle and len(self._running) < self._limit:
            turn = self.agenda.take()
            if turn is None:
                return
            if turn.is_new and self.endings.restore(turn.key):
                self.agenda.give_back(turn)
            else:
                self._start(pool, turn)

    def _patience(self) -> float | None:
        """Seconds until something is due; None if nothing is."""
        moments = [min(r.deadline, r.kill_at) for r in self._running.values()]
        if self.agenda.next_due is not None and len(self._running) < self._size():
            moments.append(self.agenda.next_due)
        due = min([*moments, self.desk.deadline], default=NEVER)
        return None if due == NEVER else max(0.0, due - time.monotonic())

    def _watch_clock(self, pool: Pool) -> None:
        now = time.monotonic()
        for worker, running in self._running.items():
            if now >= running.kill_at:
                running.kill_at = NEVER
                pool.signal(worker, signal.SIGKILL)
            elif now >= running.deadline:
                self._end_early(pool, worker, "timeout", signal.SIGTERM)
        for question in self.desk.late(now):
            self._close(question, too_late(self._task(question.turn.key)))

    def _stop(self, pool: Pool, *, at_once: bool) -> None:
        self._stopping = True
        for worker, running in self._running.items():
            if at_once:
                running.kill_at = 0.0
            elif not running.ending:
                self._end_early(pool, worker, "interrupted", signal.SIGINT)
        for worker in self._behind:
            pool.signal(worker, signal.SIGKILL if at_once else signal.SIGINT)

    def _end_early(self, pool: Pool, worker: int, why: Ending, which: int) -> None:
        self._running[worker].end_early(why, time.monotonic() + self.options.grace)
        pool.signal(worker, which)

    # --- attempts

    def _start(self, pool: Pool, turn: Turn) -> None:
        key, task = turn.key, self._task(turn.key)
        number = self.endings.starts_of(key) + turn.tries
        if time.monotonic() >= self._until.get(key, NEVER):
            self._give_up(turn, number, 0.0, too_late(task))
            return
        try:
            scope = self.scheduler.scope(key, number)
            inputs = {name: evaluate(value, scope) for name, value in task.inputs.items()}
            if isinstance(task.action, Approval):
                self._ask(turn, number, message_of(task.action.message, scope, inputs))
                return
            order = self._order(turn, number, scope, inputs)
        except (EvaluationError, InfrastructureError) as problem:
            kind = "user" if isinstance(problem, EvaluationError) else "infrastructure"
            self.agenda.give_back(turn)
            mishap = Mishap(kind, type(problem).__name__, str(problem))
            self.endings.fail(key, 0, 0.0, mishap)
            return
        self.endings.begin(key)
        running = Running(turn, number, time.monotonic())
        until = self._until.setdefault(key, running.began + patience_of(task))
        limit = NEVER if task.timeout is None else task.timeout.total_seconds()
        running.deadline = min(running.began + limit, until)
        self._running[pool.order(order.to_data())] = running
        if not turn.looks:
            self.record.started(key, number)

    def _order(
        self, turn: Turn, number: int, scope: InstanceScope, inputs: dict[str, Any]
    ) -> Order:
        key, task = turn.key, self._task(turn.key)
        triggered = None
        if isinstance(task.action, TriggerRun):
            given = parameters_of(task.action, scope, inputs)
            run_id = new_run_id(self.options.now())
            triggered = Triggered(task.action.pipeline, given, run_id).to_data()
        return Order(
            task=key[0],
            index=key[1],
            attempt=number,
            log=str(self.folder.log_of(*key, number)),
            inputs=inputs,
            names=names_in_action(task, scope),
            looks=turn.looks,
            triggered=triggered,
        )

    def _handle(self, pool: Pool, event: Reply | Death) -> None:
        if event.worker in self._behind:
            self._handle_behind(event)
            return
        running = self._running.pop(event.worker)
        self.agenda.give_back(running.turn)
        key, task = running.key, self._task(running.key)
        seconds = time.monotonic() - running.began
        self._hide_secrets(running)
        if isinstance(event, Death):
            mishap = mishap_of_death(event.how, running, task)
            # The runtime in the dead worker could not log the end.
            self.endings.log_end(key, running.number, OUTCOMES[running.ending], mishap.message)
            self._after_failure(running, mishap, seconds)
            return
        if running.ending:
            pool.retire(event.worker)
        message = event.message
        self.record.findings += [Finding.from_data(data) for data in message["findings"]]
        if not message["ok"]:
            self._after_failure(running, mishap_of_reply(message, running, task), seconds)
        elif message["state"] == "waiting":
            self._look_again(running)
        else:
            self.endings.succeed(key, running.number, seconds, message["outputs"], message["state"])
            if message["behind"]:
                self._run_behind(pool, key, running.number, message["behind"])

    def _after_failure(self, running: Running, mishap: Mishap, seconds: float) -> None:
        task = self._task(running.key)
        if running.ending == "timeout" and time.monotonic() >= self._until[running.key]:
            self._give_up(running.turn, running.number, seconds, too_late(task), held=False)
            return
        tries = running.turn.tries
        if task.retry is None or tries > task.retry.max or self._stopping:
            self.endings.fail(running.key, running.number, seconds, mishap)
            return
        pause = pause_before(tries + 1, task.retry, self.options.random)
        self.agenda.later(Turn(running.key, tries + 1), time.monotonic() + pause)
        self.endings.retry(running, pause, mishap)

    # --- waiting for something outside the run

    def _look_again(self, running: Running) -> None:
        """Put off the next look; meanwhile nothing is held."""
        action = self._task(running.key).action
        assert isinstance(action, Wait)
        if self._stopping:
            return
        due = time.monotonic() + action.interval.total_seconds()
        turn = Turn(running.key, running.turn.tries, running.turn.looks + 1)
        self.agenda.later(turn, min(due, self._until[running.key]))

    def _give_up(
        self, turn: Turn, number: int, seconds: float, mishap: Mishap, *, held: bool = True
    ) -> None:
        """End a wait whose time has passed; no attempt follows."""
        if held:
            self.agenda.give_back(turn)
        action = self._task(turn.key).action
        if isinstance(action, Wait) and action.soft_fail:
            self.endings.skip(turn.key, number, seconds)
            return
        self.endings.log_end(turn.key, number, "timed_out", mishap.message)
        self.endings.fail(turn.key, number, seconds, mishap)

    def _ask(self, turn: Turn, number: int, message: str) -> None:
        """Open an approval; it holds no worker and no slots."""
        key = turn.key
        self.agenda.give_back(turn)
        self.endings.begin(key)
        self.endings.log_start(key, number)
        self.record.started(key, number)
        began = time.monotonic()
        question = Question(turn, number, began, began + patience_of(self._task(key)))
        given = self.options.approvals
        answer = given.get(instance_id(*key), given.get(key[0]))
        self.desk.put(question, instance_id(*key), message, answer)

    def _hear(self) -> None:
        """Take the answers that came."""
        for question, answer in self.desk.answered():
            self._close(question, answer)

    def _close(self, question: Question, end: Answer | Mishap) -> None:
        key, number = question.turn.key, question.number
        seconds = time.monotonic() - question.began
        if end == "approve":
            self.endings.log_end(key, number, "succeeded")
            self.endings.succeed(key, number, seconds, {})
            return
        mishap = end if isinstance(end, Mishap) else Mishap("user", "Rejected", "was not approved")
        self.endings.log_end(key, number, "failed", mishap.message)
        self.endings.fail(key, number, seconds, mishap)

    # --- runs that nobody waits for

    def _run_behind(self, pool: Pool, key: Key, number: int, data: Mapping[str, Any]) -> None:
        """Start a triggered run in a worker of its own; this run ends after it."""
        log = str(self.folder.log_of(*key, number))
        order = Order(key[0], key[1], number, log, triggered=data, behind=True)
        worker = pool.order_extra(order.to_data())
        self._behind[worker] = (instance_id(*key), Triggered.from_data(data))

    def _handle_behind(self, event: Reply | Death) -> None:
        task, triggered = self._behind.pop(event.worker)
        if isinstance(event, Death):
            self.record.findings.append(failed_behind(task, triggered, f"its process {event.how}"))
        elif not event.message["ok"]:
            why = event.message["message"] or "it was interrupted"
            self.record.findings.append(failed_behind(task, triggered, why))

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
        return WorkerProcess(tasks, context, variables, self.options)

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

    def _tell_notice(self, instance: str, message: str) -> None:
        self.options.on_event(Progress(instance, "notice", error=message))

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
