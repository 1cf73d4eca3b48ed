"""A worker process: takes attempts one at a time, does them through the runtime, and tells how they went."""

from __future__ import annotations

import hashlib
import importlib
import linecache
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from io import TextIOWrapper
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import TYPE_CHECKING, Any

from intermodal.ir import (
    Action,
    ArtifactType,
    Container,
    Noop,
    OptionalType,
    PythonCall,
    Shell,
    Task,
    TriggerRun,
    Type,
    Wait,
)
from intermodal.runtime.attempt import Job, attempt
from intermodal.runtime.call import job_of, plain_function, report
from intermodal.runtime.context import Context
from intermodal.runtime.events import canonical
from intermodal.runtime.problems import AttemptTimeout, classify
from intermodal.runtime.secrets import hide_secrets, read_secret
from intermodal.runtime.shell import CommandFailed, shell_job
from intermodal.runtime.used_code import used_code_hash
from intermodal.runtime.waiting import look
from intermodal_backends.local import wire
from intermodal_backends.local.container import Names, container_job
from intermodal_backends.local.failures import user_traceback
from intermodal_backends.local.folder import code_of
from intermodal_backends.local.orders import Order
from intermodal_backends.local.support import CACHED
from intermodal_backends.local.triggered import Triggered, run_triggered

if TYPE_CHECKING:
    from intermodal.findings import Finding
    from intermodal.running import RunOptions
    from intermodal.runtime.cache import CachePolicy


class WorkerProcess:
    """What all attempts of a run share, in a worker.

    Args:
        tasks: The pipeline's tasks by id.
        context: The run; task, index and attempt are filled in for each order.
        environment: Variables of all tasks.
        options: Of the run: where to import from, and how to run what a task triggers.
    """

    def __init__(
        self,
        tasks: Mapping[str, Task],
        context: Context,
        environment: Mapping[str, str],
        options: RunOptions,
    ) -> None:
        self._tasks = tasks
        self._context = context
        self._environment = environment
        self._options = options
        self._functions: dict[str, Callable[..., Any]] = {}
        self._folder = Path.cwd()

    def serve(self, connection: socket.socket) -> None:
        """Take orders until the engine is gone."""
        self._settle_in()
        while (message := wire.receive(connection)) is not None:
            wire.send(connection, self._perform(Order.from_data(message)))

    def _settle_in(self) -> None:
        os.environ.update(self._environment)
        sys.path[:0] = [str(folder) for folder in self._options.python_path]
        nothing = os.open(os.devnull, os.O_RDWR)
        for descriptor in range(3):
            os.dup2(nothing, descriptor)
        sys.stdin = open(0, closefd=False)  # noqa: SIM115 - a descriptor, for good
        sys.stdout, sys.stderr = _text_on(1), _text_on(2)

    def _perform(self, order: Order) -> dict[str, Any]:
        findings: list[Finding] = []
        try:
            with _logged(Path(order.log)), _endable():
                try:
                    told = self._do(order, findings)
                finally:
                    report(findings)
        except BaseException as problem:  # also what ends an attempt from outside
            return {**_failure(problem), "findings": _data(findings)}
        return {"ok": True, "outputs": {}, "behind": None, **told, "findings": _data(findings)}

    def _do(self, order: Order, findings: list[Finding]) -> dict[str, Any]:
        """Do what is ordered, and tell how it went: the state, the outputs, a run to start behind it."""
        os.chdir(self._folder)  # an earlier attempt may have left it
        if order.behind and order.triggered is not None:
            self._trigger(order)
            return {"state": "succeeded"}
        task = self._tasks[order.task]
        context = replace(self._context, task=order.task, index=order.index, attempt=order.attempt)
        with _variables(task), _folder_for(task) as folder:
            if isinstance(task.action, Wait):
                job = _as_check(self._job(task.action.check, task, {}, order, folder))
                first = not order.looks
                come = look(job, context, order.inputs, findings, first=first)
                return {"state": "succeeded" if come else "waiting"}
            tags = {name: _tag(type_, task) for name, type_ in task.outputs.items()}
            job = self._job(task.action, task, tags, order, folder)
            policy = self._cache_of(task, job)
            done = attempt(job, context, order.inputs, tags, findings, policy)
        behind = isinstance(task.action, TriggerRun) and not task.action.wait
        return {
            "state": "cached" if done.cached else "succeeded",
            "outputs": done.outputs,
            "behind": order.triggered if behind else None,
        }

    def _job(
        self, action: Action, task: Task, tags: Mapping[str, str], order: Order, folder: Path
    ) -> Job:
        match action:
            case PythonCall():
                given = tags or {"return": "value"} if isinstance(task.action, Wait) else tags
                return job_of(self._function(task.id, action), given, action.unpack)
            case Shell(command=command):
                return shell_job(command, tags, {})
            case Container():
                names = Names(order.names, self._context.parameters, self._context.store_uri)
                return container_job(action, task, tags, folder, names)
            case TriggerRun(wait=wait):
                return Job(call=lambda _values: self._trigger(order) if wait else {})
            case Noop():
                return Job(call=lambda _values: {})
        raise TypeError(f"the local engine has no worker for {action.kind}")

    def _trigger(self, order: Order) -> dict[str, Any]:
        assert order.triggered is not None
        run_triggered(Triggered.from_data(order.triggered), self._context.pipeline, self._options)
        return {}

    def _cache_of(self, task: Task, job: Job) -> CachePolicy | None:
        """How outputs of the task are found again, as on other targets; its own environment counts too."""
        cache = task.cache
        if cache is None or not cache.enabled or not isinstance(task.action, CACHED):
            return None
        match task.action:
            case PythonCall():
                code = used_code_hash(plain_function(self._function(task.id, task.action)))
            case Shell():
                code = job.code_hash
            case _:
                code = code_of(task)
        if task.environment:
            text = canonical([code, dict(task.environment)])
            code = hashlib.sha256(text.encode()).hexdigest()
        ttl = None if cache.ttl is None else cache.ttl.total_seconds()
        return {"key": cache.key, "ttl": ttl, "code": code}

    def _function(self, task: str, action: PythonCall) -> Callable[..., Any]:
        """The task's function, imported once per worker; from its captured source if it has no module."""
        if task not in self._functions:
            self._functions[task] = _imported(action) or _from_source(task, action)
        return self._functions[task]


