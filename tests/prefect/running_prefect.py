"""Prefect's part played in one process, control flow included: a task runs when it is submitted."""

from __future__ import annotations

import builtins
import contextlib
import sys
import types
from importlib.machinery import ModuleSpec
from typing import Any


class State:
    """What a task ends as."""

    def __init__(self, name="", message="", data=None, *, completed=True):
        self.name, self.message, self.data, self.completed = name, message, data, completed

    def is_completed(self):
        return self.completed


def Completed(**given):  # noqa: N802
    return State(**given)


def Failed(**given):  # noqa: N802
    return State(**given, completed=False)


class PrefectFuture:
    """A task that was run."""

    def __init__(self, options):
        self.options, self.state, self.value = options, State("Completed"), None

    def result(self):
        if not self.state.completed:
            raise RuntimeError(self.state.message) from self.state.data
        return self.state.data if self.value is None else self.value


class Task:
    """A function under `@task`."""

    def __init__(self, run, function, options):
        self.run, self.function, self.options = run, function, options
        self.name = options.get("name") or function.__name__.replace("_", "-")
        self.task_run_name = options.get("task_run_name")

    def with_options(self, **options):
        return Task(self.run, self.function, {**self.options, **options})

    def submit(self, *args, wait_for=(), **kwargs):
        future = PrefectFuture(self.options)
        self.run.futures.append((self.name, future))
        try:
            given = [_value(arg) for arg in args]
            found = self.function(*given, **{key: _value(arg) for key, arg in kwargs.items()})
        except Exception as problem:
            found = Failed(name="Failed", message=repr(problem), data=problem)
        if isinstance(found, State):
            future.state = found
        else:
            future.value = found
        return future


def _value(given: Any) -> Any:
    return given.result() if isinstance(given, PrefectFuture) else given


class Running:
    """An emitted file that was executed, and its flow called.

    Attributes:
        futures: Names and futures of all tasks that were submitted, in order.
        said: What was logged, emitted, asked, or started, with its arguments.
    """

    def __init__(self, text: str, **given: Any) -> None:
        self.futures: list[tuple[str, PrefectFuture]] = []
        self.said: list[tuple[Any, ...]] = []
        self.options: dict[str, Any] = {}
        self.flow: Any = None
        module = types.ModuleType("emitted_flow")
        sys.modules["emitted_flow"] = module
        try:
            with self._prefect():
                exec(builtins.compile(text, "flow.py", "exec"), vars(module))
                self.flow(**given)
        finally:
            del sys.modules["emitted_flow"]

    def value(self, name: str) -> Any:
        """What the only task of that name gave; fails if it did not succeed."""
        [found] = self.values(name)
        return found

    def values(self, name: str) -> list[Any]:
        """What each instance of a task gave."""
        return [future.result() for future in self._named(name)]

    def states(self, name: str) -> list[str]:
        """The names of the states of a task's instances."""
        return [future.state.name for future in self._named(name)]

    def _named(self, name: str) -> list[PrefectFuture]:
        """Prefect writes dashes in names of functions."""
        dashed = name.replace("_", "-")
        return [future for known, future in self.futures if known.replace("_", "-") == dashed]

    def _say(self, kind, answer=None):
        def said(*args, **keywords):
            self.said.append((kind, args, keywords))
            return answer

        return said

    def _prefect(self):
        def flow(**options):
            def decorate(function):
                self.flow, self.options = function, options
                return function

            return decorate

        class RunInput:
            @staticmethod
            def with_initial_data(**given):
                return given

        logger = types.SimpleNamespace(info=self._say("log"), warning=self._say("warning"))
        started = types.SimpleNamespace(id="started", state=State("Completed"))
        moment = types.SimpleNamespace(isoformat=lambda: "2026-01-02T00:00:00+00:00")
        flow_run = types.SimpleNamespace(
            id="run", run_count=1, tags=[], parameters={}, scheduled_start_time=moment
        )
        run = self
        names = {
            "flow": flow,
            "task": lambda **options: lambda function: Task(run, function, options),
            "allow_failure": lambda future: future,
            "quote": lambda value: value,
            "wait": lambda futures: None,
            "PrefectFuture": PrefectFuture,
            "State": State,
            "Completed": Completed,
            "Failed": Failed,
            "RunInput": RunInput,
            "FlowPauseTimeout": TimeoutError,
            "pause_flow_run": self._say("asked", types.SimpleNamespace(approve=True)),
            "run_deployment": self._say("started", started),
            "emit_event": self._say("event"),
            "concurrency": self._say("pool", contextlib.nullcontext()),
            "get_logger": lambda name: logger,
            "CacheKeyFnPolicy": lambda **given: given,
            "flow_run": flow_run,
            "task_run": types.SimpleNamespace(name="", task_name="", run_count=1, ui_url=None),
        }
        return _instead(names)


@contextlib.contextmanager
def _instead(names):
    """Modules of Prefect that have every name."""

    class Module(types.ModuleType):
        __path__ = ()

        def __getattr__(self, name):
            if name.startswith("__"):
                raise AttributeError(name)
            return names.get(name, name)

    class Finder:
        @staticmethod
        def find_spec(name, path=None, target=None):
            if name.split(".")[0] != "prefect":
                return None
            return ModuleSpec(name, Finder, is_package=True)

        @staticmethod
        def create_module(spec):
            return Module(spec.name)

        @staticmethod
        def exec_module(module):
            return None

    def ours():
        return [name for name in sys.modules if name.split(".")[0] == "prefect"]

    before = {name: sys.modules.pop(name) for name in ours()}
    sys.meta_path.insert(0, Finder)
    try:
        yield
    finally:
        sys.meta_path.remove(Finder)
        for name in ours():
            del sys.modules[name]
        sys.modules.update(before)
