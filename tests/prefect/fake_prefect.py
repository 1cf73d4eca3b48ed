"""Just enough of Prefect to execute an emitted file: tasks run when they are submitted."""

from __future__ import annotations

import builtins
import sys
import types
from dataclasses import dataclass, field
from typing import Any, ClassVar

MODULES = (
    "prefect",
    "prefect.artifacts",
    "prefect.cache_policies",
    "prefect.client",
    "prefect.client.orchestration",
    "prefect.context",
    "prefect.futures",
    "prefect.runtime",
    "prefect.states",
    "prefect.task_runners",
    "prefect.utilities",
    "prefect.utilities.urls",
)


class State:
    def __init__(self, word):
        self.word = word

    def is_completed(self):
        return self.word == "completed"


@dataclass
class Future:
    """A task run: its name, options, what it was given and what came of it."""

    name: str
    options: dict[str, Any]
    value: Any = None
    error: BaseException | None = None
    ready: bool = True
    wait_for: list[Future] = field(default_factory=list)

    @property
    def state(self):
        return State("completed" if self.ready and self.error is None else "failed")

    def result(self):
        return self.value


class Task:
    def __init__(self, function, options):
        self.function, self.options = function, options

    def with_options(self, **options):
        return Task(self.function, {**self.options, **options})

    def submit(self, *args, wait_for=(), **kwargs):
        name = self.options.get("name", self.function.__name__)
        future = Future(name, self.options, wait_for=list(wait_for))
        Recorded.current.runs[name] = future
        given = [*args, *kwargs.values()]
        futures = [value for value in given if isinstance(value, Future)] + future.wait_for
        if not all(up.state.is_completed() for up in futures):
            future.ready = False
            return future
        Recorded.current.running = name
        try:
            future.value = self.function(
                *map(_value, args), **{key: _value(value) for key, value in kwargs.items()}
            )
        except Exception as problem:
            future.error = problem
        return future


class Client:
    """Prefect's API, which knows how often a flow run was started."""

    run_count = 1
    parameters: ClassVar[dict[str, Any]] = {}

    def __init__(self, *, sync_client):
        assert sync_client

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def read_flow_run(self, identity):
        return types.SimpleNamespace(
            id=identity, run_count=self.run_count, parameters=self.parameters
        )


def _value(given):
    return given.value if isinstance(given, Future) else given


class Recorded:
    """What one execution did."""

    current: Recorded

    def __init__(self):
        self.runs: dict[str, Future] = {}
        self.running = ""
        self.flow: Any = None
        self.flow_options: dict[str, Any] = {}
        self.names: dict[str, Any] = {}
        self.module: types.ModuleType | None = None
        self.imports = {name: types.ModuleType(name) for name in MODULES}
        self.links: list[tuple[str, str]] = []
        self.inside = True
        self._fill()

    def _fill(self):
        modules = self.imports

        def flow(**options):
            def decorate(function):
                self.flow, self.flow_options = function, options
                return function

            return decorate

        def task(**options):
            return lambda function: Task(function, options)

        modules["prefect"].flow, modules["prefect"].task = flow, task
        modules["prefect.cache_policies"].NO_CACHE = "no cache"
        modules["prefect.futures"].wait = lambda futures: None
        modules["prefect.states"].Completed = lambda **given: given
        modules["prefect.task_runners"].ThreadPoolTaskRunner = lambda **given: given
        flow_run = types.SimpleNamespace(id="run", run_count=1, tags=[], parameters={})
        task_run = types.SimpleNamespace(task_name="", run_count=1, ui_url=None)
        modules["prefect.artifacts"].create_link_artifact = self._link
        modules["prefect.client.orchestration"].get_client = Client
        inside = types.SimpleNamespace(get=lambda: self.inside or None)
        modules["prefect.context"].FlowRunContext = inside
        modules["prefect.context"].TaskRunContext = inside
        modules["prefect.utilities.urls"].url_for = lambda kind, *, obj_id: f"http://p/{obj_id}"
        modules["prefect.runtime"].flow_run = flow_run
        modules["prefect.runtime"].task_run = task_run

    def _link(self, page, text):
        self.links.append((page, text))

    def execute(self, text):
        """Run the file; its module is left in `sys.modules` while `call` needs it."""
        self.module = types.ModuleType("emitted_flow")
        self._inside(lambda: exec(builtins.compile(text, "flow.py", "exec"), vars(self.module)))
        return self

    def call(self, **parameters):
        """Call the flow and give what it returns."""
        return self._inside(lambda: self.flow(**parameters))

    def _inside(self, action):
        Recorded.current = self
        names = {**self.imports, "emitted_flow": self.module}
        before = {name: sys.modules.get(name) for name in names}
        sys.modules.update(names)
        try:
            return action()
        finally:
            for name, module in before.items():
                if module is None:
                    del sys.modules[name]
                else:
                    sys.modules[name] = module


def execute(text):
    """Execute an emitted file and give what it recorded."""
    return Recorded().execute(text)