def _imported(action: PythonCall) -> Callable[..., Any] | None:
    try:
        found: Any = importlib.import_module(action.module)
        for part in action.function.split("."):
            found = getattr(found, part)
    except (ModuleNotFoundError, AttributeError) as problem:
        if action.source is None or _is_other_module(problem, action.module):
            raise
        return None
    return found if callable(found) else None


def _is_other_module(problem: Exception, module: str) -> bool:
    """Whether the module is there, but imports one that is not."""
    return isinstance(problem, ModuleNotFoundError) and not f"{module}.".startswith(
        f"{problem.name}."
    )


def _from_source(task: str, action: PythonCall) -> Callable[..., Any]:
    """The function as it was captured, in a module of its own that tracebacks can show."""
    source = action.source
    if source is None:
        raise TypeError(f"`{action.module}.{action.function}` is not a function")
    text = "\n".join((*source.imports, *source.definitions, source.function))
    file = f"<{task}>"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    scope: dict[str, Any] = {"__name__": action.module, "__file__": file}
    exec(compile(text, file, "exec", dont_inherit=True), scope)  # noqa: S102 - the user's own code
    found: Callable[..., Any] = scope[action.function]
    return found


def _as_check(job: Job) -> Job:
    """The job as one whose `return` says whether it holds: a command holds when its exit status is 0."""

    def call(values: dict[str, Any]) -> dict[str, Any]:
        try:
            given = job.call(values)
        except CommandFailed:
            return {"return": False}
        return {"return": given.get("return", True)}

    return replace(job, call=call)


def _tag(type_: Type, task: Task) -> str:
    """The runtime's type tag of an output; commands need the type to read what they print."""
    if isinstance(type_, OptionalType):
        return _tag(type_.item, task)
    if isinstance(type_, ArtifactType):
        return type_.artifact
    return "value" if isinstance(task.action, PythonCall) else type_.kind


@contextmanager
def _folder_for(task: Task) -> Iterator[Path]:
    """A folder that a container sees, until its outputs are stored; other tasks have no use for it."""
    action = task.action.check if isinstance(task.action, Wait) else task.action
    if not isinstance(action, Container):
        yield Path()
        return
    with TemporaryDirectory(prefix="intermodal-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@contextmanager
def _logged(path: Path) -> Iterator[None]:
    """Send what the attempt and its processes print to a file; an empty one is not kept."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for standard in (1, 2):
        os.dup2(descriptor, standard)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        empty = not os.fstat(descriptor).st_size
        os.close(descriptor)
        for standard in (1, 2):
            os.dup2(0, standard)
        if empty:
            path.unlink(missing_ok=True)


@contextmanager
def _endable() -> Iterator[None]:
    """Let the engine end the attempt: SIGTERM is its timeout, SIGINT an interrupt of the run."""
    before = signal.signal(signal.SIGTERM, _end_by_timeout)
    also = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
        signal.signal(signal.SIGINT, also)


def _end_by_timeout(_signal: int, _frame: FrameType | None) -> None:
    raise AttemptTimeout


@contextmanager
def _variables(task: Task) -> Iterator[None]:
    """The task's own environment variables, for the time of the attempt."""
    before = dict(os.environ)
    os.environ.update(task.environment)
    for variable in task.secrets:
        os.environ[variable.variable] = read_secret(variable.secret.name, variable.secret.key)
    try:
        yield
    finally:
        for name in set(os.environ) - set(before):
            del os.environ[name]
        os.environ.update(before)


def _failure(problem: BaseException) -> dict[str, Any]:
    return {
        "ok": False,
        "kind": classify(problem),
        "exception": type(problem).__name__,
        "message": hide_secrets(_text_of(problem)),
        "traceback": hide_secrets(user_traceback(problem)),
    }


def _text_of(problem: BaseException) -> str:
    try:
        return str(problem)
    except Exception as worse:  # a user's __str__ may raise anything
        return f"<its text cannot be shown: {type(worse).__name__}>"


def _data(findings: list[Finding]) -> list[dict[str, Any]]:
    return [finding.to_data() for finding in findings]


def _text_on(descriptor: int) -> TextIOWrapper:
    raw = open(descriptor, "wb", buffering=0, closefd=False)  # noqa: SIM115 - for good
    return TextIOWrapper(raw, encoding="utf-8", errors="backslashreplace", write_through=True)
